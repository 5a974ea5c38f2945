"""All SQL of the index of values."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.kernel.db.database import ReadSession, WriteSession, driver_connection
from app.query.values.models import IndexedTableRow, ValueTermRow

I = IndexedTableRow.__table__.c  # noqa: E741 - the index
T = ValueTermRow.__table__.c

MOST_HITS: Final = 40
"""Values that one text of a question is looked up as: a word of more is too common to mean one of them."""

_COLUMNS: Final = ("table_id", "column_name", "value", "term", "worth")


class ValueReads:
    """Reads the index."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def heads(self) -> dict[UUID, Any]:
        """By version what it was indexed by: signature, activity, built_at."""
        statement = select(I.table_id, I.signature, I.activity, I.built_at)
        return {row.table_id: row for row in await self.session.execute(statement)}

    async def built(self) -> dict[UUID, datetime]:
        """By version when it was indexed."""
        return {row.table_id: row.built_at for row in await self.session.execute(select(I.table_id, I.built_at))}

    async def few(self, table_ids: Collection[UUID]) -> dict[UUID, dict[str, list[str]]]:
        """By version and column all values, of the columns that have few."""
        statement = select(I.table_id, I.few).where(I.table_id == func.any(literal(list(table_ids), ARRAY(Uuid))))
        return {row.table_id: row.few for row in await self.session.execute(statement)}

    async def hits(self, table_ids: Collection[UUID], texts: Collection[str]) -> Sequence[Any]:
        """Rows (term, table_id, column_name, value, worth) of the texts in these versions, `MOST_HITS` of each text."""
        place = func.row_number().over(partition_by=T.term, order_by=(T.worth.desc(), T.value, T.column_name))
        ranked = (
            select(T.term, T.table_id, T.column_name, T.value, T.worth, place.label("place"))
            .where(
                T.term == func.any(literal(list(texts), ARRAY(Text))),
                T.table_id == func.any(literal(list(table_ids), ARRAY(Uuid))),
            )
            .subquery()
        )
        return (await self.session.execute(select(ranked).where(ranked.c.place <= MOST_HITS))).all()


class ValueWrites(ValueReads):
    """Writes the index."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def put(self, head: dict[str, Any], terms: Iterable[tuple[str, str, str, float]]) -> None:
        """Put a version's values (column, value, term, worth) in the place of what was known of it."""
        statement = insert(IndexedTableRow).values(head)
        changed = {name: statement.excluded[name] for name in head if name != "table_id"}
        await self.writer.execute(statement.on_conflict_do_update(index_elements=[I.table_id], set_=changed))
        await self.writer.execute(delete(ValueTermRow).where(T.table_id == head["table_id"]))
        rows = [(head["table_id"], *each) for each in terms]
        driver = await driver_connection(self.writer)
        await driver.copy_records_to_table("value_terms", schema_name="spyne", columns=_COLUMNS, records=rows)

    async def forget(self, kept: Collection[UUID], before: datetime) -> None:
        """Remove what is known of versions that cannot be queried any more."""
        gone = (I.table_id != func.all(literal(list(kept), ARRAY(Uuid)))) & (I.built_at <= before)
        await self.writer.execute(delete(IndexedTableRow).where(gone))
