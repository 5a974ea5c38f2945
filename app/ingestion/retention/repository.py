# ruff: noqa: S608 - names of ours, and relations that were quoted when they were registered
"""All SQL of retention on before-images. Aliases: `b` is a batch, `t` an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.ingestion.retention.holds import hold_fields
from app.ingestion.retention.open_runs import images_needed
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.retention import Amount, Preview
from app.kernel.ports.retention_holds import held
from app.warehouse.layout import IMAGE_BY
from app.warehouse.naming import RelationName, before_relation

HAS_IMAGES: Final = "b.images_removed_at IS NULL AND b.merge_order IS NOT NULL AND b.images IS DISTINCT FROM 0"
"""SQL condition: the batch has images, or is older than their count and may have some. As `ix_ingestion_history_images`
has it, or else that is not used."""

BYTES: Final = "octet_length(CAST(t.* AS text))"
"""SQL of the bytes that an image counts for, as `RowsTarget.size` has them."""


@dataclass(frozen=True, slots=True)
class ImageAge:
    """From when on images are old, and for which category holds are looked up."""

    category: str
    cut_off: datetime
    window_days: int

    @property
    def stays(self) -> str:
        """SQL condition, never null: the batch is too young, or an open run is about to take it back."""
        window = f"now() - make_interval(days => {self.window_days:d})"
        old = f"b.completed_at < :cut_off AND b.completed_at < {window} AND NOT {images_needed('b.id')}"
        return f"(({old}) IS NOT TRUE)"

    @property
    def held(self) -> str:
        """SQL condition: a hold covers the batch."""
        return held(self.category, "b.completed_at", hold_fields("b"))


@dataclass(frozen=True, slots=True)
class ImagesOf:
    """A table, and where its before-images are."""

    contract_id: str
    before: RelationName


@dataclass(frozen=True, slots=True)
class Doomed:
    """A batch whose images are to go."""

    id: UUID
    sequence: int
    """The number that its images bear."""


class ImageReads:
    """Reads which batches have images, and counts those."""

    def __init__(self, session: ReadSession, age: ImageAge) -> None:
        self._session, self._age = session, age

    async def tables_with_images(self) -> list[ImagesOf]:
        """Every table with a batch that has images, by contract."""
        return await self._tables("true", {})

    async def tables_to_clear(self, begin: str) -> list[ImagesOf]:
        """The tables whose oldest batch with images may lose them, by contract, from this one on."""
        condition = f"c.id >= :begin AND NOT {self._age.stays} AND NOT {self._age.held}"
        return await self._tables(condition, {"begin": begin, "cut_off": self._age.cut_off})

    async def _tables(self, condition: str, values: dict[str, Any]) -> list[ImagesOf]:
        statement = (
            "SELECT c.id, r.relation_schema, r.relation_name FROM spyne.contracts c "
            "JOIN spyne.tables r ON r.id = c.table_id CROSS JOIN LATERAL (SELECT * FROM spyne.ingestion_history b "
            f"WHERE b.contract_id = c.id AND {HAS_IMAGES} ORDER BY b.merge_order LIMIT 1) b "
            f"WHERE {condition} ORDER BY c.id"
        )
        found = await self._session.execute(text(statement), values)
        return [ImagesOf(row[0], before_relation(RelationName(row[1], row[2]))) for row in found]

    async def preview(self, table: ImagesOf) -> Preview:
        """What would go of a table: images of batches before which none stays and none is held, by merge order."""
        order = "OVER (ORDER BY b.merge_order)"
        batches = (
            f"SELECT b.*, bool_or({self._age.stays}) {order} AS stays FROM spyne.ingestion_history b "
            f"WHERE b.contract_id = :contract_id AND {HAS_IMAGES}"
        )
        old = (
            f"SELECT b.sequence, b.completed_at, bool_or({self._age.held}) {order} AS held "
            f"FROM ({batches}) b WHERE NOT b.stays"
        )
        statement = text(
            "SELECT count(*) FILTER (WHERE NOT held), coalesce(sum(bytes) FILTER (WHERE NOT held), 0), "
            "count(*) FILTER (WHERE held), coalesce(sum(bytes) FILTER (WHERE held), 0), "
            "min(at) FILTER (WHERE NOT held), max(at) FILTER (WHERE NOT held) "
            f"FROM (SELECT b.completed_at AS at, b.held, {BYTES} AS bytes "
            f"FROM ({old}) b JOIN {table.before.sql} t ON t.{IMAGE_BY} = b.sequence) images"
        )
        values = {"contract_id": table.contract_id, "cut_off": self._age.cut_off}
        found = (await self._session.execute(statement, values)).one()
        return Preview(Amount(int(found[0]), int(found[1])), Amount(int(found[2]), int(found[3])), found[4], found[5])


class ImageWrites(ImageReads):
    """Removes images as well."""

    def __init__(self, session: WriteSession, age: ImageAge) -> None:
        super().__init__(session, age)

    async def oldest(self, table: ImagesOf, limit: int) -> Sequence[Doomed]:
        """Batches of a table, the oldest first, before which none stays: so many that their images are at most `limit`.

        One that has more images than that comes alone. Images of batches that are older than the count are counted.
        """
        counted = f"(SELECT count(*) FROM {table.before.sql} t WHERE t.{IMAGE_BY} = b.sequence)"
        oldest = (
            f"SELECT * FROM spyne.ingestion_history b WHERE b.contract_id = :contract_id AND {HAS_IMAGES} "
            "ORDER BY b.merge_order LIMIT CAST(:limit AS bigint)"
        )
        summed = (
            f"SELECT b.id, b.sequence, b.merge_order, row_number() OVER earlier AS place, "
            f"bool_or({self._age.stays} OR {self._age.held}) OVER earlier AS stays, "
            f"sum(coalesce(b.images, {counted})) OVER earlier AS images "
            f"FROM ({oldest}) b WINDOW earlier AS (ORDER BY b.merge_order)"
        )
        statement = text(
            f"SELECT b.id, b.sequence FROM ({summed}) b WHERE NOT b.stays "
            "AND (b.images <= CAST(:limit AS bigint) OR b.place = 1) ORDER BY b.merge_order"
        )
        values = {"contract_id": table.contract_id, "cut_off": self._age.cut_off, "limit": limit}
        return [Doomed(*row) for row in await self._session.execute(statement, values)]

    async def lock(self, batches: Sequence[Doomed]) -> frozenset[UUID]:
        """Those of the batches that nobody else has locked, now locked here.

        A rollback locks the row of its batch first, then the relation, then rows. Who waits for nothing cannot be in a
        deadlock with it, and who has the row has no rollback under way.
        """
        statement = text(
            "SELECT b.id FROM spyne.ingestion_history b WHERE b.id = ANY(:ids) "
            "ORDER BY b.merge_order FOR UPDATE SKIP LOCKED"
        )
        locked = await self._session.execute(statement, {"ids": [batch.id for batch in batches]})
        return frozenset(locked.scalars())

    async def remove(self, table: ImagesOf, batches: Sequence[Doomed]) -> Amount:
        """How much has gone: all images of the batches, which now say since when."""
        marked = text("UPDATE spyne.ingestion_history SET images_removed_at = now() WHERE id = ANY(:ids)")
        await self._session.execute(marked, {"ids": [batch.id for batch in batches]})
        statement = text(
            f"WITH gone AS (DELETE FROM {table.before.sql} t WHERE t.{IMAGE_BY} = ANY(:sequences) "
            f"RETURNING {BYTES} AS bytes) SELECT count(*), coalesce(sum(bytes), 0) FROM gone"
        )
        found = await self._session.execute(statement, {"sequences": [batch.sequence for batch in batches]})
        rows, size = found.one()
        return Amount(int(rows), int(size))
