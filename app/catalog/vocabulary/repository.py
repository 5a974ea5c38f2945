"""All SQL of the words of tables: of contracts, and of the comments of adopted relations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.catalog.contracts.column_words import ColumnWords, Sensitivity, words_of
from app.catalog.joins.evidence.subjects import KnownGrain, row_key
from app.catalog.joins.service import JoinReading
from app.catalog.models import ContractRow, TableSchemaVersionRow, TableVersionRow
from app.catalog.tables.lifecycle import TableState
from app.catalog.vocabulary.words import ColumnName, TableWords
from app.kernel.db.database import ReadSession
from app.warehouse.live import LiveWords, live_words
from app.warehouse.naming import RelationName

T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c
K = ContractRow.__table__.c

_NOTHING = ColumnWords()
_QUERYABLE = (TableState.ACTIVE.value, TableState.READ_ONLY.value)
_KEPT: Final = 4_096
"""Tables whose words are kept as they were last read: every question asks for those of all tables."""
_SHAPE_IN_FORCE = (V.table_id == T.id) & (V.schema_version == T.schema_version)


class WordReads:
    """Reads the words of tables."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def of_queryable(self) -> list[TableWords]:
        """The words of the tables that can be queried, by name: three statements, however many there are."""
        statement = (
            select(
                T.id, T.name, T.version, T.state, T.relation_schema, T.relation_name, T.schema_version,
                cast(V.columns, Text), K.id, K.description,
                cast(K.column_words, Text), K.mode, cast(K.idempotency_key, Text), K.event_time_column,
            )
            .join_from(TableVersionRow, TableSchemaVersionRow, _SHAPE_IN_FORCE)
            .outerjoin(ContractRow, K.table_id == T.id)
            .where(T.state.in_(_QUERYABLE))
            .order_by(T.name, T.state, T.version.desc())  # ACTIVE is before READ_ONLY, as queries have it
            .ext(distinct_on(T.name))
        )  # fmt: skip
        rows = [_Row(*row) for row in await self.session.execute(statement)]
        adopted = [row.relation for row in rows if row.contract_id is None]
        live = await live_words(self.session, adopted) if adopted else {}
        grains = await JoinReading(self.session).grains()
        return [_words(row, live.get(row.relation), grains.get(row.id)) for row in rows]

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


@dataclass(frozen=True, slots=True)
class _Row:
    """A version as it is stored; documents are texts, which are compared faster than they are read."""

    id: UUID
    name: str
    version: int
    state: str
    relation_schema: str
    relation_name: str
    schema_version: int
    columns: str
    contract_id: UUID | None
    description: str | None
    column_words: str | None
    mode: str | None
    idempotency_key: str | None
    event_time_column: str | None

    @property
    def relation(self) -> RelationName:
        """The relation that holds the rows."""
        return RelationName(self.relation_schema, self.relation_name)


@lru_cache(maxsize=_KEPT)
def _words(row: _Row, live: LiveWords | None, grain: KnownGrain | None) -> TableWords:
    """The words of a table; the same object as long as nothing that is said of the table changes."""
    columns = json.loads(row.columns)
    governed = row.contract_id is not None
    said = words_of(json.loads(row.column_words or "{}")) if governed else _comments(live)
    declared = _declared(row, [each["name"] for each in columns], live)
    seen = grain if grain is not None and grain.schema_version == row.schema_version else None
    return TableWords(
        table_id=row.id,
        name=row.name,
        version=row.version,
        state=TableState(row.state),
        relation=row.relation,
        schema_version=row.schema_version,
        governed=governed,
        description=row.description if governed else live.comment if live is not None else None,
        columns=tuple(_column(each, said) for each in columns),
        key=declared[0] if declared else seen.key if seen else (),
        unique=frozenset((*(key[0] for key in declared if len(key) == 1), *(seen.unique if seen else ()))),
    )


def _column(document: Mapping[str, Any], said: Mapping[str, ColumnWords]) -> ColumnName:
    words = said.get(document["name"], _NOTHING)
    private = words.sensitivity is Sensitivity.PRIVATE
    return ColumnName(document["name"], document["type"], words.description, words.labels, private)


def _comments(live: LiveWords | None) -> dict[str, ColumnWords]:
    return {name: ColumnWords(comment) for name, comment in live.comments} if live is not None else {}


def _declared(row: _Row, columns: Sequence[str], live: LiveWords | None) -> tuple[tuple[str, ...], ...]:
    """The sets of columns that are unique for certain, the one that identifies a row first."""
    if row.mode is not None and row.idempotency_key is not None and row.event_time_column is not None:
        key = row_key(row.mode, json.loads(row.idempotency_key), row.event_time_column)
        return () if key is None else (key,)
    return live.keys_within(columns) if live is not None else ()
