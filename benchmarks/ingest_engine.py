"""The ingest engine without HTTP, against the floor on the same server in the same run.

Floor: CSV COPY into an unlogged staging table and one INSERT … SELECT DISTINCT ON … ON CONFLICT DO UPDATE WHERE.
Engine: NDJSON, validated, with verdicts, content hashes and before-images. A ratio above 1 is faster than the floor.

    python -m benchmarks.ingest_engine --rows 500000 --rounds 3
"""

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import uvloop

from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.rows.row_model import RowModel
from app.kernel.embedded import EmbeddedServer
from app.warehouse import ddl
from app.warehouse.ingest import MergeOutcome, ingest
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.rejections import Rejection
from app.warehouse.types import parse_type

COLUMNS = {
    "api_id": "text",
    "event_id": "text",
    "event_time": "timestamptz",
    "customer": "text",
    "email": "varchar(80)",
    "amount": "numeric(12,2)",
    "quantity": "integer",
    "active": "boolean",
    "country": "text",
    "score": "double precision",
}
PLAN = RelationPlan(
    governed_relation("bench", 1),
    (
        *(Column(name, parse_type(text)) for name, text in COLUMNS.items()),
        Column("ingested_at", parse_type("timestamptz")),
    ),
    ("api_id", "event_id"),
    "event_time",
    "ingested_at",
    Mode.UPSERT,
    Resolution.LATEST_WINS,
    timedelta(hours=24),
)
NETWORK_BYTES = 1 << 16
START = datetime(2026, 1, 1, tzinfo=UTC)


def write_bodies(folder: Path, rows: int, *, hours: int) -> tuple[Path, Path]:
    """The same rows as NDJSON and as CSV, in an order of their own; keys do not depend on `hours`."""
    dice = random.Random(hours)  # noqa: S311 - made-up data
    order = list(range(rows))
    dice.shuffle(order)
    ndjson, table = folder / f"rows-{hours}.ndjson", folder / f"rows-{hours}.csv"
    with ndjson.open("w") as as_json, table.open("w") as as_csv:
        for number in order:
            happened = (START + timedelta(hours=hours, seconds=number)).isoformat().replace("+00:00", "Z")
            key = f"api-{number % 7}", f"evt-{number * 7919 % 1_000_000_007:012d}"
            customer, email = f"Customer number {dice.randrange(10**6)}", f"u{dice.randrange(10**6)}@example.com"
            amount, quantity, active = f"{dice.random() * 10000:.2f}", dice.randrange(1000), dice.random() < 0.5
            country, score = dice.choice(("DE", "FR", "GB", "US")), dice.random()
            as_csv.write(
                f"{key[0]},{key[1]},{happened},{customer},{email},{amount},{quantity},{active},{country},{score}\n"
            )
            as_json.write(
                f'{{"api_id":"{key[0]}","event_id":"{key[1]}","event_time":"{happened}","customer":"{customer}",'
                f'"email":"{email}","amount":{amount},"quantity":{quantity},"active":{json.dumps(active)},'
                f'"country":"{country}","score":{score}}}\n'
            )
    return ndjson, table


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """The file in pieces as a network brings them."""
    with path.open("rb") as file:
        while data := file.read(NETWORK_BYTES):
            yield data


async def floor(connection: asyncpg.Connection, table: Path) -> None:
    """What the engine is held against."""
    names, declared = ", ".join(COLUMNS), ", ".join(f"{name} {text}" for name, text in COLUMNS.items())
    changes = ", ".join(f"{name} = excluded.{name}" for name in list(COLUMNS)[2:])
    async with connection.transaction():
        await connection.execute(f"CREATE UNLOGGED TABLE staging.floor ({declared})")
        await connection.copy_to_table("floor", schema_name="staging", source=pieces(table), format="csv")
        await connection.execute(
            f"INSERT INTO data.floor AS t SELECT DISTINCT ON (api_id, event_id) {names} FROM staging.floor "
            "ORDER BY api_id, event_id, event_time DESC ON CONFLICT (api_id, event_id) DO UPDATE SET "
            f"{changes} WHERE t.event_time < excluded.event_time"
        )
        await connection.execute("DROP TABLE staging.floor")


async def engine(connection: asyncpg.Connection, body: Path, seq: int) -> MergeOutcome:
    """One batch through the engine."""

    async def sink(rejections: Sequence[Rejection]) -> None:
        raise AssertionError(rejections)

    async with connection.transaction():
        chunks = ndjson_chunks(pieces(body), RowModel(PLAN))
        return await ingest(connection, PLAN, chunks, batch_seq=seq, processing_time=datetime.now(UTC), sink=sink)


async def timed(connection: asyncpg.Connection, run: Callable[[], Awaitable[object]]) -> float:
    """Seconds that the run takes, from a quiet server."""
    await connection.execute("CHECKPOINT")
    started = time.perf_counter()
    await run()
    return time.perf_counter() - started


async def fresh(connection: asyncpg.Connection) -> None:
    """Both relations, empty."""
    declared = ", ".join(f"{name} {text}" for name, text in COLUMNS.items())
    for statement in (
        ddl.drop(PLAN.before),
        ddl.drop(PLAN.relation),
        *ddl.create_relation(PLAN),
        "DROP TABLE IF EXISTS data.floor",
        f"CREATE TABLE data.floor ({declared}, PRIMARY KEY (api_id, event_id))",
    ):
        await connection.execute(statement)


async def measure(connection: asyncpg.Connection, folder: Path, rows: int, rounds: int) -> None:
    """Prints seconds and ratios of first load and full upsert: medians of `rounds`, in alternating order."""
    with ProcessPoolExecutor(1) as writer:  # its memory must not count as ours
        first = writer.submit(write_bodies, folder, rows, hours=0).result()
        second = writer.submit(write_bodies, folder, rows, hours=1).result()
    seconds: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        await fresh(connection)
        for seq, (load, (ndjson, table)) in enumerate((("first load", first), ("full upsert", second)), start=1):

            async def through_engine(ndjson: Path = ndjson, seq: int = seq) -> None:
                outcome = await engine(connection, ndjson, seq)
                assert (outcome.counts.inserted, outcome.counts.updated) == ((rows, 0) if seq == 1 else (0, rows))

            async def through_floor(table: Path = table) -> None:
                await floor(connection, table)

            sides: list[tuple[str, Callable[[], Awaitable[object]]]] = [
                ("engine", through_engine),
                ("floor", through_floor),
            ]
            for side, run in sides if number % 2 else reversed(sides):
                seconds.setdefault((load, side), []).append(await timed(connection, run))
    for load in ("first load", "full upsert"):
        ours, theirs = (statistics.median(seconds[load, side]) for side in ("engine", "floor"))
        print(f"{load:12} {rows:>9,} rows: {theirs / ours:4.2f} of the floor, {rows / ours:>9,.0f} rows/s")
        print(f"    seconds: floor {_list(seconds[load, 'floor'])}, engine {_list(seconds[load, 'engine'])}")


def _list(values: list[float]) -> str:
    return "[" + " ".join(f"{value:.2f}" for value in values) + "]"


async def main() -> None:
    """Runs the benchmark on a server of its own, or on `--dsn`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dsn", help="a server to use, where data and staging schemas may be made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as home:
        server = None
        dsn = options.dsn
        if dsn is None:
            server = EmbeddedServer(Path(home) / "postgres", password="benchmark")  # noqa: S106 - lives for this run
            dsn = (await server.astart()).url().replace("+asyncpg", "")
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("CREATE SCHEMA IF NOT EXISTS data; CREATE SCHEMA IF NOT EXISTS staging")
            for rows in options.rows:
                await measure(connection, Path(home), rows, options.rounds)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"peak memory of this process: {peak:.0f} MiB")
        finally:
            await connection.close()
            if server is not None:
                await server.astop()


if __name__ == "__main__":
    uvloop.run(main())
