"""Use cases of exports that are there: look at them, cancel one. `requests.py` makes them, `work.py` their files."""

from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.jobs import cancel as cancel_job
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.exports import ExportSources
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, Permission
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.documents import document
from app.operations.exports.endings import note_end
from app.operations.exports.models import ExportRow
from app.operations.exports.problems import WrongTransition
from app.operations.exports.repository import Exports, ExportWrites
from app.operations.exports.rights import owns, visible
from app.operations.exports.schemas import ExportDocument
from app.operations.exports.states import Status, may_follow


def version_tag(row: ExportRow) -> str:
    """The ETag of an export."""
    return etag(row.id, row.version)


class ExportViews:
    """Shows exports, in the caller's session."""

    def __init__(self, session: ReadSession, clock: Clock) -> None:
        self._exports = Exports(session)
        self._clock = clock

    async def get(self, actor: Actor, export_id: UUID) -> tuple[ExportDocument, str]:
        """The export and its ETag. Raises `ExportNotFound`."""
        row = visible(actor, await self._exports.by_id(export_id))
        return document(row, self._clock()), version_tag(row)

    async def page(
        self, actor: Actor, status: Status | None, job_type: str | None, request: PageRequest
    ) -> Page[ExportDocument]:
        """One page, newest first: the actor's own, or everybody's for who runs the service."""
        owner = None if actor.may(Permission.SYSTEM_READ) else (actor.kind.value, actor.id)
        found = await self._exports.matching(owner, status, job_type, request)
        now = self._clock()
        return Page([document(row, now) for row in found.items], found.next_cursor)


class ExportService:
    """Ends exports, in the caller's transaction."""

    def __init__(self, session: WriteSession, sources: ExportSources, clock: Clock) -> None:
        self._session = session
        self._sources = sources
        self._clock = clock

    async def cancel(self, actor: Actor, export_id: UUID, if_match: str | None) -> tuple[ExportDocument, str]:
        """The export, cancelled, and its ETag; a worker that makes its file ends its statement.

        Raises:
            ExportNotFound: there is no such export for the actor.
            Forbidden: the export is another's, and the actor may not end those.
            WrongTransition: the export is over.
        """
        exports = ExportWrites(self._session)
        row = visible(actor, await exports.locked(export_id))
        if not owns(actor, row) and not actor.may(Permission.SYSTEM_WRITE):
            raise Forbidden("Another's export is cancelled by an admin.", missing=[Permission.SYSTEM_WRITE.value])
        check_if_match(if_match, version_tag(row))
        before = Status(row.status)
        if before is not Status.CANCELLED:
            if not may_follow(before, Status.CANCELLED):
                raise WrongTransition(before, f"The export is {before}: there is nothing to cancel.")
            await exports.move(row, Status.CANCELLED, completed_at=await exports.now())
            await note_end(self._session, self._sources, row, "cancelled")
            if row.run_id is not None:
                await cancel_job(self._session, row.run_id)
            await AuditTrail(self._session).append(actor, ExportAction.CANCELLED, ENTITY, row.id, row.job_type)
        return document(row, self._clock()), version_tag(row)
