"""All SQL of the batches and of quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, func, select, text

from app.ingestion.models import BatchRow, QuarantineRow
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.db.models import CONTROL_SCHEMA
from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest, cut
from app.warehouse.rejections import Rejection

TURN_SECONDS = 300
"""Batches of one relation are merged one after another: five million rows take about a minute here."""

STAGING_BUFFERS = "64MB"
"""Memory of a connection for its temporary relations; taken as it is needed. The default holds 8 MB."""


class BatchReads(Reading[BatchRow]):
    """Reads batches and their refused rows."""

    model = BatchRow

    async def matching(self, contract_id: str | None, status: str | None, request: PageRequest) -> Page[BatchRow]:
        """A page of batches, newest first."""
        statement = self.base()
        if contract_id is not None:
            statement = statement.where(BatchRow.contract_id == contract_id)
        if status is not None:
            statement = statement.where(BatchRow.status == status)
        return await self.page(statement, request)

    async def quarantined(self, batch_id: UUID, request: PageRequest) -> Page[QuarantineRow]:
        """A page of refused rows of a batch, by line."""
        statement = select(QuarantineRow).where(QuarantineRow.batch_id == batch_id)
        after = request.after(int)
        if after is not None:
            statement = statement.where(QuarantineRow.line > after)
        rows = (await self.session.execute(statement.order_by(QuarantineRow.line).limit(request.limit + 1))).scalars()
        return cut(rows.all(), request, lambda row: str(row.line))

    async def stranded(self, job: str) -> Sequence[UUID]:
        """Batches that wait although the job which was to merge them is over."""
        open_run = (
            select(JobRun.id)
            .where(JobRun.name == job, JobRun.state.in_(OPEN_STATES))
            .where(JobRun.payload["batch_id"].astext == func.cast(BatchRow.id, Text))
        )
        statement = select(BatchRow.id).where(BatchRow.status == "pending", ~open_run.exists()).order_by(BatchRow.id)
        return await self.all(statement)


class BatchWrites(Writing[BatchRow]):
    """Reads, accepts and finishes batches."""

    model = BatchRow

    async def accept(self, row: BatchRow) -> BatchRow:
        """The batch, with its id and its place in the order of acceptance."""
        await self.add(row)
        await self.session.refresh(row, ["sequence", "created_at"])
        await self.prepare_merge()
        return row

    async def prepare_merge(self) -> None:
        """Let locks be waited for, until this transaction ends, as long as the merges before it may take."""
        await self.session.execute(text(f"SET LOCAL lock_timeout = '{TURN_SECONDS}s'"))
        await self.session.execute(text(f"SET LOCAL temp_buffers = '{STAGING_BUFFERS}'"))

    async def pending(self, batch_id: UUID) -> BatchRow | None:
        """The batch, locked, when it still waits."""
        statement = self.base().where(BatchRow.id == batch_id, BatchRow.status == "pending").with_for_update()
        return await self.maybe(statement)


class Quarantine:
    """Takes the refused rows of one batch, in bounded portions, by COPY."""

    COLUMNS = ("batch_id", "line", "code", "column_name", "message", "raw")

    def __init__(self, session: WriteSession, batch_id: UUID) -> None:
        self._session = session
        self._batch_id = batch_id

    async def keep(self, portion: Sequence[Rejection]) -> None:
        """Keep these rows."""
        connection = await driver_connection(self._session)
        await connection.copy_records_to_table(
            QuarantineRow.__tablename__,
            schema_name=CONTROL_SCHEMA,
            columns=self.COLUMNS,
            records=[(self._batch_id, row.line, row.code.value, row.column, row.message, row.raw) for row in portion],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFilter:
    """Which batches; absent conditions hold for all."""

    contract_id: str | None = None
    status: str | None = None
    batch_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def batches_statement(wanted: BatchFilter) -> Select[*tuple[Any, ...]]:
    """The statement of the batches, the oldest first."""
    return _narrowed(select(*BatchRow.__table__.columns), wanted).order_by(BatchRow.id)


def quarantine_statement(wanted: BatchFilter) -> Select[*tuple[Any, ...]]:
    """The statement of the refused rows of the batches, the oldest first, each with its batch's contract and time."""
    shown = select(*QuarantineRow.__table__.columns, BatchRow.contract_id, BatchRow.created_at)
    joined = shown.join_from(QuarantineRow, BatchRow, BatchRow.id == QuarantineRow.batch_id)
    return _narrowed(joined, wanted).order_by(QuarantineRow.batch_id, QuarantineRow.line)


def _narrowed(statement: Select[*tuple[Any, ...]], wanted: BatchFilter) -> Select[*tuple[Any, ...]]:
    for condition in (
        None if wanted.contract_id is None else BatchRow.contract_id == wanted.contract_id,
        None if wanted.status is None else BatchRow.status == wanted.status,
        None if wanted.batch_id is None else BatchRow.id == wanted.batch_id,
        None if wanted.since is None else BatchRow.created_at >= wanted.since,
        None if wanted.until is None else BatchRow.created_at < wanted.until,
    ):
        if condition is not None:
            statement = statement.where(condition)
    return statement
