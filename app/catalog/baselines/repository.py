"""All SQL of baselines. Writes belong to the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from app.catalog.baselines.comparison import BaselinedTable
from app.catalog.baselines.documents import Baseline, baseline_of_shape, document_of, relation_of
from app.catalog.baselines.models import DriftBaselineRow
from app.catalog.models import TableSchemaVersionRow, TableVersionRow
from app.catalog.tables.shape import shape_of
from app.kernel.db.database import ReadSession, WriteSession
from app.warehouse.live import LiveRelation
from app.warehouse.naming import RelationName

B = DriftBaselineRow.__table__.c
T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c

_KNOWN = (
    select(T.id, T.name, T.version, T.relation_schema, T.relation_name, V.columns, B.document, B.taken_at)
    .join_from(TableVersionRow, TableSchemaVersionRow, (V.table_id == T.id) & (V.schema_version == T.schema_version))
    .outerjoin(DriftBaselineRow, B.table_id == T.id)
    .order_by(T.id)
)


class BaselineReads:
    """Reads baselines."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def relations(self, table_ids: Collection[UUID]) -> dict[UUID, RelationName]:
        """The names of the relations behind the tables."""
        statement = select(T.id, T.relation_schema, T.relation_name).where(T.id.in_(table_ids))
        return {row.id: _relation(row) for row in await self.session.execute(statement)}

    async def tables(self, table_ids: Collection[UUID]) -> list[BaselinedTable]:
        """The tables by id, with their baselines; without those that have no shape yet."""
        return await self._tables(_KNOWN.where(T.id.in_(table_ids)))

    async def adopted(self, after: UUID | None, most: int) -> list[BaselinedTable]:
        """Adopted tables by id with their baselines, those after the given id, at most so many."""
        statement = _KNOWN.where(T.origin == "adopted").limit(most)
        return await self._tables(statement if after is None else statement.where(T.id > after))

    async def _tables(self, statement: Select[Any]) -> list[BaselinedTable]:
        return [
            BaselinedTable(
                id=row.id,
                label=f"{row.name}@{row.version}",
                relation=_relation(row),
                baseline=Baseline(relation_of(row.document))
                if row.document
                else baseline_of_shape(_relation(row), shape_of(row.columns)),
                taken_at=row.taken_at,
            )
            for row in await self.session.execute(statement)
        ]


class BaselineWrites(BaselineReads):
    """Keeps baselines."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def keep(self, relations: Mapping[UUID, LiveRelation], at: datetime) -> None:
        """Keep how the relations look as the baselines of these tables, in the place of those that there are."""
        if not relations:
            return
        statement = insert(DriftBaselineRow).values(_rows(relations, at))
        new = {name: statement.excluded[name] for name in ("relation_oid", "document", "taken_at", "checked_at")}
        await self.writer.execute(statement.on_conflict_do_update(index_elements=[B.table_id], set_=new))

    async def keep_unless_changed(self, taken: Sequence[tuple[BaselinedTable, LiveRelation]], at: datetime) -> None:
        """Keep the new baseline of each table, unless another one was kept since the table was read."""
        first = {table.id: relation for table, relation in taken if table.taken_at is None}
        if first:
            statement = insert(DriftBaselineRow).values(_rows(first, at))
            await self.writer.execute(statement.on_conflict_do_nothing(index_elements=[B.table_id]))
        for table, relation in taken:
            if table.taken_at is not None:
                values = _row(relation, at)
                known = (B.table_id == table.id) & (B.taken_at == table.taken_at)
                await self.writer.execute(update(DriftBaselineRow).where(known).values(values))

    async def checked(self, table_ids: Collection[UUID], at: datetime) -> None:
        """Keep when the relations behind the tables were compared with their baselines."""
        statement = update(DriftBaselineRow).where(B.table_id.in_(table_ids)).values(checked_at=at)
        await self.writer.execute(statement)


def _rows(relations: Mapping[UUID, LiveRelation], at: datetime) -> list[dict[str, Any]]:
    return [{"table_id": table_id} | _row(relation, at) for table_id, relation in relations.items()]


def _row(relation: LiveRelation, at: datetime) -> dict[str, Any]:
    return {"relation_oid": relation.oid, "document": document_of(relation), "taken_at": at, "checked_at": at}


def _relation(row: Any) -> RelationName:
    return RelationName(row.relation_schema, row.relation_name)
