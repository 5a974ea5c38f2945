"""All SQL of refused rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Text, and_, cast, column, delete, func, literal, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.ingestion.quarantine.configuration import QuarantineBounds
from app.ingestion.quarantine.models import QuarantineRow, QuarantineTotal
from app.kernel.db.database import ReadSession, WriteSession, driver_connection
from app.kernel.db.listing import Order, SortKey, listed
from app.kernel.db.models import CONTROL_SCHEMA
from app.kernel.paging import Page, PageRequest
from app.warehouse.rejections import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which refused rows of a batch; absent conditions hold for all."""

    code: str | None = None
    column: str | None = None
    resolved: bool | None = None

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on rows: a single fault of the row has the code and the column that are asked for."""
        found: list[ColumnElement[bool]] = []
        asked = {"code": (QuarantineRow.code, self.code), "column": (QuarantineRow.column_name, self.column)}
        fault = {name: value for name, (_, value) in asked.items() if value is not None}
        if fault:
            first = and_(*(place == value for place, value in asked.values() if value is not None))
            written = literal(orjson.dumps([fault]).decode(), Text)  # not as JSON, which exports cannot write out
            wanted = cast(written, JSONB)
            found.append(or_(first, QuarantineRow.more_faults.op("@>")(wanted)))
        if self.resolved is not None:
            done = QuarantineRow.resolved_at.is_not(None)
            found.append(done if self.resolved else ~done)
        return found


class QuarantineReads:
    """Reads refused rows."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def page(self, batch_id: UUID, request: PageRequest, wanted: RowFilter = RowFilter()) -> Page[QuarantineRow]:
        """A page of refused rows of a batch, by line."""
        statement = select(QuarantineRow).where(QuarantineRow.batch_id == batch_id, *wanted.conditions)
        by_line = Order((SortKey(QuarantineRow.line),))
        return await listed(self._session, statement, request, by_line, lambda row: row[0])

    async def open(self, batch_id: UUID, wanted: RowFilter) -> Sequence[QuarantineRow]:
        """The refused rows of a batch that are not dealt with, by line; at most as many as are kept of a batch."""
        statement = select(QuarantineRow).where(QuarantineRow.batch_id == batch_id, *wanted.conditions)
        open_rows = statement.where(QuarantineRow.resolved_at.is_(None)).order_by(QuarantineRow.line)
        return (await self._session.scalars(open_rows)).all()


class QuarantineWrites:
    """Keeps the refused rows of one batch, in bounded portions, by COPY."""

    COLUMNS = ("batch_id", "line", "code", "column_name", "message", "more_faults", "raw", "clipped")

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
            records=[
                (self._batch_id, row.line, row.code.value, row.column, row.message, _more(row), row.raw, row.clipped)
                for row in portion
            ],
        )

    async def settle(self, contract_id: str, rows: int, bounds: QuarantineBounds) -> int:
        """How many of the batch's rows stay, now that no more come: those for which quarantine has room.

        From here to the end of the transaction batches with refused rows take turns, so that all of them together keep
        within the bounds. The first lines of the batch stay. Nothing else goes to make room for them.

        Args:
            contract_id: the contract of the batch.
            rows: rows of the batch that were kept.
            bounds: how many rows are kept of a contract, and of all.
        """
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": _TURNS})
        own = QuarantineTotal.contract_id == contract_id
        sums = select(func.coalesce(func.sum(QuarantineTotal.rows).filter(own), 0), func.sum(QuarantineTotal.rows))
        before, before_all = (await self._session.execute(sums)).one()
        room = min(bounds.contract_rows - int(before), bounds.all_rows - int(before_all or 0))
        staying = max(0, min(rows, room))
        counted = insert(QuarantineTotal).values(contract_id=contract_id, rows=rows)
        more = {"rows": QuarantineTotal.rows + counted.excluded.rows}
        await self._session.execute(counted.on_conflict_do_update(index_elements=["contract_id"], set_=more))
        await self._session.execute(
            update(_BATCHES).where(_BATCHES.c.id == self._batch_id).values(quarantined_rows=rows)
        )
        if staying < rows:  # the counts follow by the trigger on what is deleted
            place = select(QuarantineRow.line).where(QuarantineRow.batch_id == self._batch_id)
            beyond = place.order_by(QuarantineRow.line).offset(staying)
            await self._session.execute(
                delete(QuarantineRow).where(QuarantineRow.batch_id == self._batch_id, QuarantineRow.line.in_(beyond))
            )
        return staying

    async def give_back(self, source_id: UUID, lines: Sequence[int], at: datetime) -> None:
        """Settle rows of another batch that were taken again in this one.

        The rows that this batch refused go back to the other one, with their new faults; the other lines are dealt
        with, by this batch.
        """
        again = select(QuarantineRow).where(QuarantineRow.batch_id == self._batch_id).subquery()
        of_source = QuarantineRow.batch_id == source_id
        renewed = {name: again.c[name] for name in ("code", "column_name", "message", "more_faults", "raw", "clipped")}
        for statement in (
            update(QuarantineRow)
            .where(of_source, QuarantineRow.line.in_(lines), QuarantineRow.line.not_in(select(again.c.line)))
            .values(resolved_at=at, resolved_by=self._batch_id),
            update(QuarantineRow).where(of_source, QuarantineRow.line == again.c.line).values(renewed),
            delete(QuarantineRow).where(QuarantineRow.batch_id == self._batch_id),
        ):
            await self._session.execute(statement.execution_options(synchronize_session=False))

    async def contract_id(self) -> str | None:
        """The contract of the batch; None when there is no such batch."""
        found = select(_BATCHES.c.contract_id).where(_BATCHES.c.id == self._batch_id)
        return (await self._session.execute(found)).scalar_one_or_none()

    async def resolve(self, wanted: RowFilter, lines: Sequence[int] | None, at: datetime | None) -> int:
        """How many rows were marked as dealt with at this time, or, without one, as open again."""
        statement = update(QuarantineRow).where(QuarantineRow.batch_id == self._batch_id, *wanted.conditions)
        if lines is not None:
            statement = statement.where(QuarantineRow.line.in_(lines))
        changed = QuarantineRow.resolved_at.is_(None) if at is not None else QuarantineRow.resolved_at.is_not(None)
        marked = statement.where(changed).values(resolved_at=at).execution_options(synchronize_session=False)
        result: Any = await self._session.execute(marked)
        return int(result.rowcount)


_BATCHES = table(
    "ingestion_history", column("id"), column("contract_id"), column("quarantined_rows"), schema=CONTROL_SCHEMA
)
"""The batches, as far as refused rows need them."""

_TURNS = "spyne.ingestion_quarantine"
"""Name of the lock under which batches settle what stays of their refused rows."""


def _more(row: Rejection) -> str | None:
    """The faults beside the first, as JSON; most rows have none."""
    if len(row.faults) < 2:  # noqa: PLR2004 - the first stands in columns of its own
        return None
    faults = [{"code": fault.code, "column": fault.column, "message": fault.message} for fault in row.faults[1:]]
    return orjson.dumps(faults).decode()
