"""A relation whose plan changes while batches come and are taken back, and what must hold of it at any time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import asyncpg

from app.warehouse.evolution import apply, undo
from app.warehouse.ingest import MergeOutcome
from app.warehouse.layout import content_hash
from app.warehouse.naming import quote
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.reversal.rollback import Recorded, Restored, take_back
from app.warehouse.types import parse_type
from tests.warehouse.relations import START, Relation

Record = dict[str, Any]


def changed(plan: RelationPlan, name: str, type_: str, *, nullable: bool = True) -> RelationPlan:
    """The plan with another type of a column, or with a further column at the end."""
    column = Column(name, parse_type(type_), nullable)
    if name not in {each.name for each in plan.columns}:
        return replace(plan, columns=(*plan.columns, column))
    return replace(plan, columns=tuple(column if each.name == name else each for each in plan.columns))


@dataclass
class Evolving:
    """A relation, the plans that it has had, and the records of its batches."""

    relation: Relation
    plans: list[RelationPlan]
    recorded: dict[int, Recorded] = field(default_factory=dict)

    @property
    def connection(self) -> asyncpg.Connection:
        return self.relation.connection

    @property
    def plan(self) -> RelationPlan:
        return self.relation.plan

    async def evolve(self, after: RelationPlan, *, published: bool = False) -> None:
        async with self.connection.transaction():
            await apply(self.connection, self.plan, after, published=published)
        self.plans.append(after)
        self.relation.plan = after

    async def undo(self, *, losing: Collection[str] = ()) -> None:
        """Take the last change back."""
        async with self.connection.transaction():
            await undo(self.connection, self.plans[-2], self.plans[-1], losing=losing)
        self.plans.pop()
        self.relation.plan = self.plans[-1]

    async def put(self, records: Sequence[Record]) -> MergeOutcome:
        """Merge a batch: what its records leave out is NULL, and a column that all leave out keeps its values."""
        names = [column.name for column in self.plan.record_columns]
        brought = {name for record in records for name in record}
        rows = [tuple(record.get(name) for name in names) for record in records]
        outcome = await self.relation.put(rows, absent=lambda: set(names) - brought)
        seq = self.relation.seq
        self.recorded[seq] = Recorded(seq, outcome.counts.inserted, outcome.images, is_rollback=False)
        return outcome

    async def take_back(self, seq: int) -> Restored:
        self.relation.seq += 1
        async with self.connection.transaction():
            restored = await take_back(self.connection, self.plan, self.recorded[seq], self.relation.seq)
        self.recorded[self.relation.seq] = Recorded(
            self.relation.seq, restored.put_back, restored.images, is_rollback=True
        )
        return restored

    async def wrong_hashes(self) -> int:
        """Rows and before-images whose stored hash is not that of their values."""
        return sum(
            [
                await self.connection.fetchval(
                    f"SELECT count(*) FROM {name.sql} WHERE _spyne_hash IS DISTINCT FROM {content_hash(self.plan)}"
                )
                for name in (self.plan.relation, self.plan.before)
            ]
        )

    async def shapes(self) -> list[list[tuple[Any, ...]]]:
        """Columns of relation and images: name, type, whether it may be empty."""
        query = (
            "SELECT attname::text, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute "
            "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname"
        )
        return [
            [tuple(row) for row in await self.connection.fetch(query, name.sql)]
            for name in (self.plan.relation, self.plan.before)
        ]

    async def everything(self) -> list[list[tuple[Any, ...]]]:
        """Rows of relation and images, with the values of all columns in the order of their names."""
        found = []
        for place, name in enumerate((self.plan.relation, self.plan.before)):
            names = ", ".join(quote(each[0]) for each in (await self.shapes())[place])
            rows = await self.connection.fetch(f"SELECT {names} FROM {name.sql}")
            found.append(sorted((tuple(row) for row in rows), key=repr))
        return found


async def evolving(connection: asyncpg.Connection, plan: RelationPlan) -> Evolving:
    return Evolving(await Relation(connection, plan).make(), [plan])


def at(hour: int) -> Any:
    return START + timedelta(hours=hour)
