"""Use cases of exports that are there. `requests.py` makes exports, `work.py` their files.

The report of an outside worker moves an export from one status to the next, or is refused.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.jobs import cancel as cancel_job
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.exports import ExportSources
from app.kernel.problems import Fault, Forbidden
from app.kernel.security.authorization import Actor, Permission
from app.kernel.storage.object_storage import InvalidKeyError, ObjectNotFound, ObjectStorage
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.endings import CANCELLED, cancel_open, record_end
from app.operations.exports.models import ExportRow
from app.operations.exports.permissions import owns, visible
from app.operations.exports.problems import ExportNotFound, InvalidExport, WrongTransition
from app.operations.exports.repository import ExportReads, ExportWrites
from app.operations.exports.schemas import ExportDocument, StatusReport
from app.operations.exports.states import ExportStatus, Maker, may_follow
from app.operations.exports.work import folder
from app.settings import Settings

REPORTED: Final = "reported-failure"


def version_tag(row: ExportRow) -> str:
    """The ETag of an export."""
    return etag(row.id, row.version)


class ExportViews:
    """Shows exports, in the caller's session."""

    def __init__(self, session: ReadSession, clock: Clock) -> None:
        self._exports = ExportReads(session)
        self._clock = clock

    async def get(self, actor: Actor, export_id: UUID) -> Tagged[ExportDocument]:
        """The export. Raises `ExportNotFound`."""
        row = visible(actor, await self._exports.by_id(export_id))
        return Tagged(ExportDocument.of(row, self._clock()), version_tag(row))

    async def page(
        self, actor: Actor, status: ExportStatus | None, job_type: str | None, request: PageRequest
    ) -> Page[ExportDocument]:
        """A page of exports, newest first: the actor's own, or everybody's for who runs the service."""
        owner = None if actor.may(Permission.SYSTEM_READ) else (actor.kind.value, actor.id)
        found = await self._exports.matching(owner, status, job_type, request)
        now = self._clock()
        return found.shaped(lambda row: ExportDocument.of(row, now))


class ExportService:
    """Moves exports, in the caller's transaction."""

    def __init__(
        self, session: WriteSession, sources: ExportSources, storage: ObjectStorage, clock: Clock, settings: Settings
    ) -> None:
        self._session = session
        self._exports = ExportWrites(session)
        self._audit = AuditTrail(session)
        self._sources = sources
        self._storage = storage
        self._clock = clock
        self._lifetime = timedelta(seconds=settings.exports.lifetime_seconds)

    async def cancel(self, actor: Actor, export_id: UUID, if_match: str | None) -> Tagged[ExportDocument]:
        """The export, cancelled; a worker that makes its file ends its statement.

        Raises:
            ExportNotFound: there is no such export for the actor.
            Forbidden: the export is another's, and the actor may not end those.
            WrongTransition: the export is over.
        """
        row = visible(actor, await self._exports.locked(export_id))
        if not owns(actor, row) and not actor.may(Permission.SYSTEM_WRITE):
            raise Forbidden("Another's export is cancelled by an admin.", missing=[Permission.SYSTEM_WRITE.value])
        check_if_match(if_match, version_tag(row))
        before = ExportStatus(row.status)
        if before is not ExportStatus.CANCELLED:
            if not may_follow(before, ExportStatus.CANCELLED):
                raise WrongTransition(before, f"The export is {before}: there is nothing to cancel.")
            await cancel_open(self._session, self._sources, actor, row)
        return Tagged(ExportDocument.of(row, self._clock()), version_tag(row))

    async def report(
        self, actor: Actor, export_id: UUID, report: StatusReport, if_match: str | None
    ) -> Tagged[ExportDocument]:
        """The export where the report of an outside worker has moved it.

        Raises:
            ExportNotFound: there is no such export.
            WrongTransition: it stands elsewhere, may not go there, or is the service's own to make.
            InvalidExport: there is no such object.
        """
        row = await self._exports.locked(export_id)
        if row is None:
            raise ExportNotFound
        check_if_match(if_match, version_tag(row))
        now, before = ExportStatus(row.status), report.from_status
        if now is not before:
            raise WrongTransition(now, f"The export is {now}, not {before}.")
        if not may_follow(before, report.to_status):
            raise WrongTransition(now, f"{before} is not followed by {report.to_status}.")
        if (
            before is ExportStatus.RUNNING
            and row.maker == Maker.SERVICE.value
            and report.to_status is not ExportStatus.CANCELLED
        ):
            raise WrongTransition(now, "A worker of the service makes it.")
        await self._move(row, report.to_status, **await self._reported(row, report))
        was, now_is = {"status": before.value}, {"status": row.status}
        await self._audit.append(actor, ExportAction.REPORTED, ENTITY, row.id, row.job_type, before=was, after=now_is)
        return Tagged(ExportDocument.of(row, self._clock()), version_tag(row))

    async def _move(self, row: ExportRow, after: ExportStatus, **values: Any) -> None:
        """Change the status, so that no worker of the service goes on and the source learns of an end."""
        await self._exports.move(row, after, **values)
        if row.run_id is not None and after is not ExportStatus.EXPIRED:
            await cancel_job(self._session, row.run_id)
        if after in {ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED}:
            code = None if after is ExportStatus.COMPLETED else row.error_code or CANCELLED
            await record_end(self._session, self._sources, row, code)

    async def _reported(self, row: ExportRow, report: StatusReport) -> dict[str, Any]:
        """The columns that the report sets besides the status."""
        now = await self._exports.now()
        match report.to_status:
            case ExportStatus.RUNNING:
                return {"maker": Maker.OUTSIDE.value, "started_at": now}
            case ExportStatus.COMPLETED:
                size = await self._size(row, report.object_key or "")
                file = {"object_key": report.object_key, "checksum": report.checksum, "bytes": size}
                return file | {"rows": report.rows or 0, "completed_at": now, "expires_at": now + self._lifetime}
            case ExportStatus.FAILED:
                return {"completed_at": now, "error_code": REPORTED, "error_message": report.error_message}
            case ExportStatus.CANCELLED:
                return {"completed_at": now}
            case _:
                return {}

    async def _size(self, row: ExportRow, key: str) -> int:
        """Bytes of the object, which is the export's own. Raises `InvalidExport`."""
        if key.startswith(f"{folder(row.id)}/"):
            try:
                return (await self._storage.head(key)).size
            except (ObjectNotFound, InvalidKeyError):
                pass
        message = f"There is no such object below {folder(row.id)}/."
        raise InvalidExport([Fault(pointer="/object_key", code="no-such-object", message=message)])
