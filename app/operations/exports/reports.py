"""What an outside worker reports: it takes an export over by moving it from one status to the next, or is refused."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.jobs import cancel as cancel_job
from app.kernel.ports.exports import ExportSources
from app.kernel.problems import Fault
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import InvalidKeyError, ObjectNotFound, ObjectStorage
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.documents import document
from app.operations.exports.endings import note_end
from app.operations.exports.models import ExportRow
from app.operations.exports.problems import ExportNotFound, InvalidExport, WrongTransition
from app.operations.exports.repository import ExportWrites
from app.operations.exports.schemas import ExportDocument, StatusReport
from app.operations.exports.service import version_tag
from app.operations.exports.states import Maker, Status, may_follow
from app.operations.exports.work import folder

REPORTED: Final = "reported-failure"


class Reports:
    """Takes reports, in the caller's transaction."""

    def __init__(
        self, session: WriteSession, sources: ExportSources, storage: ObjectStorage, clock: Clock, lifetime: timedelta
    ) -> None:
        """Binds to a transaction; `lifetime` is how long the file of a completed export is kept."""
        self._session = session
        self._exports = ExportWrites(session)
        self._sources = sources
        self._storage = storage
        self._clock = clock
        self._lifetime = lifetime

    async def take(
        self, actor: Actor, export_id: UUID, report: StatusReport, if_match: str | None
    ) -> tuple[ExportDocument, str]:
        """The export where the report has moved it, and its ETag.

        Raises:
            ExportNotFound: there is no such export.
            WrongTransition: it stands elsewhere, may not go there, or is the service's own to make.
            InvalidExport: there is no such object.
        """
        row = await self._exports.locked(export_id)
        if row is None:
            raise ExportNotFound
        check_if_match(if_match, version_tag(row))
        now, before = Status(row.status), report.from_status
        if now is not before:
            raise WrongTransition(now, f"The export is {now}, not {before}.")
        if not may_follow(before, report.to_status):
            raise WrongTransition(now, f"{before} is not followed by {report.to_status}.")
        if before is Status.RUNNING and row.maker == Maker.SERVICE.value and report.to_status is not Status.CANCELLED:
            raise WrongTransition(now, "A worker of the service makes it.")
        await self._move(row, report)
        await AuditTrail(self._session).append(
            actor,
            ExportAction.REPORTED,
            ENTITY,
            row.id,
            row.job_type,
            before={"status": before.value},
            after={"status": row.status},
        )
        return document(row, self._clock()), version_tag(row)

    async def _move(self, row: ExportRow, report: StatusReport) -> None:
        now = await self._exports.now()
        match report.to_status:
            case Status.RUNNING:
                await self._exports.move(row, Status.RUNNING, maker=Maker.OUTSIDE.value, started_at=now)
            case Status.COMPLETED:
                size = await self._size(row, report.object_key or "")
                facts: dict[str, Any] = {"object_key": report.object_key, "checksum": report.checksum, "bytes": size}
                facts |= {"rows": report.rows or 0, "completed_at": now, "expires_at": now + self._lifetime}
                await self._exports.move(row, Status.COMPLETED, **facts)
            case Status.FAILED:
                told = {"error_code": REPORTED, "error_message": report.error_message}
                await self._exports.move(row, Status.FAILED, completed_at=now, **told)
            case Status.CANCELLED:
                await self._exports.move(row, Status.CANCELLED, completed_at=now)
            case _:
                await self._exports.move(row, report.to_status)
        if row.run_id is not None and report.to_status is not Status.EXPIRED:
            await cancel_job(self._session, row.run_id)
        if report.to_status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
            code = None if report.to_status is Status.COMPLETED else row.error_code or "cancelled"
            await note_end(self._session, self._sources, row, code)

    async def _size(self, row: ExportRow, key: str) -> int:
        """Of the object, which is the export's own. Raises `InvalidExport`."""
        if key.startswith(f"{folder(row.id)}/"):
            try:
                return (await self._storage.head(key)).size
            except (ObjectNotFound, InvalidKeyError):
                pass
        message = f"There is no such object below {folder(row.id)}/."
        raise InvalidExport([Fault(pointer="/object_key", code="no-such-object", message=message)])
