"""All SQL of the batches and of quarantine."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.ingestion.models import BatchRow, QuarantineRow
from app.kernel.database import WriteSession, driver_connection
from app.kernel.models import CONTROL_SCHEMA
from app.kernel.paging import Page, PageRequest, cut
from app.kernel.repository import Reading, Writing
from app.warehouse.rejections import Rejection


class BatchReads(Reading[BatchRow]):
    """Answers batches and their refused rows."""

    model = BatchRow

    async def matching(self, contract_id: str | None, status: str | None, request: PageRequest) -> Page[BatchRow]:
        """One page of batches, newest first."""
        statement = self.base()
        if contract_id is not None:
            statement = statement.where(BatchRow.contract_id == contract_id)
        if status is not None:
            statement = statement.where(BatchRow.status == status)
        return await self.page(statement, request)

    async def quarantined(self, batch_id: UUID, request: PageRequest) -> Page[QuarantineRow]:
        """One page of refused rows of a batch, by line."""
        statement = select(QuarantineRow).where(QuarantineRow.batch_id == batch_id)
        after = request.after(int)
        if after is not None:
            statement = statement.where(QuarantineRow.line > after)
        rows = (await self.session.execute(statement.order_by(QuarantineRow.line).limit(request.limit + 1))).scalars()
        return cut(rows.all(), request, lambda row: str(row.line))


class BatchWrites(Writing[BatchRow]):
    """Also accepts and finishes batches."""

    model = BatchRow

    async def accept(self, row: BatchRow) -> BatchRow:
        """The batch, with its id and its place in the order of acceptance."""
        await self.add(row)
        await self.session.refresh(row, ["sequence", "created_at"])
        return row

    async def finish(
        self, batch_id: UUID, values: Mapping[str, Any], *, expected: Sequence[str] = ("pending",)
    ) -> bool:
        """Whether the batch was still in one of the expected states, and now holds the values."""
        statement = (
            update(BatchRow)
            .where(BatchRow.id == batch_id, BatchRow.status.in_(expected))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        return bool((await self.session.execute(statement)).rowcount)  # type: ignore[attr-defined]  # an UPDATE's result

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
