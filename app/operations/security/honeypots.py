"""Use cases of decoys: lay them out, remove them."""

from uuid import UUID

from starlette.routing import BaseRoute

from app.access.credentials.keys import fresh_key
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.operations.security.actions import SecurityAction
from app.operations.security.edge.decoys import decoy_path, path_fault
from app.operations.security.edge.routes_in_use import leads_somewhere
from app.operations.security.models import HoneypotRow
from app.operations.security.repository import HoneypotWrites, SecurityWrites


class InvalidDecoyPath(InvalidRequest):
    """The path cannot be a decoy."""

    code, title = "invalid-decoy-path", "This cannot be a decoy address"

    def __init__(self, message: str) -> None:
        super().__init__(message, faults=[Fault(pointer="/path", code=self.code, message=message)])


class RealRoute(Conflict):
    """The path is one of the service's own."""

    code, title = "real-route", "The service itself answers there"


class DecoyInPlace(Conflict):
    """There is a decoy at this address."""

    code, title = "decoy-in-place", "There is such a decoy already"


class HoneypotService:
    """Lays decoys out within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._clock = resources.clock
        self._honeypots = HoneypotWrites(session)
        self._security = SecurityWrites(session)
        self._audit = AuditTrail(session, resources.secret)

    async def route(self, actor: Actor, path: str, label: str, routes: list[BaseRoute]) -> HoneypotRow:
        """The decoy address. Raises `InvalidDecoyPath`, `RealRoute`, `DecoyInPlace`."""
        fault = path_fault(path)
        if fault is not None:
            raise InvalidDecoyPath(fault)
        if leads_somewhere(path, routes):
            raise RealRoute(f"{path} is an address of the service.")
        return await self._lay_out(actor, {"kind": "route", "label": label, "path": decoy_path(path)})

    async def key(self, actor: Actor, label: str) -> tuple[HoneypotRow, str]:
        """The decoy key, and its text, which is shown this once."""
        key = fresh_key()
        row = await self._lay_out(actor, {"kind": "key", "label": label, "prefix": key.prefix, "digest": key.digest})
        return row, key.text

    async def _lay_out(self, actor: Actor, values: dict[str, object]) -> HoneypotRow:
        row = await self._honeypots.insert(values | {"created_by": actor.label})
        if row is None:
            raise DecoyInPlace
        shown = {name: value for name, value in values.items() if name != "digest"}
        await self._audit.append(
            actor, SecurityAction.HONEYPOT_CREATED, "honeypot", row.id, row.path or row.prefix, after=shown
        )
        await self._security.changed(actor.label)
        return row

    async def remove(self, actor: Actor, honeypot_id: UUID) -> None:
        """Remove the decoy; it is kept as history. Raises `NotFound`."""
        row = await self._honeypots.lock(honeypot_id)
        row.removed_at, row.removed_by = self._clock(), actor.label
        before = {"kind": row.kind, "label": row.label, "path": row.path}
        await self._audit.append(
            actor, SecurityAction.HONEYPOT_REMOVED, "honeypot", honeypot_id, row.path or row.prefix, before=before
        )
        await self._security.changed(actor.label)
