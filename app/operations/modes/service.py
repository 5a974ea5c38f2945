"""Use cases of the modes: read them, switch them, demand them."""

from enum import StrEnum

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.operations.decisions.repository import SystemConfigRepository, SystemConfigWrites
from app.operations.modes.events import MAINTENANCE_CHANGED, MODE_CHANGED
from app.operations.modes.modes import Maintenance, MaintenanceMode, NotIngestionReady, SystemMode
from app.operations.modes.window_repository import MAINTENANCE, standing
from app.operations.modes.window_rules import ModeBasis
from app.operations.notifications.outbox.announcing import Announcements

SYSTEM_MODE = "system_mode"


class SystemAction(StrEnum):
    """What the audit log calls the changes made here."""

    MODE_CHANGED = "system:mode-change"
    MAINTENANCE_CHANGED = "system:maintenance-change"


class ModesInForce:
    """Tells the modes, each with its ETag."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._config = SystemConfigRepository(session)

    async def system_mode(self) -> tuple[SystemMode, str]:
        """The system mode: READ_ONLY until an admin decides otherwise."""
        found = await self._config.get(SYSTEM_MODE)
        return (SystemMode(found[0]["mode"]), etag(found[1])) if found else (SystemMode.READ_ONLY, etag(0))

    async def maintenance(self) -> tuple[Maintenance, str]:
        """The maintenance mode: what was decided by hand, or the window that runs."""
        found = await self.standing()
        now = found.in_force()
        return now, etag(found.version, *([now.window_id] if now.window_id else []))

    async def standing(self) -> ModeBasis:
        """What the maintenance mode follows from."""
        return await standing(self._session)


async def require_ingestion_ready(session: ReadSession) -> None:
    """Return when data may come in. Raises `NotIngestionReady`."""
    mode, _ = await ModesInForce(session).system_mode()
    if mode is not SystemMode.INGESTION_READY:
        raise NotIngestionReady


class Modes:
    """Switches modes, in the caller's transaction, audited and announced."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._config = SystemConfigWrites(session)
        self._in_force = ModesInForce(session)
        self._audit = AuditTrail(session)
        self._announcements = Announcements(session, resources.extensions.of(EventKinds))

    async def set_system_mode(self, mode: SystemMode, actor: Actor, if_match: str | None) -> tuple[SystemMode, str]:
        """The mode now in force and its ETag."""
        before, version = await self._config.lock(SYSTEM_MODE) or ({"mode": SystemMode.READ_ONLY.value}, 0)
        check_if_match(if_match, etag(version))
        after = {"mode": mode.value}
        version = await self._config.put(SYSTEM_MODE, after, actor.label)
        await self._audit.append(
            actor, SystemAction.MODE_CHANGED, "system", None, SYSTEM_MODE, before=before, after=after
        )
        if before["mode"] != after["mode"]:
            told = after | {"by": actor.label}
            await self._announcements.announce(MODE_CHANGED, f"The system mode is now {mode.value}", payload=told)
        return mode, etag(version)

    async def set_maintenance(self, wanted: Maintenance, actor: Actor, if_match: str | None) -> tuple[Maintenance, str]:
        """The maintenance mode now in force and its ETag; it wins over a window that runs, and stays after it."""
        before, _ = await self._config.lock(MAINTENANCE) or ({"mode": MaintenanceMode.NORMAL.value}, 0)
        _, current = await self._in_force.maintenance()
        check_if_match(if_match, current)
        after = {
            "mode": wanted.mode.value,
            "reason": wanted.reason,
            "until": wanted.until.isoformat() if wanted.until else None,
        }
        version = await self._config.put(MAINTENANCE, after, actor.label)
        await self._audit.append(
            actor, SystemAction.MAINTENANCE_CHANGED, "system", None, MAINTENANCE, before=before, after=after
        )
        if before["mode"] != after["mode"]:
            subject = f"The maintenance mode is now {wanted.mode.value}"
            told = after | {"by": actor.label}
            await self._announcements.announce(MAINTENANCE_CHANGED, subject, wanted.reason or "", told)
        return wanted, etag(version)
