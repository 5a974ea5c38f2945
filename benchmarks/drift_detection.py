"""What it costs to observe rows in which nothing drifted: decoding and ingestion, with and without, in the same run.

usage: python -m benchmarks.drift_detection [--rows N] [--rounds N] [--engine-rounds N]

"Without" is the decoder as it was before it observed anything: one counter of absent fields for all columns, and
nothing noted. Both sides take turns, and the best round of each is compared; above 1.03 is more than is allowed.
The rows are those of `benchmarks/ingest_engine.py` (ten columns), and the same with half of the columns left out.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import repeat
from operator import truediv
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg
import msgspec
import uvloop

from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.headers import HeaderObservations
from app.ingestion.decoding.inflate import Coding
from app.ingestion.rows.object_types import ObjectType
from app.ingestion.rows.observations import ChunkObservations, Observations
from app.ingestion.rows.row_model import RowModel
from app.kernel.embedded import EmbeddedServer
from benchmarks.ingest_engine import COLUMNS, PLAN, engine, fresh, write_bodies

PIECE = 1 << 16
"""Bytes that a server hands over at once."""

SIDES = ("with", "without")
LEFT_OUT = ("customer", "amount", "active", "country", "score")
"""Columns that sparse rows lack."""


def _one_counter(self: Any, default: Any, fields: tuple[int, ...]) -> Any:
    """One counter for all fields of the type."""
    if not self._counters:
        self._counters.append(repeat(default, 1 << 62))
        self._counted.append(fields)
    return msgspec.field(default_factory=self._counters[0].__next__)


def _nothing(*_: Any, **__: Any) -> None:
    """Note nothing."""


@contextmanager
def side(name: str) -> Iterator[None]:
    """Decoders that observe, or do not."""
    if name == "with":
        yield
        return
    with (
        patch.object(ObjectType, "_counter", _one_counter),
        patch.object(ObjectType, "absent", lambda *_: {}),
        patch.object(Observations, "add", _nothing),
        patch.object(ChunkObservations, "add_rows", _nothing),
        patch.object(ChunkObservations, "add_row", _nothing),
        patch.object(HeaderObservations, "note", _nothing),
    ):
        yield


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


async def _decode(form: BodyFormat, body: bytes, rows: int) -> float:
    """Seconds of the processor that decoding takes."""
    begin, accepted = time.process_time(), 0
    model = RowModel(PLAN)
    async for chunk in Representation(form, Coding.IDENTITY).chunks(_pieces(body), model):
        accepted += chunk.accepted
    seconds = time.process_time() - begin
    assert accepted == rows
    assert model.observed().rows in {0, rows}
    return seconds


def bodies(folder: Path, rows: int) -> dict[str, tuple[BodyFormat, bytes]]:
    """The bodies by what they are called."""
    ndjson, table = write_bodies(folder, rows, hours=0)
    lines = ndjson.read_bytes()
    sparse = (
        json.dumps({name: value for name, value in json.loads(line).items() if name not in LEFT_OUT})
        for line in lines.splitlines()
    )
    return {
        "NDJSON": (BodyFormat.NDJSON, lines),
        "NDJSON, half absent": (BodyFormat.NDJSON, "\n".join(sparse).encode()),
        "JSON": (BodyFormat.JSON, b"[" + lines.rstrip().replace(b"\n", b",") + b"]"),
        "CSV": (BodyFormat.CSV, ",".join(COLUMNS).encode() + b"\n" + table.read_bytes()),
    }


def report(what: str, rows: int, seconds: dict[str, list[float]]) -> None:
    """Print the ratio of the best rounds, and the median of the rounds' ratios: a busy machine disturbs that less."""
    best = {name: min(found) for name, found in seconds.items()}
    pairs = statistics.median(map(truediv, seconds["with"], seconds["without"]))
    shown = ", ".join(f"{name} {best[name] / rows * 1e6:6.3f} µs/row" for name in SIDES)
    print(f"{what:26} best {best['with'] / best['without']:5.3f}, median of rounds {pairs:5.3f}   {shown}")


def decode_all(folder: Path, rows: int, rounds: int) -> None:
    """Measure the decoder alone, of every body."""
    for what, (form, body) in bodies(folder, rows).items():
        seconds: dict[str, list[float]] = {name: [] for name in SIDES}
        for number in range(rounds):
            for name in SIDES if number % 2 else reversed(SIDES):
                with side(name):
                    seconds[name].append(asyncio.run(_decode(form, body, rows)))
        report(f"decode {what}", rows, seconds)


async def ingest_all(folder: Path, rows: int, rounds: int) -> None:
    """Measure first loads through the engine, on a server of its own."""
    ndjson, _ = write_bodies(folder, rows, hours=0)
    server = EmbeddedServer(folder / "postgres", password="benchmark")  # noqa: S106 - lives for this run
    connection = await asyncpg.connect((await server.astart()).url().replace("+asyncpg", ""))
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    try:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS data; CREATE SCHEMA IF NOT EXISTS staging")
        for number in range(rounds):
            for name in SIDES if number % 2 else reversed(SIDES):
                await fresh(connection)
                await connection.execute("CHECKPOINT")
                begin = time.perf_counter()
                with side(name):
                    await engine(connection, ndjson, 1)
                seconds[name].append(time.perf_counter() - begin)
    finally:
        await connection.close()
        await server.astop()
    report("ingest NDJSON", rows, seconds)


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine-rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as home:
        decode_all(Path(home), options.rows, options.rounds)
        if options.engine_rounds:
            uvloop.run(ingest_all(Path(home), options.rows, options.engine_rounds))


if __name__ == "__main__":
    main()
