"""An adopted table takes on what its relation looks like by now: the columns that queries see, grants, the baseline."""

from uuid import UUID

from app.catalog.adoption.patterns import RelationPattern, refusal
from app.catalog.baselines.service import Baselines
from app.catalog.tables.references import parse_reference
from app.catalog.tables.registry import TableRegistry
from app.catalog.tables.service import TableService
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict
from app.kernel.security.authorization import Actor
from app.warehouse.inspection import Inspector
from app.warehouse.naming import HIDDEN_PREFIX
from app.warehouse.publishing import RelationGone, publish


class RelationUnusable(Conflict):
    """The relation became something that no table can stand for, such as a view of system relations."""

    code, title = "relation-unusable", "The relation cannot stand behind a table any more"


class AdoptedShapes:
    """Keeps the shapes of adopted tables, in the caller's transaction."""

    def __init__(self, session: WriteSession, clock: Clock) -> None:
        self._session = session
        self._registry = TableRegistry(session)
        self._baselines = Baselines(session, clock)

    async def take_on(self, table_id: UUID, actor: Actor) -> int | None:
        """The schema version that the relation's columns made; None when the table has these columns already.

        Whatever the columns are, queries may read them from now on, and the relation as it is is the baseline.

        Raises:
            TableNotFound
            RelationGone: there is no relation of the table's name.
            RelationUnusable: the relation could not be adopted as it is.
            GrantNeeded: the relation's owner has to grant on it first.
        """
        reference, tables = parse_reference(str(table_id)), TableService(self._session)
        await self._registry.reserve([(await tables.get(reference, actor)).name])
        table = await tables.get(reference, actor)
        await self._baselines.accept(table_id)
        pattern = RelationPattern(table.relation.schema, table.relation.name)
        matches = await Inspector(self._session).find([pattern.like])
        found = next((each for each in matches if each.relation == table.relation), None)
        if found is None:
            raise RelationGone(f"There is no relation {table.relation}.")
        if (reason := refusal(found)) is not None:
            raise RelationUnusable(
                f"{table.relation} could not be adopted as it is: {reason.value}.", refusal=reason.value
            )
        shape = tuple(column for column in found.columns if not column.name.startswith(HIDDEN_PREFIX))
        version = None
        if table.snapshot is None or table.snapshot.shape != shape:
            version = (table.schema_version or 0) + 1
            await self._registry.shape(table_id, version, shape, actor)
        await publish(self._session, table.relation, [column.name for column in shape])
        return version
