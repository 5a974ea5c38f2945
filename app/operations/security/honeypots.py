"""Use cases of decoys: lay them out, remove them."""

from collections.abc import Sequence
from uuid import UUID

from starlette.routing import BaseRoute

from app.access.credentials.keys import fresh_key
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.security.actions import SecurityAction
from app.operations.security.edge.decoys import decoy_path, is_route_in_use, path_fault
from app.operations.security.models import HoneypotRow
from app.operations.security.repository import HoneypotWrites, SecurityWrites
from app.operations.security.schemas import HoneypotRequest


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

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock) -> None:
        self._clock = clock
        self._honeypots = HoneypotWrites(session)
        self._security = SecurityWrites(session)
        self._audit = AuditTrail(session, secret)

    async def lay_out(
        self, actor: Actor, wanted: HoneypotRequest, routes: Sequence[BaseRoute]
    ) -> tuple[HoneypotRow, str | None]:
        """The decoy; of a decoy key its text too, which is shown this once.

        None of the `routes` of the service may be a decoy.

        Raises:
            InvalidRequest: a key has a path.
            InvalidDecoyPath, RealRoute, DecoyInPlace
        """
        described: dict[str, object] = {"kind": wanted.kind, "label": wanted.label}
        if wanted.kind == "key":
            if wanted.path is not None:
                message = "A key has no path."
                raise InvalidRequest(message, faults=[Fault(pointer="/path", code="not-of-a-key", message=message)])
            key = fresh_key()
            return await self._insert(actor, described | {"prefix": key.prefix, "digest": key.digest}), key.text
        return await self._insert(actor, described | {"path": _checked_path(wanted.path, routes)}), None

    async def _insert(self, actor: Actor, values: dict[str, object]) -> HoneypotRow:
        row = await self._honeypots.add_unless_taken(values | {"created_by": actor.label})
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
        row = await self._honeypots.lock_by_id(honeypot_id)
        row.removed_at, row.removed_by = self._clock(), actor.label
        before = {"kind": row.kind, "label": row.label, "path": row.path}
        await self._audit.append(
            actor, SecurityAction.HONEYPOT_REMOVED, "honeypot", honeypot_id, row.path or row.prefix, before=before
        )
        await self._security.changed(actor.label)


def _checked_path(path: str | None, routes: Sequence[BaseRoute]) -> str:
    if path is None:
        raise InvalidDecoyPath("A decoy address needs its path.")
    fault = path_fault(path)
    if fault is not None:
        raise InvalidDecoyPath(fault)
    if is_route_in_use(path, routes):
        raise RealRoute(f"{path} is an address of the service.")
    return decoy_path(path)
