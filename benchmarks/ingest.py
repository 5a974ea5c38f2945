"""NDJSON over HTTP into an upsert contract, against the floor and against dlt, as ratios of one run on one machine.

usage: python -m benchmarks.ingest [--rows 500000 ...] [--rounds N] [--dlt-rows N]

The floor: CSV `COPY` into an unlogged staging table and one `INSERT … SELECT DISTINCT ON … ON CONFLICT DO UPDATE WHERE`
on the same server, committed. The service does more: HTTP, validation, a verdict for every row, before-images, the raw
body kept, audit and report. Targets: first load at least 0.7 of the floor's speed, full upsert 0.6, ten times dlt, at
most 300 MiB resident in the API process, time linear in rows.
"""

import argparse
import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil
from sqlalchemy.engine import make_url

from app.access.clients.service import ClientService
from app.commands.environment import Environment, open_environment
from app.kernel.db import migrations
from app.kernel.security.authorization import SYSTEM
from app.settings import Settings
from benchmarks import rows
from benchmarks.api import process

PORT = 18_082
BLOCK = 1 << 20
TARGETS = {"first load": 0.7, "upsert": 0.6}
MEMORY_TARGET_MIB = 300
DLT_TARGET = 10


@dataclass
class Seconds:
    """Times of one size, by side and step."""

    floor: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in TARGETS})
    service: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in TARGETS})


class Floor:
    """The least that has to be done."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def prepare(self) -> None:
        """An empty table with its primary key."""
        columns = ", ".join(f"{name} {kind}" for name, kind in rows.COLUMNS)
        await self._connection.execute(
            f"DROP TABLE IF EXISTS public.floor; CREATE TABLE public.floor ({columns}, PRIMARY KEY (id)); CHECKPOINT"
        )

    async def load(self, path: Path) -> float:
        """Seconds of one load."""
        names = [name for name, _ in rows.COLUMNS]
        changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
        columns = ", ".join(f"{name} {kind}" for name, kind in rows.COLUMNS)
        begin = time.perf_counter()
        async with self._connection.transaction():
            await self._connection.execute(f"CREATE UNLOGGED TABLE public.floor_staging ({columns})")
            await self._connection.copy_to_table(
                "floor_staging", schema_name="public", source=path, format="csv", header=True
            )
            await self._connection.execute(
                "INSERT INTO public.floor SELECT DISTINCT ON (id) * FROM public.floor_staging "
                "ORDER BY id, happened_at DESC "
                f"ON CONFLICT (id) DO UPDATE SET {changes} WHERE floor.happened_at < excluded.happened_at"
            )
            await self._connection.execute("DROP TABLE public.floor_staging")
        return time.perf_counter() - begin


@dataclass(frozen=True)
class Service:
    """The service over HTTP."""

    key: str

    def call(self, method: str, path: str, body: Any) -> Any:
        """A JSON call."""
        return self._send(method, path, json.dumps(body).encode(), "application/json")

    def get(self, path: str) -> Any:
        """What is there."""
        return self._send("GET", path, b"", "application/json")

    def prepare(self, table: str, window: str = "24h") -> None:
        """An empty table under an upsert contract; of a table that is there, a further version with another window."""
        semantics = {
            "mode": "upsert",
            "idempotency_key": ["id"],
            "event_time_column": "happened_at",
            "processing_time_column": "ingested_at",
            "dedupe_window": window,
            "conflict_resolution": "latest_wins",
        }
        columns = [{"name": name, "type": kind} for name, kind in rows.COLUMNS]
        contract = {"endpoint": f"/bench/{table}", "table_name": table, "ingestion_semantics": semantics}
        self.call("POST", "/api/contracts/register", contract | {"schema": {"columns": columns}})

    def load(self, table: str, path: Path, expected: str) -> float:
        """Seconds from the first byte to the report."""
        return self.ingest(table, path, expected)[0]

    def ingest(self, table: str, path: Path, expected: str) -> tuple[float, str]:
        """Seconds from the first byte to the report, and the id of the batch."""
        begin = time.perf_counter()
        report = self._send("POST", f"/api/ingestion/{table}_v1/batches", _blocks(path), "application/x-ndjson")
        seconds = time.perf_counter() - begin
        if report["counts"][expected] != report["rows"]:
            raise RuntimeError(f"not every row was {expected}: {report['counts']}")
        return seconds, report["id"]

    def _send(self, method: str, path: str, body: bytes | Iterator[bytes], media_type: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=3600)
        headers = {"Content-Type": media_type, "X-API-Key": self.key}
        connection.request(method, path, body=body, headers=headers, encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


async def owner_and_key(place: Environment) -> str:
    """The API key of an admin."""
    async with place.resources() as resources, resources.database.write() as session:
        clients = resources.build(ClientService, session)
        client = await clients.create(SYSTEM, "benchmark", ["ADMIN"])
        _, key = await clients.issue_key(SYSTEM, client.id)
    return key


async def _measure(place: Environment, service: Service, folder: Path, count: int, rounds: int) -> Seconds:
    files = [rows.write(folder, count, turn) for turn in range(2)]
    seconds = Seconds()
    connection = await migrations.connect(place.urls.owner)
    floor = Floor(connection)
    for turn in range(rounds):
        table = f"bench_{count}_{turn}"
        await floor.prepare()
        service.prepare(table)
        for step, (ndjson, text), expected in zip(TARGETS, files, ("inserted", "updated"), strict=True):
            sides = [("floor", text), ("service", ndjson)]
            for side, path in sides if turn % 2 else sides[::-1]:
                await connection.execute("CHECKPOINT")
                if side == "floor":
                    seconds.floor[step].append(await floor.load(path))
                else:
                    seconds.service[step].append(await asyncio.to_thread(service.load, table, path, expected))
            last = seconds.floor[step][-1], seconds.service[step][-1]
            print(f"  {count:>9,} {step:<10} floor {last[0]:7.2f} s  service {last[1]:7.2f} s")
    await connection.execute("DROP TABLE public.floor")
    await connection.close()
    return seconds


def _dlt(place: Environment, folder: Path, count: int) -> list[float] | None:
    environment = folder.parent / "spyne-bench-dlt"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "dlt[postgres]"], check=True)
    url = make_url(place.urls.owner)
    socket = quote(str(url.query["host"]), safe="")  # libpq takes the folder of a socket as a host, escaped
    dsn = f"postgresql://{url.username}:{url.password}@{socket}:{url.query['port']}/{url.database}"
    files = [str(rows.write(folder, count, turn)[0]) for turn in range(2)]
    child_environment = os.environ | {"PEER_DSN": dsn, "HOME": str(folder)}
    script = Path(__file__).with_name("dlt_peer.py")
    done = subprocess.run(
        [str(python), str(script), *files], env=child_environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"dlt did not run: {done.stderr[-3000:]}")
        return None
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    """Print every ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dlt-rows", type=int, default=500_000, help="0 leaves dlt out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as name:
        folder = Path(name)
        with open_environment(Settings(home=folder)) as place:
            place.migrate()
            service = Service(asyncio.run(owner_and_key(place)))
            environment = {"DATABASE_URL": place.urls.owner, "SPYNE_HOME": name, "SERVER_PORT": str(PORT)}
            with process(["app.cli", "serve"], environment, PORT, "/health/live") as child:
                service.call("PUT", "/system/mode", {"mode": "INGESTION_READY"})
                _report(place, service, folder, options, psutil.Process(child))


def _report(
    place: Environment, service: Service, folder: Path, options: argparse.Namespace, api: psutil.Process
) -> None:
    medians: dict[int, dict[str, float]] = {}
    for count in options.rows:
        seconds = asyncio.run(_measure(place, service, folder, count, options.rounds))
        medians[count] = {step: statistics.median(seconds.service[step]) for step in TARGETS}
        for step, target in TARGETS.items():
            floor = statistics.median(seconds.floor[step])
            ratio = statistics.median(f / s for f, s in zip(seconds.floor[step], seconds.service[step], strict=True))
            told = f"service {medians[count][step]:.2f} s, floor {floor:.2f} s, ratio {ratio:.2f} (target >= {target})"
            print(f"{count:>9,} rows, {step}: {told}")
        print(f"API process: peak resident {peak_mib(api):.0f} MiB (target <= {MEMORY_TARGET_MIB})")
    if len(options.rows) > 1:
        small, large = options.rows[0], options.rows[-1]
        for step in TARGETS:
            growth = medians[large][step] / medians[small][step] / (large / small)
            print(f"{step}: time per row at {large:,} rows is {growth:.2f} of that at {small:,} (1.0 is linear)")
    if options.dlt_rows:
        peer = _dlt(place, folder, options.dlt_rows)
        own = medians.get(options.dlt_rows)
        if peer and own:
            for step, theirs in zip(TARGETS, peer, strict=True):
                times = theirs / own[step]
                print(f"dlt, {options.dlt_rows:,} rows, {step}: {theirs:.1f} s, {times:.0f}x ours (>= {DLT_TARGET})")


def peak_mib(running: psutil.Process) -> float:
    """The most that a process had resident."""
    for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float(running.memory_info().rss) / 2**20


if __name__ == "__main__":
    main()
