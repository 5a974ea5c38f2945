"""All SQL of the batches; that of their refused rows is in `quarantine/repository.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, func, select, text

from app.ingestion.models import BatchRow
from app.ingestion.quarantine.models import QuarantineRow
from app.ingestion.quarantine.repository import RowFilter
from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest

TURN_SECONDS = 300
"""Batches of one relation are merged one after another: five million rows take about a minute here."""

STAGING_BUFFERS = "64MB"
"""Memory of a connection for its temporary relations; taken as it is needed. The default holds 8 MB."""


class BatchReads(Reading[BatchRow]):
    """Reads batches."""

    model = BatchRow
    sorts = ("status", "kind", "created_at")

    async def matching(self, wanted: "BatchFilter", request: PageRequest) -> Page[BatchRow]:
        """A page of batches, newest first."""
        return await self.page(self.base().where(*wanted.conditions), request)

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
        """The batch, locked, when it still waits; after the transaction that merges it now, if one does."""
        return await self.maybe(self._waiting(batch_id).with_for_update())

    async def untouched(self, batch_id: UUID) -> BatchRow | None:
        """The batch, locked, when it still waits; None at once while a transaction merges it."""
        return await self.maybe(self._waiting(batch_id).with_for_update(skip_locked=True))

    def _waiting(self, batch_id: UUID) -> Select[BatchRow]:
        return self.base().where(BatchRow.id == batch_id, BatchRow.status == "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFilter:
    """Which batches; absent conditions hold for all."""

    contract_id: str | None = None
    table: str | None = None
    """Of any version of the table."""
    status: str | None = None
    kind: str | None = None
    run_id: UUID | None = None
    batch_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on batches."""
        table = func.regexp_replace(BatchRow.contract_id, "_v[0-9]+$", "")
        asked = (
            None if self.contract_id is None else BatchRow.contract_id == self.contract_id,
            None if self.table is None else table == self.table,
            None if self.status is None else BatchRow.status == self.status,
            None if self.kind is None else BatchRow.kind == self.kind,
            None if self.run_id is None else BatchRow.run_id == self.run_id,
            None if self.batch_id is None else BatchRow.id == self.batch_id,
            None if self.since is None else BatchRow.created_at >= self.since,
            None if self.until is None else BatchRow.created_at < self.until,
        )
        return [condition for condition in asked if condition is not None]


def batches_statement(wanted: BatchFilter) -> Select[*tuple[Any, ...]]:
    """The statement of the batches, the oldest first."""
    return select(*BatchRow.__table__.columns).where(*wanted.conditions).order_by(BatchRow.id)


def quarantine_statement(wanted: BatchFilter, rows: RowFilter) -> Select[*tuple[Any, ...]]:
    """The statement of the refused rows of the batches, the oldest first, each with its batch's contract and time."""
    shown = select(*QuarantineRow.__table__.columns, BatchRow.contract_id, BatchRow.created_at)
    joined = shown.join_from(QuarantineRow, BatchRow, BatchRow.id == QuarantineRow.batch_id)
    narrowed = joined.where(*wanted.conditions, *rows.conditions)
    return narrowed.order_by(QuarantineRow.batch_id, QuarantineRow.line)
