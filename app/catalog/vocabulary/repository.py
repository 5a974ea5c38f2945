"""All SQL of the words of tables: of contracts, and of the comments of adopted relations."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from app.catalog.contracts.column_words import ColumnWords, Sensitivity, words_of
from app.catalog.joins.evidence.subjects import KnownGrain, row_key
from app.catalog.joins.service import JoinReading
from app.catalog.models import ContractRow, TableSchemaVersionRow, TableVersionRow
from app.catalog.tables.lifecycle import TableState
from app.catalog.vocabulary.words import ColumnName, TableWords
from app.kernel.db.database import ReadSession
from app.warehouse.live import LiveRelation, live_relations
from app.warehouse.naming import RelationName

T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c
K = ContractRow.__table__.c

_NOTHING = ColumnWords()
_QUERYABLE = (TableState.ACTIVE.value, TableState.READ_ONLY.value)
_SHAPE_IN_FORCE = (V.table_id == T.id) & (V.schema_version == T.schema_version)


class WordReads:
    """Reads the words of tables."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def of_queryable(self) -> list[TableWords]:
        """The words of the tables that can be queried, by name: three statements, however many there are."""
        statement = (
            select(
                T.id, T.name, T.version, T.state, T.relation_schema, T.relation_name, T.schema_version, V.columns,
                K.id.label("contract_id"), K.description, K.column_words, K.mode, K.idempotency_key,
                K.event_time_column,
            )
            .join_from(TableVersionRow, TableSchemaVersionRow, _SHAPE_IN_FORCE)
            .outerjoin(ContractRow, K.table_id == T.id)
            .where(T.state.in_(_QUERYABLE))
            .order_by(T.name, T.state, T.version.desc())  # ACTIVE is before READ_ONLY, as queries have it
            .ext(distinct_on(T.name))
        )  # fmt: skip
        rows = (await self.session.execute(statement)).all()
        adopted = [_relation(row) for row in rows if row.contract_id is None]
        live = (await live_relations(self.session, adopted)).by_name if adopted else {}
        grains = await JoinReading(self.session).grains()
        return [_words(row, live.get(_relation(row)), grains.get(row.id)) for row in rows]

    async def hold_columns(self, table_id: UUID) -> list[ColumnName]:
        """The columns of a version, of which nobody changes what is said before this transaction ends.

        None of a version that cannot be queried any more. The comments of an adopted relation are left out.
        """
        await self.session.execute(select(K.id).where(K.table_id == table_id).with_for_update(read=True))
        statement = (
            select(V.columns, K.column_words)
            .join_from(TableVersionRow, TableSchemaVersionRow, _SHAPE_IN_FORCE)
            .outerjoin(ContractRow, K.table_id == T.id)
            .where(T.id == table_id, T.state.in_(_QUERYABLE))
        )
        row = (await self.session.execute(statement)).one_or_none()
        return [] if row is None else [_column(each, words_of(row.column_words or {})) for each in row.columns]


def _words(row: Any, live: LiveRelation | None, grain: KnownGrain | None) -> TableWords:
    said = words_of(row.column_words or {}) if row.contract_id is not None else _comments(live)
    comment = live.comment if live is not None else None
    declared = _declared(row, live)
    seen = grain if grain is not None and grain.schema_version == row.schema_version else None
    return TableWords(
        table_id=row.id,
        name=row.name,
        version=row.version,
        state=TableState(row.state),
        relation=_relation(row),
        schema_version=row.schema_version,
        governed=row.contract_id is not None,
        description=row.description if row.contract_id is not None else comment,
        columns=tuple(_column(each, said) for each in row.columns),
        key=declared[0] if declared else seen.key if seen else (),
        unique=frozenset((*(key[0] for key in declared if len(key) == 1), *(seen.unique if seen else ()))),
    )


def _column(document: Mapping[str, Any], said: Mapping[str, ColumnWords]) -> ColumnName:
    words = said.get(document["name"], _NOTHING)
    private = words.sensitivity is Sensitivity.PRIVATE
    return ColumnName(document["name"], document["type"], words.description, words.labels, private)


def _comments(live: LiveRelation | None) -> dict[str, ColumnWords]:
    return {column.name: ColumnWords(column.comment) for column in live.columns} if live is not None else {}


def _declared(row: Any, live: LiveRelation | None) -> tuple[tuple[str, ...], ...]:
    """The sets of columns that are unique for certain, the one that identifies a row first."""
    if row.contract_id is not None:
        key = row_key(row.mode, row.idempotency_key, row.event_time_column)
        return () if key is None else (key,)
    return live.keys_within([each["name"] for each in row.columns]) if live is not None else ()


def _relation(row: Any) -> RelationName:
    return RelationName(row.relation_schema, row.relation_name)
