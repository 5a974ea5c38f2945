"""All SQL of tables: finding versions, their history and shapes."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, func, literal, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from app.catalog.tables.lifecycle import LOOKUP_ORDER, TableState, visible_states
from app.catalog.tables.models import TableSchemaVersionRow, TableStateChangeRow, TableVersionRow
from app.catalog.tables.references import TableReference
from app.catalog.tables.shape import shape_of
from app.catalog.tables.version import QueryableTable, StateChange, TableSnapshot, TableStanding, TableVersion
from app.kernel.db.database import Database, ReadSession
from app.kernel.db.lookups import Lookup, constant, given
from app.kernel.paging import Page, PageRequest, cut
from app.warehouse.naming import RelationName

T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c
H = TableStateChangeRow.__table__.c

_STANDING = (
    T.id,
    T.name,
    T.version,
    T.state,
    T.contract_id,
    T.successor,
    T.state_changed_at,
    T.deprecated_at,
    T.sunset,
    T.revision,
)
WHOLE = (
    *_STANDING,
    T.origin,
    T.owner_id,
    T.owner_label,
    T.relation_schema,
    T.relation_name,
    T.schema_version,
    T.supersedes_id,
    T.created_at,
)
_SNAPSHOT = (V.columns, V.row_count, V.row_count_exact, V.checksum, V.measured_at, V.created_by)

MAX_SIMILAR = 200
"""Names that are compared with one that is not found, for the nearest of them."""


def _rank(order: Sequence[TableState]) -> ColumnElement[int]:
    return case({state.value: place for place, state in enumerate(order)}, value=T.state)


def _standing_statement(*, sees_shadow: bool, by_id: bool) -> Select[Any]:
    """Made once per kind of caller and reference: building and compiling it cost more than running it."""
    statement = select(*_STANDING)
    if not sees_shadow:
        statement = statement.where(T.state != constant(TableState.SHADOW.value))
    if by_id:
        return statement.where(T.id == given("id"))
    order = enumerate(visible_states(sees_shadow=sees_shadow))
    place = case(*((T.state == constant(state.value), constant(number)) for number, state in order))
    named = statement.where(T.name == given("name"))
    return named.order_by(place, T.version.desc()).limit(literal_column("1"))


_STANDING_OF = {
    (sees_shadow, by_id): Lookup.of(_standing_statement(sees_shadow=sees_shadow, by_id=by_id))
    for sees_shadow in (False, True)
    for by_id in (False, True)
}


class Standings:
    """How tables stand: the question that is asked all the time, answered outside of any session."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, reference: TableReference, *, sees_shadow: bool) -> TableStanding | None:
        """How the table stands, in one statement."""
        if reference.version is not None:
            async with self._database.read() as session:
                return await TableRepository(session).standing(reference, sees_shadow=sees_shadow)
        by_id = reference.id is not None
        parameters = {"id": reference.id} if by_id else {"name": reference.name}
        row = await self._database.lookups.one(_STANDING_OF[sees_shadow, by_id], parameters)
        return _standing(row) if row else None


class TableRepository:
    """Reads tables."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def standing(self, reference: TableReference, *, sees_shadow: bool) -> TableStanding | None:
        """How the table stands."""
        return await self.find(reference, visible_states(sees_shadow=sees_shadow))

    async def find(self, reference: TableReference, order: Sequence[TableState] = LOOKUP_ORDER) -> TableVersion | None:
        """The version that the reference names, among those in the given states, the best first."""
        statement = _located(select(*WHOLE), reference, order)
        row = (await self.session.execute(statement)).one_or_none()
        return version_of(row) if row else None

    async def found_with_snapshot(
        self, reference: TableReference, order: Sequence[TableState]
    ) -> tuple[TableVersion, TableSnapshot | None] | None:
        """The same, with its shape."""
        statement = _located(_with_snapshot(), reference, order)
        row = (await self.session.execute(statement)).one_or_none()
        return (version_of(row), _snapshot(row)) if row else None

    async def page(self, states: Iterable[TableState], search: str | None, request: PageRequest) -> Page[TableVersion]:
        """Versions in the given states whose name contains the text, newest first."""
        statement = select(*WHOLE).where(_in_states(states))
        if search:
            statement = statement.where(T.name.contains(search.lower(), autoescape=True))
        rows = (await self.session.execute(_newest_first(statement, T.id, request))).all()
        return cut([version_of(row) for row in rows], request, lambda version: str(version.id))

    async def versions(
        self, name: str, states: Iterable[TableState], request: PageRequest
    ) -> Page[tuple[TableVersion, TableSnapshot | None]]:
        """The versions of a name in the given states with their shapes, newest first."""
        statement = _with_snapshot().where(T.name == name, _in_states(states))
        rows = (await self.session.execute(_newest_first(statement, T.id, request))).all()
        return cut([(version_of(row), _snapshot(row)) for row in rows], request, lambda pair: str(pair[0].id))

    async def history(
        self, reference: TableReference, states: Iterable[TableState], request: PageRequest
    ) -> Page[StateChange]:
        """What happened to the versions that the reference names, newest first."""
        joined = TableStateChangeRow.__table__.join(TableVersionRow.__table__, T.id == H.table_id)
        statement = select(
            H.id,
            H.table_id,
            T.name,
            T.version,
            H.from_state,
            H.to_state,
            H.actor_id,
            H.actor_label,
            H.reason,
            H.plan_hash,
            H.created_at,
        ).select_from(joined)
        statement = statement.where(_named(reference), _in_states(states))
        rows = (await self.session.execute(_newest_first(statement, H.id, request))).all()
        return cut([_change(row) for row in rows], request, lambda change: str(change.id))

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
            .select_from(_shaped(outer=False))
            .where(T.name == func.any(literal(names, ARRAY(Text))), _in_states(order))
            .order_by(T.name, _rank(order), T.version.desc())
            .ext(distinct_on(T.name))
        )
        return [
            QueryableTable(
                id=row.id,
                name=row.name,
                version=row.version,
                state=TableState(row.state),
                revision=row.revision,
                relation=RelationName(row.relation_schema, row.relation_name),
                shape=shape_of(row.columns),
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


def _shaped(*, outer: bool) -> Any:
    shape_in_force = (V.table_id == T.id) & (V.schema_version == T.schema_version)
    return TableVersionRow.__table__.join(TableSchemaVersionRow.__table__, shape_in_force, isouter=outer)


def _with_snapshot() -> Select[Any]:
    return select(*WHOLE, *_SNAPSHOT).select_from(_shaped(outer=True))


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


def _newest_first(statement: Select[Any], key: ColumnElement[Any], request: PageRequest) -> Select[Any]:
    after = request.after(UUID)
    if after is not None:
        statement = statement.where(key < after)
    return statement.order_by(key.desc()).limit(request.limit + 1)


def _standing(row: Any) -> TableStanding:
    id_, name, version, state, *rest = row
    return TableStanding(id_, name, version, TableState(state), *rest)


def version_of(row: Any) -> TableVersion:
    """The version that a row of `WHOLE` tells of."""
    return TableVersion(
        id=row.id,
        name=row.name,
        version=row.version,
        state=TableState(row.state),
        contract_id=row.contract_id,
        successor=row.successor,
        state_changed_at=row.state_changed_at,
        deprecated_at=row.deprecated_at,
        sunset=row.sunset,
        revision=row.revision,
        origin=row.origin,
        owner_id=row.owner_id,
        owner_label=row.owner_label,
        relation=RelationName(row.relation_schema, row.relation_name),
        schema_version=row.schema_version,
        supersedes_id=row.supersedes_id,
        created_at=row.created_at,
    )


def _snapshot(row: Any) -> TableSnapshot | None:
    if row.columns is None:
        return None
    return TableSnapshot(
        shape=shape_of(row.columns),
        row_count=row.row_count,
        row_count_exact=row.row_count_exact,
        checksum=row.checksum,
        measured_at=row.measured_at,
        created_by=row.created_by,
    )


def _change(row: Any) -> StateChange:
    return StateChange(
        id=row.id,
        table_id=row.table_id,
        name=row.name,
        version=row.version,
        from_state=TableState(row.from_state) if row.from_state else None,
        to_state=TableState(row.to_state),
        actor_id=row.actor_id,
        actor_label=row.actor_label,
        reason=row.reason,
        plan_hash=row.plan_hash,
        at=row.created_at,
    )
