"""Reading tables: what they are, how they stand, what happened to them, what a query may use."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from app.catalog.tables.lifecycle import TableState, resolution_order, visible_states
from app.catalog.tables.planning import NoSchemaYet
from app.catalog.tables.references import TableNotFound, TableReference
from app.catalog.tables.repository import StatusReads, TableReads
from app.catalog.tables.version import QueryableTable, ShapedVersion, StateChange, TableStatus, TableVersion
from app.kernel.db.database import Database, ReadSession
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import NotFound
from app.kernel.security.authorization import Actor, Permission
from app.warehouse.profile import Profile, profile

Found = TypeVar("Found")

NEAREST = 5
"""How many names a refusal suggests."""
LIKENESS = 0.5
"""Least ratio of `difflib` of a suggested name: twice the characters in common by the characters of both."""


class QueriedTableNotFound(NotFound):
    """A query names a table that it cannot use; the answer names the nearest that it could."""

    code, title = "table-not-found", "There is no such table to query"


def sees_shadow(actor: Actor) -> bool:
    """Whether the actor sees tables in SHADOW."""
    return actor.may(Permission.TABLES_READ_SHADOW)


def states_of(actor: Actor) -> tuple[TableState, ...]:
    """The states that the actor sees, in the order in which a name finds its version."""
    return visible_states(sees_shadow=sees_shadow(actor))


async def table_status(database: Database, reference: TableReference, actor: Actor) -> TableStatus:
    """How the table stands, read outside of any session. Raises `TableNotFound`."""
    return _known(await StatusReads(database).status(reference, sees_shadow=sees_shadow(actor)), reference)


class TableService:
    """Answers questions about tables. What the actor may not see is not there."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._tables = TableReads(session)

    async def get(self, reference: TableReference, actor: Actor) -> ShapedVersion:
        """The table with its shape. Raises `TableNotFound`."""
        return _known(await self._tables.find_shaped(reference, states_of(actor)), reference)

    async def profile(self, reference: TableReference, actor: Actor) -> tuple[TableVersion, Profile]:
        """The table and what is in its columns, on the snapshot of the session.

        Raises:
            TableNotFound, RelationUnreadable, ProfileTooSlow
            NoSchemaYet: nothing says what the columns are.
        """
        version = await self.get(reference, actor)
        if version.snapshot is None:
            raise NoSchemaYet("No batch has come in yet that would say what the columns are.")
        return version, await profile(self._session, version.relation, version.snapshot.shape)

    async def page(
        self, states: Iterable[TableState], search: str | None, request: PageRequest, actor: Actor
    ) -> Page[TableVersion]:
        """Versions of tables, newest first; in the given states, any when none is given; whose name has the text."""
        visible = states_of(actor)
        wanted = set(states) & set(visible) if states else visible
        return await self._tables.page(wanted, search, request)

    async def versions(self, reference: TableReference, request: PageRequest, actor: Actor) -> Page[ShapedVersion]:
        """Every version of the logical table, newest first. Raises `TableNotFound`."""
        found = await self._find(reference, actor)
        return await self._tables.versions(found.name, states_of(actor), request)

    async def history(self, reference: TableReference, request: PageRequest, actor: Actor) -> Page[StateChange]:
        """Changes of state, newest first: of one version by id or name@version, of all by name.

        Raises:
            TableNotFound
        """
        await self._find(reference, actor)
        return await self._tables.history(reference, states_of(actor), request)

    async def _find(self, reference: TableReference, actor: Actor) -> TableVersion:
        return _known(await self._tables.find(reference, states_of(actor)), reference)

    async def resolve(
        self, names: Sequence[str], actor: Actor, *, include_deprecated: bool = False
    ) -> dict[str, QueryableTable]:
        """The table that each logical name stands for in a query, all at one moment.

        Raises:
            QueriedTableNotFound: names every one that cannot be queried, with the nearest that this actor could query.
        """
        del actor  # every role sees every queryable table; SHADOW is queryable by nobody
        found = await self.find(names, include_deprecated=include_deprecated)
        missing = [name for name in dict.fromkeys(names) if name not in found]
        if missing:
            raise await self._not_found(missing, resolution_order(include_deprecated=include_deprecated))
        return found

    async def find(self, names: Iterable[str], *, include_deprecated: bool = False) -> dict[str, QueryableTable]:
        """The queryable tables among the names, all at one moment; a name of no such table is left out."""
        order = resolution_order(include_deprecated=include_deprecated)
        return {table.name: table for table in await self._tables.queryable(list(set(names)), order)}

    async def _not_found(self, missing: Sequence[str], order: Sequence[TableState]) -> QueriedTableNotFound:
        known = await self._tables.similar(missing, order)
        nearest = {name: get_close_matches(name, known, n=NEAREST, cutoff=LIKENESS) for name in missing}
        listed = "; ".join(
            f"{name!r}" + (f" (did you mean {', '.join(near)}?)" if near else "") for name, near in nearest.items()
        )
        return QueriedTableNotFound(f"No table can be queried as {listed}.", nearest=nearest)


def _known(found: Found | None, reference: TableReference) -> Found:
    if found is None:
        raise TableNotFound(str(reference))
    return found
