"""All SQL of the index of values."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Double, Integer, Text, Uuid, cast, column, delete, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.kernel.db.database import ReadSession, WriteSession, driver_connection
from app.query.values.models import IndexedColumnRow, IndexedTableRow, ValueTermRow
from app.query.values.rules import IndexedColumn, name_stems

I = IndexedTableRow.__table__.c  # noqa: E741 - the index
C = IndexedColumnRow.__table__.c
T = ValueTermRow.__table__.c

MOST_READ: Final = 5_000
"""Values of one text that are looked at: the first of each of as many columns, before the second of any."""

MOST_OF_TEXT: Final = 200
"""Values of one text that are answered, those of tables and columns that the question names before others."""

MOST_OF_ALL: Final = 4_000
"""Values of all texts of a question that are answered: the longest question has thousands of texts."""

HUNDREDTHS: Final = 100
"""Of worth, as it is stored: a REAL is no longer 0.6 when it is read."""

_TERM_COLUMNS: Final = ("column_id", "place", "worth", "term", "value")


class ValueReads:
    """Reads the index."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def heads(self) -> dict[UUID, Any]:
        """By version what it was indexed by: signature, activity, failure, built_at."""
        statement = select(I.table_id, I.signature, I.activity, I.failure, I.built_at)
        return {row.table_id: row for row in await self.session.execute(statement)}

    async def built(self) -> dict[UUID, datetime]:
        """By version when it was indexed."""
        return {row.table_id: row.built_at for row in await self.session.execute(select(I.table_id, I.built_at))}

    async def columns(self, table_id: UUID) -> dict[str, Any]:
        """By column of a version what is known of its values: terms, bytes, digest."""
        statement = select(C.column_name, C.terms, C.bytes, C.digest).where(C.table_id == table_id)
        return {row.column_name: row for row in await self.session.execute(statement)}

    async def few(self, table_ids: Collection[UUID]) -> dict[UUID, dict[str, list[str]]]:
        """By version and column all values, of the columns that have few."""
        found: dict[UUID, dict[str, list[str]]] = {table_id: {} for table_id in table_ids}
        statement = select(C.table_id, C.column_name, C.few).where(
            C.table_id == func.any(literal(list(table_ids), ARRAY(Uuid))), C.few.is_not(None)
        )
        for row in await self.session.execute(statement):
            found[row.table_id][row.column_name] = row.few
        return found

    async def hits(self, table_ids: Collection[UUID], texts: Collection[str]) -> Sequence[Any]:
        """Rows (term, table_id, column_name, value, worth) of the texts in these versions.

        One column or table with many values pushes out no other: the first value of every column comes before the
        second of any. Tables and columns whose names share a word with the texts come first. The order is total, so
        that the same index answers the same rows.
        """
        asked = func.unnest(literal(list(texts), ARRAY(Text))).table_valued(column("term", Text), name="asked")
        asked = asked.render_derived()
        first = (
            select(T.column_id, T.value, T.worth, T.place)
            .where(T.term == asked.c.term)
            .order_by(T.place, T.column_id)
            .limit(MOST_READ)
            .lateral("first")
        )
        # Materialized: planned as one join, all columns would be gone through for each text.
        found = select(asked.c.term, first).join(first, true()).cte("found").prefix_with("MATERIALIZED")
        words = literal([text for text in texts if " " not in text], ARRAY(Text))
        named = cast(I.words.overlap(words), Integer) + cast(C.words.overlap(words), Integer)
        order = (named.desc(), found.c.worth.desc(), found.c.place, found.c.column_id)
        ranked = (
            select(
                found.c.term, C.table_id, C.column_name, found.c.value,
                (cast(found.c.worth, Double) / HUNDREDTHS).label("worth"),
                func.row_number().over(partition_by=found.c.term, order_by=order).label("rank"),
            )
            .join(IndexedColumnRow, C.id == found.c.column_id)
            .join(IndexedTableRow, I.table_id == C.table_id)
            .where(C.table_id == func.any(literal(list(table_ids), ARRAY(Uuid))))
            .subquery()
        )  # fmt: skip
        some = select(ranked).where(ranked.c.rank <= MOST_OF_TEXT)
        return (await self.session.execute(some.order_by(ranked.c.rank, ranked.c.term).limit(MOST_OF_ALL))).all()


class ValueWrites(ValueReads):
    """Writes the index."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def begin(self, table_id: UUID, name: str, kept: Collection[str], at: datetime) -> None:
        """Make room for a version, if it has none, and drop its columns that may not be indexed any more."""
        head = {"table_id": table_id, "words": name_stems(name), "signature": "", "built_at": at}
        await self.writer.execute(insert(IndexedTableRow).values(head).on_conflict_do_nothing())
        gone = C.column_name != func.all(literal(list(kept), ARRAY(Text)))
        await self.writer.execute(delete(IndexedColumnRow).where(C.table_id == table_id, gone))

    async def put(self, table_id: UUID, name: str, indexed: IndexedColumn) -> None:
        """Put the values of a column in the place of what was known of it."""
        await self.drop(table_id, [name])
        row = {
            "table_id": table_id,
            "column_name": name,
            "words": name_stems(name),
            "few": None if indexed.few is None else list(indexed.few),
            "terms": len(indexed.terms),
            "bytes": indexed.bytes,
            "digest": indexed.digest,
        }
        column_id = (await self.writer.execute(insert(IndexedColumnRow).values(row).returning(C.id))).scalar_one()
        records = (
            (column_id, each.place, round(each.worth * HUNDREDTHS), each.term, each.value) for each in indexed.terms
        )
        driver = await driver_connection(self.writer)
        await driver.copy_records_to_table("value_terms", schema_name="spyne", columns=_TERM_COLUMNS, records=records)

    async def drop(self, table_id: UUID, names: Collection[str]) -> None:
        """Remove what is known of columns of a version."""
        some = C.column_name == func.any(literal(list(names), ARRAY(Text)))
        await self.writer.execute(delete(IndexedColumnRow).where(C.table_id == table_id, some))

    async def finish(self, table_id: UUID, **head: Any) -> None:
        """Say by what the version was indexed: signature, activity, failure, built_at."""
        await self.writer.execute(update(IndexedTableRow).where(I.table_id == table_id).values(head))

    async def forget(self, kept: Collection[UUID]) -> None:
        """Remove what is known of versions that cannot be queried any more."""
        gone = I.table_id != func.all(literal(list(kept), ARRAY(Uuid)))
        await self.writer.execute(delete(IndexedTableRow).where(gone))
