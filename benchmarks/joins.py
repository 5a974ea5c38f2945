"""How right the suggested joins are, and how long it takes to find them.

    python -m benchmarks.joins accuracy --data <shared>/data/joins --tpch-generator tpchgen-cli
    python -m benchmarks.joins large --rows 10000000
    python -m benchmarks.joins tpch --tpch-generator tpchgen-cli --scale 1
    python -m benchmarks.joins many --tables 200 --columns 20

Every part fills an embedded PostgreSQL, adopts or registers the tables, and lets a refresh look at them as a worker
would. `accuracy` holds the candidates of a score of at least 0.5 against the foreign keys of four databases without
keys; `large` compares a look at a governed table with a look after a batch of 10,000 rows; `tpch` does both over eight
tables; `many` looks at tables of which most join nothing. A generator of TPC-H is on PyPI (`pip install tpchgen-cli`).

Targets: precision 0.95, recall 0.93, no database below 0.85; 10,000,000 rows of 16 columns within 60 s; TPC-H of scale
1 within 120 s; 200 tables of 20 columns within 60 s; 5 % after a batch; 300 MiB.
"""

import argparse
import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import uvloop

from app.catalog.adoption.patterns import parse_pattern
from app.catalog.adoption.service import AdoptionService
from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE
from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.judging import Acceptance, JoinJudging
from app.catalog.joins.refreshing import JoinRefresh, Refreshed
from app.catalog.joins.repository import CandidateFilter, JoinReads
from app.catalog.tables.lifecycle import TableState
from app.commands.environment import open_environment
from app.kernel.db import migrations
from app.kernel.paging import PageRequest
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.settings import Settings
from benchmarks.join_data import DATABASES, Database, Send, generated, governed_copy, wide

MIN_SCORE = DEFAULT_MIN_SCORE
MIB = 1024
ENDINGS = ("id", "code", "no")


@asynccontextmanager
async def service() -> AsyncIterator[tuple[Resources, asyncpg.Connection]]:
    """The resources of a process on a fresh database, and a connection of its owner."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spyne-bench-"))
        # A thread has no event loop of its own: the environment runs one while it opens.
        place = await asyncio.to_thread(stack.enter_context, open_environment(Settings(home=Path(folder))))
        await asyncio.to_thread(place.migrate)
        owner = await migrations.connect(place.urls.owner)
        async with place.resources() as resources:
            yield resources, owner
        await owner.close()
        await asyncio.to_thread(stack.pop_all().close)


async def adopt(resources: Resources, schema: str) -> None:
    """Adopt every relation of a schema."""
    async with resources.database.write() as session:
        adoption = AdoptionService(session)
        await adoption.adopt([parse_pattern(f"{schema}.*")], {}, None, SYSTEM, dry_run=False)


async def unheard(_done: int, _total: int) -> None:
    """Takes note of nothing."""


async def refreshed(resources: Resources, depth: Depth) -> tuple[Refreshed, float]:
    """What a look came to, and the seconds that it took."""
    begun = time.perf_counter()
    found = await resources.build(JoinRefresh).refresh(unheard, depth)
    return found, time.perf_counter() - begun


def peak() -> float:
    """The most memory that this process has held since `forget_peak`, in MiB (proc(5): VmHWM)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / MIB


def forget_peak() -> None:
    """Let the peak be what the process holds now (proc(5): 5 in clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


Pair = tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]]


async def suggested(resources: Resources) -> dict[Pair, float]:
    """The candidates by both sides, with their scores."""
    async with resources.database.read() as session:
        wanted = CandidateFilter(min_score=MIN_SCORE)
        page = await JoinReads(session).candidates(tuple(TableState), wanted, PageRequest(limit=5_000))
    return {
        ((each.left.table, each.left.columns), (each.right.table, each.right.columns)): each.score
        for each in page.items
    }


_EXACT = """
WITH l AS (SELECT {left}, count(*) AS n FROM {schema}."{lt}" WHERE ({left}) IS NOT NULL GROUP BY {left}),
     r AS (SELECT {right}, count(*) AS n FROM {schema}."{rt}" WHERE ({right}) IS NOT NULL GROUP BY {right}),
     m AS (SELECT l.n AS ln, r.n AS rn FROM l JOIN r ON ({lk}) = ({rk}))
SELECT (SELECT coalesce(sum(n), 0) FROM l) - (SELECT coalesce(sum(ln), 0) FROM m) AS orphans,
       (SELECT avg(ln)::float8 FROM m) AS mean, (SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY ln) FROM m) AS p99,
       (SELECT max(ln) FROM m) AS most, (SELECT max(rn) FROM m) AS rights,
       (SELECT max(n) FROM l) = 1 AS left_unique, (SELECT max(n) FROM r) = 1 AS right_unique
"""


def _listed(columns: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in columns)


async def accepted_differs(resources: Resources, owner: asyncpg.Connection, schema: str) -> list[str]:
    """What of accepted joins differs from another statement about the same tables; all candidates are accepted."""
    async with resources.database.read() as session:
        page = await JoinReads(session).candidates(tuple(TableState), CandidateFilter(), PageRequest(limit=5_000))
    different = []
    for each in page.items:
        wanted = Acceptance(each.id, "To compare the numbers.", "To compare the numbers.")
        measure = (await resources.build(JoinJudging).accept(wanted, None, SYSTEM)).measure
        sql = _EXACT.format(
            schema=schema,
            lt=each.left.table,
            rt=each.right.table,
            left=_listed(each.left.columns),
            right=_listed(each.right.columns),
            lk=_listed(each.left.columns, "l."),
            rk=_listed(each.right.columns, "r."),
        )
        (row,) = await owner.fetch(sql)
        rows = measure.fan_out
        found = (
            measure.left_orphans,
            rows and round(rows.mean, 9),
            rows and rows.p99,
            rows and rows.max,
            measure.multiplication and measure.multiplication.max,
            measure.left_unique,
            measure.right_unique,
        )
        other = tuple(round(value, 9) if isinstance(value, float) else value for value in row.values())
        if found != other:
            different.append(f"{each.id}: {found}, and {other} otherwise")
    print(f"    {len(page.items)} candidates accepted, measures that differ from other SQL: {len(different)}")
    return different


async def one(database: Database) -> tuple[int, int, int, int]:
    """Suggested, right of these, to be found, found of these; in one database."""
    async with service() as (resources, owner):
        await database.load(owner)
        await adopt(resources, database.name)
        await refreshed(resources, Depth.ALL)
        found = await suggested(resources)
        different = await accepted_differs(resources, owner, database.name)
    right = [pair for pair in found if database.is_true(pair)]
    wrong = [f"{pair} ({score:.2f})" for pair, score in found.items() if not database.is_true(pair)]
    missed = [str(pair) for pair in database.wanted if pair not in found]
    met = len(database.wanted) - len(missed)
    print(
        f"{database.name:<12} precision {_share(len(right), len(found)):.3f} ({len(right)}/{len(found)})  "
        f"recall {_share(met, len(database.wanted)):.3f} ({met}/{len(database.wanted)})"
    )
    for kind, pairs in (("wrong", wrong), ("missed", missed), ("measured otherwise", different)):
        for pair in pairs:
            print(f"    {kind}: {pair}")
    return len(found), len(right), len(database.wanted), met


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


async def accuracy(options: argparse.Namespace) -> None:
    """Print precision and recall of each database, and pooled."""
    totals = [await one(database) async for database in DATABASES(options)]
    found, right, wanted, met = (sum(column) for column in zip(*totals, strict=True))
    print(f"{'pooled':<12} precision {_share(right, found):.3f}  recall {_share(met, wanted):.3f}")


async def large(options: argparse.Namespace) -> None:
    """Print how long a look at a wide table takes, and a look after a batch."""
    async with service() as (resources, owner):
        batch = await wide(resources, owner, options.rows)
        await _both(resources, batch, f"{options.rows:,} rows x 16 columns, governed")


async def tpch(options: argparse.Namespace) -> None:
    """Print how long a look at TPC-H takes, and a look after a batch."""
    with tempfile.TemporaryDirectory(prefix="spyne-tpch-") as folder:
        generated(options.tpch_generator, options.scale, Path(folder))
        async with service() as (resources, owner):
            batch = await governed_copy(resources, owner, Path(folder))
            await _both(resources, batch, f"TPC-H at scale {options.scale:g}, governed")


async def _both(resources: Resources, batch: Send, what: str) -> None:
    forget_peak()
    found, first = await refreshed(resources, Depth.ALL)
    print(f"{what}: first look {first:.1f} s, {found.candidates} candidates; peak of the process {peak():.0f} MiB")
    _, again = await refreshed(resources, Depth.ALL)
    print(f"    look at all when nothing has changed {again:.2f} s")
    await batch()
    changed = 0
    while not changed:  # PostgreSQL counts what was written with a delay of some seconds
        await asyncio.sleep(0.5)
        found, after = await refreshed(resources, Depth.TOUCHED)
        changed = found.changed
    print(f"    look after a batch of 10,000 rows {after:.2f} s = {after / first:.1%} ({found.changed} table changed)")


async def many(options: argparse.Namespace) -> None:
    """Print how long a look at many tables takes."""
    async with service() as (resources, owner):
        await owner.execute("CREATE SCHEMA crowd")
        for number in range(options.tables):
            columns = ", ".join(
                f"({1 + number % 7} * g + {place}) % {10 ** (1 + place % 5)} AS c{place}_{ENDINGS[place % 3]}"
                for place in range(1, options.columns)
            )
            await owner.execute(
                f"CREATE TABLE crowd.t{number} AS SELECT g AS t{number}_id, {columns} FROM generate_series(1, 5000) g"
            )
        await adopt(resources, "crowd")
        forget_peak()
        found, seconds = await refreshed(resources, Depth.ALL)
        print(
            f"{options.tables} tables x {options.columns} columns: {seconds:.1f} s, {found.candidates} candidates; "
            f"peak of the process {peak():.0f} MiB"
        )


def main() -> None:
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    for run in (accuracy, large, tpch, many):
        part = parts.add_parser(run.__name__)
        part.set_defaults(run=run)
        part.add_argument("--data", type=Path, help="folder with chinook and northwind")
        part.add_argument("--tpch-generator", default="tpchgen-cli")
        part.add_argument("--scale", type=float, default=0.01 if run is accuracy else 1.0)
        part.add_argument("--rows", type=int, default=10_000_000)
        part.add_argument("--tables", type=int, default=200)
        part.add_argument("--columns", type=int, default=20)
    options = parser.parse_args()
    try:
        uvloop.run(options.run(options))
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        parser.exit(2, f"The data is not there: {error}\n")


if __name__ == "__main__":
    main()
