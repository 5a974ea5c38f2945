"""Use cases of the modes: read them, switch them, demand them."""

from datetime import datetime
from enum import StrEnum

from app.audit.service import AuditTrail
from app.kernel.authorization import Actor
from app.kernel.database import ReadSession, WriteSession
from app.kernel.etags import check_if_match, etag
from app.operations.modes import Maintenance, MaintenanceMode, NotIngestionReady, SystemMode
from app.operations.repository import SystemConfigRepository, SystemConfigWrites

SYSTEM_MODE = "system_mode"
MAINTENANCE = "maintenance"


class SystemAction(StrEnum):
    """What the audit log calls the changes made here."""

    MODE_CHANGED = "system:mode-change"
    MAINTENANCE_CHANGED = "system:maintenance-change"


class ModesInForce:
    """Tells the modes, each with its ETag."""

    def __init__(self, session: ReadSession) -> None:
        self._config = SystemConfigRepository(session)

    async def system_mode(self) -> tuple[SystemMode, str]:
        """The system mode: READ_ONLY until an admin decides otherwise."""
        found = await self._config.get(SYSTEM_MODE)
        return (SystemMode(found[0]["mode"]), etag(found[1])) if found else (SystemMode.READ_ONLY, etag(0))

    async def maintenance(self) -> tuple[Maintenance, str]:
        """The maintenance mode: normal until an admin decides otherwise."""
        found = await self._config.get(MAINTENANCE)
        if found is None:
            return Maintenance(), etag(0)
        value, version = found
        until = value.get("until")
        return Maintenance(
            MaintenanceMode(value["mode"]), value.get("reason"), datetime.fromisoformat(until) if until else None
        ), etag(version)


async def require_ingestion_ready(session: ReadSession) -> None:
    """Return when data may come in. Raises `NotIngestionReady`."""
    mode, _ = await ModesInForce(session).system_mode()
    if mode is not SystemMode.INGESTION_READY:
        raise NotIngestionReady


class Modes:
    """Switches modes, in the caller's transaction, audited."""

    def __init__(self, session: WriteSession) -> None:
        self._config = SystemConfigWrites(session)
        self._audit = AuditTrail(session)

    async def set_system_mode(self, mode: SystemMode, actor: Actor, if_match: str | None) -> tuple[SystemMode, str]:
        """The mode now in force and its ETag."""
        before, version = await self._config.lock(SYSTEM_MODE) or ({"mode": SystemMode.READ_ONLY.value}, 0)
        check_if_match(if_match, etag(version))
        after = {"mode": mode.value}
        version = await self._config.put(SYSTEM_MODE, after, actor.label)
        await self._audit.append(
            actor, SystemAction.MODE_CHANGED, "system", None, SYSTEM_MODE, before=before, after=after
        )
        return mode, etag(version)

    async def set_maintenance(self, wanted: Maintenance, actor: Actor, if_match: str | None) -> tuple[Maintenance, str]:
        """The maintenance mode now in force and its ETag."""
        before, version = await self._config.lock(MAINTENANCE) or ({"mode": MaintenanceMode.NORMAL.value}, 0)
        check_if_match(if_match, etag(version))
        after = {
            "mode": wanted.mode.value,
            "reason": wanted.reason,
            "until": wanted.until.isoformat() if wanted.until else None,
        }
        version = await self._config.put(MAINTENANCE, after, actor.label)
        await self._audit.append(
            actor, SystemAction.MAINTENANCE_CHANGED, "system", None, MAINTENANCE, before=before, after=after
        )
        return wanted, etag(version)
