"""How long readers wait while a relation is changed in place, against the same readers without a change.

    python -m benchmarks.evolution --rows 5000000

Several connections read single rows of a table of `--rows` rows, one row after another; a further one runs a query that
goes on for `--long-query` seconds. Meanwhile the table gets a column, a longer text and a more precise number, each in
a transaction of its own by `with_retries`; while the long query runs no change comes through, and none may hold up the
others. Printed for each change: how long it took, and the longest wait of a reader. Then what a change is answered that
would write all rows anew; and how long readers wait for such a change of the largest table for which it is made.

Target: no reader waits longer than a second.
"""

import argparse
import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import uvloop

from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.warehouse import ddl
from app.warehouse.evolution import NeedsNewVersion, apply, undo, with_retries
from app.warehouse.evolution.size import MOST_ROWS
from app.warehouse.layout import content_hash
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import parse_type

TARGET_SECONDS = 1.0
READERS = 4
BASE_SECONDS = 5.0
"""Without a change: as long as the readers are watched to know what waits there are anyway."""

TYPES = {
    "id": "bigint",
    "at": "timestamptz",
    "name": "varchar(40)",
    "amount": "numeric(12,2)",
    "quantity": "integer",
    "got": "timestamptz",
}
CHANGES = {
    "a column is added": ("note", "text"),
    "varchar(40) becomes text": ("name", "text"),
    "numeric(12,2) becomes numeric(18,2)": ("amount", "numeric(18,2)"),
}
REWRITING = ("quantity", "bigint")


def plan_of(table: str) -> RelationPlan:
    """The plan of a table before any change."""
    columns = tuple(Column(name, parse_type(text)) for name, text in TYPES.items())
    relation = governed_relation(table, 1)
    window = timedelta(hours=24)
    return RelationPlan(relation, columns, ("id",), "at", "got", Mode.UPSERT, Resolution.LATEST_WINS, window)


def changed(plan: RelationPlan, name: str, type_: str) -> RelationPlan:
    """The plan with another type of a column, or with a further one."""
    column = Column(name, parse_type(type_))
    others = [column if each.name == name else each for each in plan.columns]
    return replace(plan, columns=tuple(others if name in TYPES else [*others, column]))


async def fill(connection: asyncpg.Connection, plan: RelationPlan, rows: int) -> None:
    """Make the table with its rows, a tenth of them as before-images too."""
    for statement in ddl.create_relation(plan):
        await connection.execute(statement)
    names = ", ".join(f'"{name}"' for name in TYPES)
    made = (
        f"SELECT g::bigint, timestamptz '2026-01-01Z' + g * interval '1 second', 'Customer number ' || g, "
        f"(g % 100000)::numeric / 100, g % 1000, timestamptz '2026-06-01Z' FROM generate_series(1, {rows}) g"
    )
    hashed = f"SELECT {names}, {content_hash(plan)}, 1 FROM ({made}) v({names})"
    await connection.execute(f"INSERT INTO {plan.relation.sql} ({names}, _spyne_hash, _spyne_batch) {hashed}")
    await connection.execute(
        f"INSERT INTO {plan.before.sql} SELECT 1, 'U', * FROM {plan.relation.sql} WHERE id <= {rows // 10}"
    )
    for statement in ddl.create_identity(plan):
        await connection.execute(statement)
    await connection.execute(f"ANALYZE {plan.relation.sql}")
    await connection.execute("CHECKPOINT")


@dataclass
class Readers:
    """Connections that read single rows one after another, and how long each read took."""

    server: ServerAddress
    rows: int
    waits: list[tuple[float, float]] = field(default_factory=list)
    """(begin, seconds)"""

    async def read(self, relation: str, number: int) -> None:
        """Read until cancelled."""
        dice = random.Random(number)  # noqa: S311 - made-up keys
        connection = await asyncpg.connect(**self.server.connect_kwargs())
        while True:
            begun = time.monotonic()
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                found = await connection.fetch(f"SELECT id FROM {relation} WHERE id = {dice.randint(1, self.rows)}")
            if len(found) != 1:
                raise RuntimeError(f"{len(found)} rows of a key")
            self.waits.append((begun, time.monotonic() - begun))

    def longest_since(self, begun: float) -> float:
        """The longest read that ended after the moment."""
        return max(seconds for at, seconds in self.waits if at + seconds >= begun)


@asynccontextmanager
async def reading(server: ServerAddress, relation: str, rows: int) -> AsyncIterator[Readers]:
    """Readers at work."""
    readers = Readers(server, rows)
    tasks = [asyncio.create_task(readers.read(relation, number)) for number in range(READERS)]
    try:
        yield readers
    finally:
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@dataclass
class Bench:
    """A table, and a connection that changes it."""

    server: ServerAddress
    connection: asyncpg.Connection
    plan: RelationPlan
    tries: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction; counted."""
        self.tries += 1
        async with self.connection.transaction():
            yield self.connection

    async def change(self, after: RelationPlan) -> None:
        """Change the table."""
        self.tries = 0
        await with_retries(self.transaction, lambda each: apply(each, self.plan, after, published=False))
        self.plan = after

    async def back(self, before: RelationPlan) -> None:
        """Take the change back."""
        self.tries = 0
        await with_retries(self.transaction, lambda each: undo(each, before, self.plan))
        self.plan = before

    async def long_query(self, seconds: float, started: asyncio.Event) -> None:
        """Hold the lock of a query that goes on for so long."""
        connection = await asyncpg.connect(**self.server.connect_kwargs())
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.fetch(f"SELECT id FROM {self.plan.relation.sql} LIMIT 1")
            started.set()
            await connection.fetch(f"SELECT pg_sleep({seconds})")
        await connection.close()


async def in_place(bench: Bench, rows: int, long_query: float) -> float:
    """Print the changes without a rewrite; the longest wait of a reader."""
    waits = []
    async with reading(bench.server, bench.plan.relation.sql, rows) as readers:
        begun = time.monotonic()
        await asyncio.sleep(BASE_SECONDS)
        print(f"no change: {readers.longest_since(begun):.3f} s the longest wait of {len(readers.waits):,} reads")
        for what, (name, type_) in CHANGES.items():
            for behind in (False, True):
                started, query = asyncio.Event(), None
                if behind:
                    await bench.back(without(bench.plan, name) if name not in TYPES else bench.plan)
                    query = asyncio.create_task(bench.long_query(long_query, started))
                    await started.wait()
                after = changed(bench.plan, name, type_)
                if behind and after == bench.plan:  # there is no way back without a rewrite: a wider one still
                    after = changed(bench.plan, name, {"text": "varchar"}.get(type_, "numeric"))
                begun = time.monotonic()
                await bench.change(after)
                took, longest = time.monotonic() - begun, readers.longest_since(begun)
                if query is not None:
                    await query
                waits.append(longest)
                place = f"behind a query of {long_query:g} s" if behind else "beside point queries"
                print(f"{what}, {place}: {took:.3f} s, {bench.tries} tries, longest wait {longest:.3f} s", flush=True)
    return max(waits)


def without(plan: RelationPlan, name: str) -> RelationPlan:
    """The plan without a column."""
    return replace(plan, columns=tuple(each for each in plan.columns if each.name != name))


async def rewriting(bench: Bench) -> float:
    """Print what a rewrite costs the readers of the largest table for which it is made; their longest wait."""
    rows = MOST_ROWS * 10 // 11  # with as many before-images as a tenth of them
    bench.plan = plan_of("small")
    await fill(bench.connection, bench.plan, rows)
    waits = []
    async with reading(bench.server, bench.plan.relation.sql, rows) as readers:
        before = bench.plan
        for what, after in (("integer becomes bigint", changed(before, *REWRITING)), ("and integer again", before)):
            begun = time.monotonic()
            await (bench.change(after) if after != before else bench.back(before))
            took, longest = time.monotonic() - begun, readers.longest_since(begun)
            waits.append(longest)
            print(f"{what}, {rows:,} rows: {took:.3f} s, {bench.tries} tries, longest wait {longest:.3f} s", flush=True)
    return max(waits)


async def measure(server: ServerAddress, rows: int, long_query: float) -> bool:
    """Print the figures; whether the target is met."""
    connection = await asyncpg.connect(**server.connect_kwargs())
    await connection.execute("CREATE SCHEMA data")
    bench = Bench(server, connection, plan_of("large"))
    begun = time.monotonic()
    await fill(connection, bench.plan, rows)
    size = await connection.fetchval(f"SELECT pg_size_pretty(pg_table_size('{bench.plan.relation.sql}'))")
    print(f"{rows:,} rows, {size}, made in {time.monotonic() - begun:.1f} s", flush=True)
    longest = await in_place(bench, rows, long_query)
    begun = time.monotonic()
    try:
        await bench.change(changed(bench.plan, *REWRITING))
        print(f"integer becomes bigint: done in {time.monotonic() - begun:.3f} s")
    except NeedsNewVersion as refused:
        print(f"integer becomes bigint: {refused.code} after {time.monotonic() - begun:.3f} s: {refused.detail}")
    longest = max(longest, await rewriting(bench))
    await connection.close()
    print(f"longest wait of a reader: {longest:.3f} s (target <= {TARGET_SECONDS:g})")
    return longest <= TARGET_SECONDS


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--long-query", type=float, default=5.0, help="seconds of the query that a change waits for")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedServer(folder / "postgres", password="owner-of-the-bench") as server:  # noqa: S106 - of this run
            met = uvloop.run(measure(server, wanted.rows, wanted.long_query))
    print("target met" if met else "TARGET MISSED")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
