"""Refused rows are marked as dealt with, so that who looks next sees what is open."""

from uuid import UUID

from app.audit.log.service import AuditTrail
from app.ingestion.quarantine.actions import QuarantineAction
from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.quarantine.repository import QuarantineWrites, RowFilter
from app.ingestion.quarantine.schemas import ResolvedRows, RowsToResolve
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor


class QuarantineResolving:
    """Marks refused rows."""

    def __init__(self, session: WriteSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def resolve(self, actor: Actor, batch_id: UUID, wanted: RowsToResolve) -> ResolvedRows:
        """How many rows were marked, or opened again; those that stood so already are none. Raises `BatchNotFound`."""
        quarantine = QuarantineWrites(self._session, batch_id)
        contract_id = await quarantine.contract_id()
        if contract_id is None:
            raise BatchNotFound
        at = self._clock() if wanted.resolved else None
        which = RowFilter(code=wanted.code, column=wanted.column)
        rows = await quarantine.resolve(which, wanted.lines, at)
        if rows:
            after = wanted.model_dump(mode="json", exclude_none=True) | {"rows": rows}
            await AuditTrail(self._session).append(
                actor, QuarantineAction.RESOLVED, "batch", batch_id, contract_id, after=after
            )
        return ResolvedRows(rows=rows)
