"""CSV of a table against a bare `COPY … TO STDOUT`, as a ratio of one run on one machine, and the memory it takes.

usage: python -m benchmarks.exports [--rows 500000 ...] [--rounds N] [--format csv|ndjson|parquet]

The floor: `COPY (SELECT the same columns) TO STDOUT (FORMAT csv)` by the same driver over the same socket, every byte
thrown away. The service does more: no cell is a formula, lines end as RFC 4180 has it, rows are counted, the bytes are
hashed and published in the object storage. Targets: half of the floor's speed; at most 300 MiB resident, whatever the
number of rows.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from pathlib import Path

import asyncpg

from app.kernel.db import migrations
from app.kernel.db.connections import database_urls
from app.kernel.db.query_login import QueryLimits
from app.kernel.embedded import EmbeddedServer
from app.kernel.ports.export_formats import Compression, Format
from app.kernel.ports.exports import Login, Statement
from app.kernel.runtime.resources import Resources
from app.kernel.security.secrets import ServiceSecret
from app.operations.exports.files.writing import FileForm, Output, Progress, write_content
from app.settings import DatabaseSettings, Settings
from app.wiring import open_resources
from benchmarks.rows import COLUMNS

SECRET = ServiceSecret(b"the secret of the benchmark, which is long enough to be taken")
RATIO_TARGET = 0.5
MEMORY_TARGET_MIB = 300
RELATION = "data.bench__v1"
NAMES = ", ".join(name for name, _ in COLUMNS)


async def fill(owner: asyncpg.Connection, rows: int) -> None:
    """The table, with this many rows, all of it in memory or not as PostgreSQL sees fit."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    await owner.execute(f"DROP TABLE IF EXISTS {RELATION}; CREATE TABLE {RELATION} ({columns})")
    await owner.execute(
        f"INSERT INTO {RELATION} SELECT n, timestamptz '2026-01-01' + n * interval '1 s', 'customer ' || n % 100000, "
        "(ARRAY['books', 'garden', 'music', 'tools', 'toys'])[1 + n % 5], n % 100, n / 7.0, (n % 100000) / 100.0, "
        "n % 3 = 0, date '2026-01-01' + (n % 365)::int, CASE WHEN n % 10 = 0 THEN 'a \"quoted\" note, no ' || n "
        f"WHEN n % 4 = 0 THEN NULL ELSE 'note number ' || n END FROM generate_series(1, {rows}) AS n"
    )
    await owner.execute(f"GRANT SELECT ({NAMES}) ON {RELATION} TO spyne_query")
    await owner.execute(f"VACUUM (ANALYZE) {RELATION}")


async def floor(url_of: Resources) -> float:
    """Seconds of the bare COPY."""

    async def nowhere(_: bytes) -> None:
        pass

    from_query = f"SELECT {NAMES} FROM {RELATION}"
    begin = time.perf_counter()
    async with url_of.query_login.transaction(QueryLimits(0)) as connection:
        await connection.copy_from_query(from_query, output=nowhere, format="csv")
    return time.perf_counter() - begin


async def export(resources: Resources, form: Format, number: int) -> tuple[float, int]:
    """Seconds of an export into the storage, and the bytes of the object."""
    statement = Statement(sql=f"SELECT {NAMES} FROM {RELATION}", login=Login.QUERY, decimals={"amount": (12, 2)})
    begin = time.perf_counter()
    async with resources.storage.writer(f"exports/bench/{number}") as writer:
        await write_content(resources, statement, FileForm(form), Output(writer, Compression.NONE), Progress())
    seconds = time.perf_counter() - begin
    await resources.storage.delete(f"exports/bench/{number}")
    return seconds, writer.stored.size


def peak_mib() -> float:
    """Of this process, which holds the export and nothing of the database."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(url: str, home: Path, sizes: list[int], rounds: int, form: Format) -> bool:
    """Print the figures; whether the targets are met."""
    await migrations.prepare(url, DatabaseSettings(), SECRET)
    await asyncio.to_thread(migrations.upgrade, url)
    owner, met = await migrations.connect(url), True
    async with open_resources(Settings(home=home), database_urls(url, DatabaseSettings(), SECRET), SECRET) as resources:
        for rows in sizes:
            await fill(owner, rows)
            await floor(resources)
            before = peak_mib()
            pairs = [(await floor(resources), *(await export(resources, form, number))) for number in range(rounds)]
            ratio = statistics.median(least / seconds for least, seconds, _ in pairs)
            best, size = min(seconds for _, seconds, _ in pairs), pairs[0][2]
            met &= (ratio >= RATIO_TARGET or form is not Format.CSV) and peak_mib() <= MEMORY_TARGET_MIB
            print(
                f"{rows:>9,} rows as {form.value}: {ratio:.2f} of the speed of COPY ({best:.1f} s, "
                f"{rows / best:,.0f} rows/s, {size / best / 2**20:.0f} MiB/s); "
                f"peak {peak_mib():.0f} MiB resident, {peak_mib() - before:+.0f} MiB by the export",
                flush=True,
            )
    await owner.close()
    return met


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--format", type=Format, default=Format.CSV, choices=[Format.CSV, Format.NDJSON, Format.PARQUET]
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        with EmbeddedServer(home / "postgres", password="benchmark") as address:  # noqa: S106 - thrown away
            url = address.url("postgres")
            met = asyncio.run(measure(url, home / "home", arguments.rows, arguments.rounds, arguments.format))
    print("targets met" if met else "TARGETS MISSED")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
