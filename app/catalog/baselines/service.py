"""Use cases of baselines: take them, compare them with what is there now, accept that, renew them silently."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.catalog.baselines.comparison import BaselinedTable, Comparison, Finding, comparison
from app.catalog.baselines.repository import BaselineWrites
from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict
from app.warehouse.live import live_relations
from app.warehouse.naming import RelationName
from app.warehouse.publishing import RelationGone


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at tables found."""

    findings: tuple[Finding, ...]
    unchanged: tuple[UUID, ...]
    """Tables whose relations are as their baselines say."""
    renewed: tuple[UUID, ...]
    """Those of the unchanged whose baseline was taken anew: after a restore, or for the first time."""
    busy: tuple[UUID, ...] = ()
    """Tables that were passed over, because another transaction is altering their relations."""


class RelationBusy(Conflict):
    """Another transaction is altering the relation, so that nobody can say what it will look like."""

    code, title = "relation-busy", "The relation behind the table is being altered"


class Baselines:
    """Keeps what relations looked like when they were last accepted. Writes belong to the caller's transaction."""

    def __init__(self, session: WriteSession, clock: Clock = utc_now) -> None:
        self._session = session
        self._baselines = BaselineWrites(session)
        self._clock = clock

    async def take(self, relations: Mapping[UUID, RelationName]) -> None:
        """Keep what the relations look like now as the baselines of these tables, whatever was kept before.

        For a relation that is made, adopted or altered in the same transaction. A relation that is gone or that another
        transaction is altering is passed over: the next look finds what became of the relation.
        """
        found = (await live_relations(self._session, set(relations.values()))).by_name
        taken = {table_id: found[name] for table_id, name in relations.items() if name in found}
        await self._baselines.keep(taken, self._clock())

    async def accept(self, table_id: UUID) -> None:
        """Keep what the relation looks like now: its changes are accepted.

        Raises:
            RelationBusy: another transaction is altering the relation.
            RelationGone: there is no relation of the table's name, so there is nothing to accept.
        """
        relations = await self._baselines.relations([table_id])
        found = await live_relations(self._session, relations.values())
        for name in relations.values():
            if name in found.busy:
                raise RelationBusy(f"Another transaction is altering {name}. Try again when that has ended.")
            if name not in found.by_name:
                raise RelationGone(f"There is no relation {name}.")
        accepted = {each: found.by_name[name] for each, name in relations.items()}
        await self._baselines.keep(accepted, self._clock())

    async def compare(self, table_ids: Collection[UUID]) -> list[Comparison]:
        """The tables by id, each beside the relation that is there now; two statements however many there are.

        Tables that have no shape yet, and those whose relation another transaction is altering, are left out. Nothing
        is written.
        """
        return await self._compared(await self._baselines.tables(table_ids))

    async def look_at(self, table_ids: Collection[UUID]) -> Look:
        """What changed of the relations behind these tables; baselines that a restore outdated are renewed."""
        return await self._look(await self._baselines.tables(table_ids))

    async def look_at_adopted(self, after: UUID | None, most: int) -> tuple[Look, UUID | None]:
        """What changed of the relations behind adopted tables, at most so many, those after the given id.

        With the id to go on from: None when these were the last.
        """
        tables = await self._baselines.adopted(after, most)
        return await self._look(tables), tables[-1].id if len(tables) == most else None

    async def _compared(self, tables: Sequence[BaselinedTable]) -> list[Comparison]:
        wanted: set[RelationName | int] = {table.relation for table in tables}
        wanted |= {table.baseline.relation.oid for table in tables if table.baseline.whole}
        found = await live_relations(self._session, wanted)
        comparisons = (comparison(table, found) for table in tables)
        return [each for each in comparisons if each is not None]

    async def _look(self, tables: Sequence[BaselinedTable]) -> Look:
        if not tables:
            return Look((), (), ())
        comparisons = await self._compared(tables)
        now = self._clock()
        renewed = [(each.table, each.live) for each in comparisons if each.live and each.calls_for_renewal()]
        await self._baselines.checked([each.table.id for each in comparisons], now)
        await self._baselines.keep_unless_changed(renewed, now)
        findings = [Finding(each.table.id, each.table.label, each.changes()) for each in comparisons]
        return Look(
            findings=tuple(finding for finding in findings if finding.changes),
            unchanged=tuple(finding.table_id for finding in findings if not finding.changes),
            renewed=tuple(table.id for table, _ in renewed),
            busy=tuple(sorted({table.id for table in tables} - {each.table.id for each in comparisons})),
        )
