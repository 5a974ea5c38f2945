"""How an export ends: what its source, the audit log and the channels learn, all in the transaction of the end."""

from typing import Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.jobs import cancel as cancel_job
from app.kernel.ports.events import EventKinds
from app.kernel.ports.exports import Ended, ExportSources
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor, ActorKind
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.events import EXPORT_FAILED, EXPORT_READY
from app.operations.exports.models import ExportRow
from app.operations.exports.repository import ExportWrites
from app.operations.exports.schemas import MAX_ERROR
from app.operations.exports.states import OPEN, ExportStatus
from app.operations.notifications.outbox.announcing import Announcements

CANCELLED: Final = "cancelled"
"""What a source is told instead of an error's code."""


async def record_end(session: WriteSession, sources: ExportSources, row: ExportRow, error_code: str | None) -> None:
    """Let the source of an export keep its record of the end."""
    source = sources.get(row.job_type)
    if source is None or row.completed_at is None:
        return
    seconds = (row.completed_at - (row.started_at or row.created_at)).total_seconds()
    await source.ended(session, row.subject, Ended(row.rows, row.bytes, max(0.0, seconds), error_code))


async def cancel_open(session: WriteSession, sources: ExportSources, actor: Actor, row: ExportRow) -> None:
    """Cancel an export that is locked and open, with the job that makes it."""
    exports = ExportWrites(session)
    await exports.move(row, ExportStatus.CANCELLED, completed_at=await exports.now())
    if row.run_id is not None:
        await cancel_job(session, row.run_id)
    await record_end(session, sources, row, CANCELLED)
    await AuditTrail(session).append(actor, ExportAction.CANCELLED, ENTITY, row.id, row.job_type)


class Endings:
    """Ends exports as the service's own jobs do, in the caller's transaction."""

    def __init__(self, session: WriteSession, sources: ExportSources, kinds: EventKinds) -> None:
        self._session = session
        self._sources = sources
        self._announcements = Announcements(session, kinds)

    async def cancel_with_job(self, actor: Actor, export_id: UUID) -> None:
        """Cancel the export, if it is open, as its job is cancelled by an actor who may do that."""
        row = await ExportWrites(self._session).locked(export_id)
        if row is not None and ExportStatus(row.status) in OPEN:
            await cancel_open(self._session, self._sources, actor, row)

    async def fail(self, export_id: UUID, refusal: Problem) -> None:
        """Let the export fail with this problem, if it is open."""
        exports = ExportWrites(self._session)
        row = await exports.locked(export_id)
        if row is None or ExportStatus(row.status) not in OPEN:
            return
        why = {"error_code": refusal.code, "error_message": refusal.detail[:MAX_ERROR]}
        await exports.move(row, ExportStatus.FAILED, completed_at=await exports.now(), **why)
        await self.conclude(row, refusal.code)

    async def conclude(self, row: ExportRow, error_code: str | None) -> None:
        """Record and announce that the export is ready, or, with a code, that it has failed."""
        await record_end(self._session, self._sources, row, error_code)
        ready = error_code is None
        facts = {"rows": row.rows, "bytes": row.bytes, "checksum": row.checksum, "error_code": error_code}
        await AuditTrail(self._session).append(
            Actor(ActorKind(row.requested_by_kind), row.requested_by_id, row.requested_by),
            ExportAction.COMPLETED if ready else ExportAction.FAILED,
            ENTITY,
            row.id,
            row.job_type,
            after={name: value for name, value in facts.items() if value is not None},
            outcome="success" if ready else "failure",
        )
        happened = "is ready" if ready else f"has failed: {row.error_message}"
        await self._announcements.announce(
            EXPORT_READY if ready else EXPORT_FAILED,
            f"The export of {row.job_type} that {row.requested_by} asked for {happened}",
            payload=facts | {"export_id": row.id, "job_type": row.job_type, "requested_by": row.requested_by},
            entity=f"export/{row.id}",
        )
