"""All SQL of exports. Every change of the status compares and sets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, func, select, update

from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest
from app.operations.exports.models import ExportRow
from app.operations.exports.states import OPEN, ExportStatus, Maker, may_follow

OPEN_STATUSES = [status.value for status in OPEN]


class ExportReads(Reading[ExportRow]):
    """Reads exports."""

    model = ExportRow
    sorts = ("job_type", "status", "created_at")

    async def matching(
        self,
        owner: tuple[str, UUID | None] | None,
        status: ExportStatus | None,
        job_type: str | None,
        request: PageRequest,
    ) -> Page[ExportRow]:
        """A page of exports, newest first: an actor's own, or everybody's."""
        statement = self.base()
        if owner is not None:
            statement = statement.where(_by(*owner))
        if status is not None:
            statement = statement.where(ExportRow.status == status.value)
        if job_type is not None:
            statement = statement.where(ExportRow.job_type == job_type)
        return await self.page(statement, request)

    async def open_of(self, kind: str, id_: UUID | None) -> int:
        """How many of an actor's exports are under way."""
        return await self.count(select(ExportRow.id).where(_by(kind, id_), ExportRow.status.in_(OPEN_STATUSES)))

    async def stranded(self) -> Sequence[UUID]:
        """Exports of the service that are open although the job that was to make them is over."""
        going = select(JobRun.id).where(JobRun.id == ExportRow.run_id, JobRun.state.in_(OPEN_STATES))
        statement = select(ExportRow.id).where(
            ExportRow.status.in_(OPEN_STATUSES), ExportRow.maker == Maker.SERVICE.value, ~going.exists()
        )
        return await self.all(statement.order_by(ExportRow.id))

    async def overdue(self, before: datetime, most: int) -> Sequence[UUID]:
        """Completed exports whose time is over."""
        statement = select(ExportRow.id).where(
            ExportRow.status == ExportStatus.COMPLETED.value,
            ExportRow.object_key.is_not(None),
            ExportRow.expires_at < before,
        )
        return await self.all(statement.order_by(ExportRow.expires_at).limit(most))

    async def leftover(self, most: int) -> Sequence[ExportRow]:
        """Expired exports whose object may still be there."""
        statement = self.base().where(ExportRow.status == ExportStatus.EXPIRED.value, ExportRow.object_key.is_not(None))
        return await self.all(statement.order_by(ExportRow.expires_at).limit(most))


class ExportWrites(Writing[ExportRow], ExportReads):
    """Makes and changes exports."""

    async def locked(self, export_id: UUID) -> ExportRow | None:
        """The export, which nobody else changes before this transaction ends."""
        return await self.maybe(self.base().where(ExportRow.id == export_id).with_for_update())

    async def move(self, row: ExportRow, after: ExportStatus, **values: Any) -> None:
        """Change the status of a locked export. Raises ValueError where there is no such way: a bug."""
        if not may_follow(ExportStatus(row.status), after):
            raise ValueError(f"{row.status} is not followed by {after}")
        row.status, row.version = after.value, row.version + 1
        for name, value in values.items():
            setattr(row, name, value)
        await self.session.flush()

    async def progress(self, export_id: UUID, run_id: UUID, rows: int, size: int, estimated: int | None) -> bool:
        """Whether the export is still this job's to make; if so, its progress is recorded."""
        recorded = (
            update(ExportRow)
            .where(ExportRow.id == export_id, ExportRow.run_id == run_id)
            .where(ExportRow.status == ExportStatus.RUNNING.value, ExportRow.maker == Maker.SERVICE.value)
            .values(rows=rows, bytes=size, estimated_rows=estimated)
            .returning(ExportRow.id)
        )
        return (await self.session.execute(recorded)).first() is not None

    async def now(self) -> datetime:
        """The database's clock."""
        clock = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self.session.execute(clock)).scalar_one()


def _by(kind: str, id_: UUID | None) -> ColumnElement[bool]:
    return (ExportRow.requested_by_kind == kind) & ExportRow.requested_by_id.is_not_distinct_from(id_)
