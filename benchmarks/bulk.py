"""Many rows through a repository, against bare COPY of the same rows in the same run.

    python -m benchmarks.bulk
    python -m benchmarks.bulk --rows 10000

An embedded PostgreSQL; rows of six columns (id, number, text, time, double, JSON). The floor is `copy_records_to_table`
of asyncpg with tuples that are made already, in a transaction of its own. Rounds take turns, the best of each counts.

Target: 100,000 rows in at most twice the time of the floor (ratio 0.5).
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Column, DateTime, Float, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from app.commands.environment import Environment, open_environment
from app.kernel.clock import utc_now
from app.kernel.db.bulk import add_rows, change_rows, put_rows
from app.kernel.db.database import Database
from app.kernel.ids import new_id
from app.settings import DatabaseSettings, Settings

ROUNDS = 5
THINGS = Table(
    "bulk_things",
    MetaData(schema="data"),
    Column("id", Uuid, primary_key=True),
    Column("place", Integer),
    Column("name", Text),
    Column("at", DateTime(timezone=True)),
    Column("score", Float),
    Column("facts", JSONB),
)
MADE = """
DROP TABLE IF EXISTS data.bulk_things;
CREATE TABLE data.bulk_things (id uuid PRIMARY KEY, place int, name text, at timestamptz, score double precision,
    facts jsonb);
GRANT ALL ON data.bulk_things TO spyne_app"""


def _as_jsonb(value: object) -> bytes:
    return b"\x01" + json.dumps(value).encode()  # the version of the binary form, and the text


async def timed(owner: asyncpg.Connection, work: Callable[[], Awaitable[object]], *, fresh: bool = True) -> float:
    """Seconds of the work, on an empty relation where it is to be fresh."""
    if fresh:
        await owner.execute("TRUNCATE data.bulk_things")
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def measure(here: Environment, number: int) -> None:
    """Print the figures."""
    owner = await asyncpg.connect(here.urls.owner.replace("+asyncpg", ""))
    await owner.execute(MADE)
    await owner.set_type_codec("jsonb", encoder=_as_jsonb, decoder=bytes, schema="pg_catalog", format="binary")
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "place": n, "name": f"thing {n}", "at": utc_now(), "score": n / 7, "facts": {"n": n, "a": [n]}}
        for n in range(number)
    ]
    records = [tuple(row.values()) for row in rows]
    database = Database(here.urls.app, DatabaseSettings())

    async def floor() -> None:
        async with owner.transaction():
            columns = list(rows[0])
            await owner.copy_records_to_table("bulk_things", schema_name="data", columns=columns, records=records)

    def through(work: Callable[..., Awaitable[int]]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            async with database.write() as session:
                await work(session, THINGS, rows)

        return run

    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, work, fresh in (
            ("COPY (floor)", floor, True),
            ("made", through(add_rows), True),
            ("changed", through(change_rows), False),
            ("put over themselves", through(put_rows), False),
        ):
            best[name] = min(best.get(name, 1e9), await timed(owner, work, fresh=fresh))
    for name, seconds in best.items():
        print(f"{name:<22}{number / seconds:>12,.0f} rows/s   ratio {best['COPY (floor)'] / seconds:.2f}")
    await database.dispose()
    await owner.close()


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    number = options.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="spyne-bulk-") as home, open_environment(Settings(home=Path(home))) as here:
        here.migrate()
        asyncio.run(measure(here, number))


if __name__ == "__main__":
    main()
