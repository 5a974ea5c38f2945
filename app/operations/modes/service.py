"""Use cases of the modes: read them, switch them, demand them."""

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.operations.decisions import service as decisions
from app.operations.modes.actions import ModeAction
from app.operations.modes.events import MAINTENANCE_CHANGED, MODE_CHANGED
from app.operations.modes.modes import Maintenance, MaintenanceMode, NotIngestionReady, SystemMode
from app.operations.modes.repository import MAINTENANCE, mode_basis
from app.operations.notifications.outbox.announcing import Announcements

SYSTEM_MODE = "system_mode"


class ModesInForce:
    """Reads the modes."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def system_mode(self) -> Tagged[SystemMode]:
        """The system mode: READ_ONLY until an admin decides otherwise."""
        value, version = await decisions.current(self._session, SYSTEM_MODE)
        return Tagged(SystemMode(value["mode"]) if value else SystemMode.READ_ONLY, etag(version))

    async def maintenance(self) -> Tagged[Maintenance]:
        """The maintenance mode: what was decided by hand, or the window that runs."""
        basis = await mode_basis(self._session)
        now = basis.in_force()
        return Tagged(now, etag(basis.version, *([now.window_id] if now.window_id else [])))


async def require_ingestion_ready(session: ReadSession) -> None:
    """Return when data may come in. Raises `NotIngestionReady`."""
    if (await ModesInForce(session).system_mode()).value is not SystemMode.INGESTION_READY:
        raise NotIngestionReady


class Modes:
    """Switches modes, in the caller's transaction, audited and announced."""

    def __init__(self, session: WriteSession, kinds: EventKinds) -> None:
        self._session = session
        self._audit = AuditTrail(session)
        self._announcements = Announcements(session, kinds)

    async def set_system_mode(self, mode: SystemMode, actor: Actor, if_match: str | None) -> Tagged[SystemMode]:
        """The system mode now in force."""
        value, version = await decisions.lock(self._session, SYSTEM_MODE)
        before = value or {"mode": SystemMode.READ_ONLY.value}
        check_if_match(if_match, etag(version))
        after = {"mode": mode.value}
        version = await decisions.put(self._session, SYSTEM_MODE, after, actor.label)
        await self._audit.append(
            actor, ModeAction.MODE_CHANGED, "system", None, SYSTEM_MODE, before=before, after=after
        )
        if before["mode"] != after["mode"]:
            payload = after | {"by": actor.label}
            await self._announcements.announce(MODE_CHANGED, f"The system mode is now {mode.value}", payload=payload)
        return Tagged(mode, etag(version))

    async def set_maintenance(self, wanted: Maintenance, actor: Actor, if_match: str | None) -> Tagged[Maintenance]:
        """The maintenance mode now in force; it wins over a window that runs, and stays after it."""
        value, _ = await decisions.lock(self._session, MAINTENANCE)
        before = value or {"mode": MaintenanceMode.NORMAL.value}
        check_if_match(if_match, (await ModesInForce(self._session).maintenance()).etag)
        until = wanted.until.isoformat() if wanted.until else None
        after = {"mode": wanted.mode.value, "reason": wanted.reason, "until": until}
        version = await decisions.put(self._session, MAINTENANCE, after, actor.label)
        await self._audit.append(
            actor, ModeAction.MAINTENANCE_CHANGED, "system", None, MAINTENANCE, before=before, after=after
        )
        if before["mode"] != after["mode"]:
            subject, payload = f"The maintenance mode is now {wanted.mode.value}", after | {"by": actor.label}
            await self._announcements.announce(MAINTENANCE_CHANGED, subject, wanted.reason or "", payload)
        return Tagged(wanted, etag(version))
