"""All SQL of tables: versions, their history and shapes. Writes belong to the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, func, insert, literal, literal_column, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from app.catalog.models import TableSchemaVersionRow, TableStateChangeRow, TableVersionRow
from app.catalog.records import filled
from app.catalog.tables.lifecycle import LOOKUP_ORDER, TableState, visible_states
from app.catalog.tables.references import TableReference
from app.catalog.tables.shape import Shape, shape_documents, shape_of
from app.catalog.tables.version import (
    NewVersion,
    QueryableTable,
    ShapedVersion,
    StateChange,
    TableSnapshot,
    TableStatus,
    TableVersion,
)
from app.kernel.db.database import Database, ReadSession, WriteSession
from app.kernel.db.listing import listed, newest_first
from app.kernel.db.lookups import Lookup, constant, given
from app.kernel.paging import Page, PageRequest
from app.kernel.security.authorization import Actor
from app.warehouse.inspection import Measurement
from app.warehouse.naming import RelationName

T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c
H = TableStateChangeRow.__table__.c

_STATUS = tuple(T[field.name] for field in fields(TableStatus))
_WHOLE = tuple(T)
_SHAPE_IN_FORCE = (V.table_id == T.id) & (V.schema_version == T.schema_version)
_SHAPED = select(
    *_WHOLE, V.columns, V.row_count, V.row_count_exact, V.checksum, V.measured_at, V.created_by
).outerjoin_from(TableVersionRow, TableSchemaVersionRow, _SHAPE_IN_FORCE)

MAX_SIMILAR = 200
"""Names that are compared with one that is not found, for the nearest of them."""


def _rank(order: Sequence[TableState]) -> ColumnElement[int]:
    return case({state.value: place for place, state in enumerate(order)}, value=T.state)


def _status_statement(*, sees_shadow: bool, by_id: bool) -> Select[Any]:
    """Made once per kind of caller and reference: building and compiling it cost more than running it."""
    statement = select(*_STATUS)
    if not sees_shadow:
        statement = statement.where(T.state != constant(TableState.SHADOW.value))
    if by_id:
        return statement.where(T.id == given("id"))
    order = enumerate(visible_states(sees_shadow=sees_shadow))
    place = case(*((T.state == constant(state.value), constant(number)) for number, state in order))
    named = statement.where(T.name == given("name"))
    return named.order_by(place, T.version.desc()).limit(literal_column("1"))


_STATUS_OF = {
    (sees_shadow, by_id): Lookup.of(_status_statement(sees_shadow=sees_shadow, by_id=by_id))
    for sees_shadow in (False, True)
    for by_id in (False, True)
}

TABLE_SORTS: Final = {"name": T.name, "state": T.state, "created_at": T.created_at}
"""Columns by which the list may be sorted."""


class StatusReads:
    """How tables stand: the question that is asked all the time, answered outside of any session."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def status(self, reference: TableReference, *, sees_shadow: bool) -> TableStatus | None:
        """How the table stands, in one statement."""
        if reference.version is not None:
            async with self._database.read() as session:
                return await TableReads(session).find(reference, visible_states(sees_shadow=sees_shadow))
        by_id = reference.id is not None
        parameters = {"id": reference.id} if by_id else {"name": reference.name}
        row = await self._database.lookups.one(_STATUS_OF[sees_shadow, by_id], parameters)
        return _status(row) if row else None


class TableReads:
    """Reads tables."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def find(self, reference: TableReference, order: Sequence[TableState] = LOOKUP_ORDER) -> TableVersion | None:
        """The version that the reference names, among those in the given states, the best first."""
        statement = _located(select(*_WHOLE), reference, order)
        row = (await self.session.execute(statement)).one_or_none()
        return _version(row) if row else None

    async def find_shaped(self, reference: TableReference, order: Sequence[TableState]) -> ShapedVersion | None:
        """The version that `find` returns, with its shape."""
        row = (await self.session.execute(_located(_SHAPED, reference, order))).one_or_none()
        return _shaped(row) if row else None

    async def page(self, states: Iterable[TableState], search: str | None, request: PageRequest) -> Page[TableVersion]:
        """Versions in the given states whose name contains the text, newest first."""
        statement = select(*_WHOLE).where(_in_states(states))
        if search:
            statement = statement.where(T.name.contains(search.lower(), autoescape=True))
        return await listed(self.session, statement, request, newest_first(T.id, TABLE_SORTS), _version)

    async def versions(self, name: str, states: Iterable[TableState], request: PageRequest) -> Page[ShapedVersion]:
        """The versions of a name in the given states with their shapes, newest first."""
        statement = _SHAPED.where(T.name == name, _in_states(states))
        return await listed(self.session, statement, request, newest_first(T.id), _shaped)

    async def history(
        self, reference: TableReference, states: Iterable[TableState], request: PageRequest
    ) -> Page[StateChange]:
        """What happened to the versions that the reference names, newest first."""
        statement = select(T.name, T.version, *H).join_from(TableStateChangeRow, TableVersionRow, T.id == H.table_id)
        statement = statement.where(_named(reference), _in_states(states))
        return await listed(self.session, statement, request, newest_first(H.id), _change)

    async def last_state_before(self, table_id: UUID, state: TableState) -> TableState | None:
        """The state from which the version came into the given one, the last time."""
        statement = (
            select(H.from_state).where(H.table_id == table_id, H.to_state == state.value).order_by(H.id.desc()).limit(1)
        )
        found = (await self.session.execute(statement)).scalar_one_or_none()
        return TableState(found) if found else None

    async def queryable(self, names: Sequence[str], order: Sequence[TableState]) -> list[QueryableTable]:
        """For each name the version it stands for in a query, with its columns: one statement, so one moment."""
        statement = (
            select(T.id, T.name, T.version, T.state, T.revision, T.relation_schema, T.relation_name, V.columns)
            .join_from(TableVersionRow, TableSchemaVersionRow, _SHAPE_IN_FORCE)
            .where(T.name == func.any(literal(names, ARRAY(Text))), _in_states(order))
            .order_by(T.name, _rank(order), T.version.desc())
            .ext(distinct_on(T.name))
        )
        return [
            filled(
                QueryableTable, row, state=TableState(row.state), relation=_relation(row), shape=shape_of(row.columns)
            )
            for row in await self.session.execute(statement)
        ]

    async def similar(self, names: Sequence[str], states: Iterable[TableState]) -> Sequence[str]:
        """The distinct names with a version in one of the states that are most like each of the given ones.

        Like is what has most pairs of neighbouring letters in common: PostgreSQL sorts by them, so that of however many
        names `MAX_SIMILAR` for each are answered. None is left out that could reach a likeness of a half (`LIKENESS` in
        `service.py`), but for that bound: then the longer name has at most three times the letters of the shorter.
        """
        wanted = func.unnest(literal(names, ARRAY(Text))).table_valued("name", name="wanted").render_derived()
        letters, length = func.length(wanted.c.name), func.length(T.name)
        pair = func.generate_series(1, letters - 1).table_valued("at", name="pair").render_derived()
        common = select(func.count()).select_from(pair).correlate(wanted, TableVersionRow.__table__)
        common = common.where(func.strpos(T.name, func.substr(wanted.c.name, pair.c.at, 2)) > 0)
        nearest = (
            select(T.name)
            .where(_in_states(states), length <= 3 * letters, letters <= 3 * length)
            .correlate(wanted)
            .group_by(T.name)
            .order_by(common.scalar_subquery().desc(), func.abs(length - letters), T.name)
            .limit(MAX_SIMILAR)
            .lateral("nearest")
        )
        statement = select(nearest.c.name).select_from(wanted.join(nearest, true())).distinct()
        return (await self.session.execute(statement)).scalars().all()

    async def registered(self, relations: Sequence[RelationName]) -> set[RelationName]:
        """Those of the relations that are behind a table already."""
        statement = select(T.relation_schema, T.relation_name).where(
            T.relation_schema.in_({relation.schema for relation in relations}),
            T.relation_name.in_({relation.name for relation in relations}),
        )
        return {RelationName(*row) for row in await self.session.execute(statement)}


class TableWrites(TableReads):
    """Makes and changes tables."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock_names(self, names: Sequence[str]) -> None:
        """Nobody else makes a version of these names before this transaction ends."""
        for name in sorted(set(names)):
            key = func.hashtextextended(f"spyne.tables:{name}", 0)
            await self.writer.execute(select(func.pg_advisory_xact_lock(key)))

    async def latest_version(self, name: str) -> int:
        """The highest version of the name; 0 when there is none."""
        found = await self.writer.execute(select(func.max(T.version)).where(T.name == name))
        return int(found.scalar_one() or 0)

    async def lock_versions(self, name: str) -> list[TableVersion]:
        """Every version of the name as it stands now; nobody else changes one before this transaction ends."""
        statement = select(*_WHOLE).where(T.name == name).order_by(T.id).with_for_update(key_share=True)
        return [_version(row) for row in await self.writer.execute(statement)]

    async def hold(self, table_id: UUID) -> tuple[TableState, int | None] | None:
        """State and schema version, which nobody changes before this transaction ends; other holders do not wait."""
        statement = select(T.state, T.schema_version).where(T.id == table_id).with_for_update(read=True)
        found = (await self.writer.execute(statement)).one_or_none()
        return (TableState(found.state), found.schema_version) if found else None

    async def add(self, new: NewVersion, owner: Actor) -> TableVersion:
        """The version, made without a shape yet."""
        statement = insert(TableVersionRow).values(
            name=new.name,
            version=new.version,
            state=new.state.value,
            origin=new.origin,
            owner_id=owner.id,
            owner_label=owner.label,
            relation_schema=new.relation.schema,
            relation_name=new.relation.name,
            contract_id=new.contract_id,
        )
        return _version((await self.writer.execute(statement.returning(*_WHOLE))).one())

    async def add_shape(self, table_id: UUID, schema_version: int, shape: Shape, by: Actor) -> None:
        """Give the version a shape, which is in force from now on."""
        await self.writer.execute(
            insert(TableSchemaVersionRow).values(
                table_id=table_id, schema_version=schema_version, columns=shape_documents(shape), created_by=by.label
            )
        )
        await self.writer.execute(
            update(TableVersionRow)
            .where(T.id == table_id)
            .values(schema_version=schema_version, revision=T.revision + 1)
        )

    async def change_state(
        self, table_id: UUID, from_state: TableState, to_state: TableState, changes: dict[str, Any]
    ) -> TableVersion | None:
        """Compare and set: the version after the change, or None when it was not in `from_state`."""
        statement = (
            update(TableVersionRow)
            .where(T.id == table_id, T.state == from_state.value)
            .values(state=to_state.value, revision=T.revision + 1, **changes)
            .returning(*_WHOLE)
        )
        row = (await self.writer.execute(statement)).one_or_none()
        return _version(row) if row else None

    async def record_change(
        self,
        table_id: UUID,
        from_state: TableState | None,
        to_state: TableState,
        *,
        by: Actor,
        reason: str | None,
        plan_hash: str | None = None,
    ) -> None:
        """Add a line to the history."""
        await self.writer.execute(
            insert(TableStateChangeRow).values(
                table_id=table_id,
                from_state=from_state.value if from_state else None,
                to_state=to_state.value,
                actor_id=by.id,
                actor_label=by.label,
                reason=reason,
                plan_hash=plan_hash,
            )
        )

    async def record_measurement(
        self, table_id: UUID, schema_version: int, measured: Measurement, at: datetime
    ) -> None:
        """Keep what was in the version."""
        statement = (
            update(TableSchemaVersionRow)
            .where(V.table_id == table_id, V.schema_version == schema_version)
            .values(row_count=measured.rows, row_count_exact=measured.exact, checksum=measured.checksum, measured_at=at)
        )
        await self.writer.execute(statement)


def _in_states(states: Iterable[TableState]) -> ColumnElement[bool]:
    return T.state.in_([state.value for state in states])


def _named(reference: TableReference) -> ColumnElement[bool]:
    if reference.id is not None:
        return T.id == reference.id
    if reference.version is not None:
        return (T.name == reference.name) & (T.version == reference.version)
    return T.name == reference.name


def _located(statement: Select[Any], reference: TableReference, order: Sequence[TableState]) -> Select[Any]:
    statement = statement.where(_named(reference), _in_states(order))
    return statement.order_by(_rank(order), T.version.desc()).limit(1)


def _status(row: Any) -> TableStatus:
    id_, name, version, state, *rest = row
    return TableStatus(id_, name, version, TableState(state), *rest)


def _relation(row: Any) -> RelationName:
    return RelationName(row.relation_schema, row.relation_name)


def _version(row: Any) -> TableVersion:
    return filled(TableVersion, row, state=TableState(row.state), relation=_relation(row))


def _shaped(row: Any) -> ShapedVersion:
    snapshot = None if row.columns is None else filled(TableSnapshot, row, shape=shape_of(row.columns))
    return filled(ShapedVersion, row, state=TableState(row.state), relation=_relation(row), snapshot=snapshot)


def _queryable(row: Any) -> QueryableTable:
    shape = shape_of(row.columns)
    return filled(QueryableTable, row, state=TableState(row.state), relation=_relation(row), shape=shape)


def _change(row: Any) -> StateChange:
    before = TableState(row.from_state) if row.from_state else None
    return filled(StateChange, row, from_state=before, to_state=TableState(row.to_state), at=row.created_at)
