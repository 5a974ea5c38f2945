"""Queries that want all the memory there is, against a real `spyne serve`: what others notice, and what is lost.

usage: python -m benchmarks.memory_attacks [--attackers N] [--seconds S]

One process serves; this one asks and ingests, alone at first and then beside attackers. They send statements that the
guard refuses, and others whose memory only data shows, which the kernel's limit ends, one after the other.
Targets: every honest call is answered with 200, its p95 is at most twice what it was alone, and no session of the
database is lost, as all are when PostgreSQL recovers from a crash.

The floor is what as many processes cost that have nothing to do with the service, fill memory, and have the priority of
statements which compute for long: what the processors and their memory share, no scheduler divides.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson

from app.commands.environment import Environment, open_environment
from app.kernel.db import migrations
from app.settings import Settings
from benchmarks import rows
from benchmarks.api import process
from benchmarks.ingest import PORT, Service, owner_and_key
from benchmarks.slow_clients import percentile

RATIO = 2.0
BLOCK = 30_000_000
"""Bytes that a stranger fills at a time, as the attacks do."""
STRANGER = f"""
import os
from app.kernel.db.backend_priority import step_back

step_back(os.getpid())
while True:
    bytearray({BLOCK})
"""
TABLE, ROWS = "memory_attacks", 2_000
LETTERS = "CREATE SCHEMA outside; CREATE TABLE outside.letters AS SELECT n AS id, repeat('a', 1000000) AS body "
LETTERS += "FROM generate_series(1, 700) n; ALTER TABLE outside.letters ADD PRIMARY KEY (id)"
TEXT = "repeat('aaaaaaaaaa', 1000)"
ATTACKS = (
    "SELECT length(string_agg(body, '')) FROM letters",
    "SELECT count(*) FROM (SELECT array_agg(body) AS a FROM letters) s WHERE cardinality(a) > 0",
    f"SELECT length(string_agg({TEXT}, '')) FROM generate_series(1, 100000) AS g(n)",
    "SELECT length(json_agg(body)::text) FROM letters",
    "WITH a AS (SELECT " + TEXT + " AS x), "
    + ", ".join(f"{b} AS (SELECT {'||'.join('x' * 10)} AS x FROM {a})" for a, b in zip("abcdef", "bcdefg", strict=True))
    + " SELECT length(x) FROM g",
    f"SELECT count(*) FROM letters WHERE length(replace(body, 'a', '{'b' * 200}')) > 0",
)  # fmt: skip
Call = Callable[[], Awaitable[None]]


class Caller:
    """Calls of one kind, over a connection of their own."""

    def __init__(self, key: str) -> None:
        headers = {"X-API-Key": key}
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", headers=headers, timeout=120)
        self.statuses: Counter[str] = Counter()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def ask(self, sql: str) -> None:
        """Preview and execute a statement."""
        preview = await self._post("/api/query/preview", json={"sql": sql})
        if preview.status_code == 200:
            await self._post("/api/query/execute", json={"preview_id": preview.json()["preview_id"]})

    async def ingest(self, turn: int) -> None:
        """A batch of rows that are there already, with newer event times."""
        body = b"\n".join(orjson.dumps(row) for row in rows.rows(ROWS, turn))
        await self._post(
            f"/api/ingestion/{TABLE}_v1/batches", content=body, headers={"Content-Type": "application/x-ndjson"}
        )

    async def _post(self, path: str, **request: Any) -> httpx.Response:
        answer = await self._client.post(path, **request)
        code = answer.json().get("code", "") if answer.status_code >= 400 else ""
        self.statuses[f"{answer.status_code} {code}".strip()] += 1
        return answer


async def again(call: Callable[[int], Awaitable[None]], until: float, pause: float = 0.0) -> list[float]:
    """Milliseconds of each call, one after the other until the time is over."""
    took: list[float] = []
    while time.monotonic() < until:
        began = time.monotonic()
        await call(len(took))
        took.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(pause)
    return took


async def honest(key: str, seconds: float, first_turn: int) -> dict[str, tuple[list[float], Counter[str]]]:
    """What honest callers see: milliseconds and statuses, by kind."""
    asking, ingesting, until = Caller(key), Caller(key), time.monotonic() + seconds
    sql = f"SELECT category, count(*) AS n, sum(amount) AS a FROM {TABLE} GROUP BY category ORDER BY 1"
    took = await asyncio.gather(
        again(lambda _: asking.ask(sql), until, 0.05), again(lambda n: ingesting.ingest(first_turn + n), until, 0.05)
    )
    for caller in (asking, ingesting):
        await caller.close()
    return {"query": (took[0], asking.statuses), "ingest": (took[1], ingesting.statuses)}


async def attack(key: str, seconds: float, number: int) -> Counter[str]:
    """The statuses that an attacker was answered."""
    caller = Caller(key)
    until = time.monotonic() + seconds
    await again(lambda n: caller.ask(ATTACKS[(n + number) % len(ATTACKS)]), until)
    await caller.close()
    return caller.statuses


@contextmanager
def strangers(count: int) -> Iterator[None]:
    """Processes that fill memory, with the least claim to a processor."""
    started = [subprocess.Popen([sys.executable, "-c", STRANGER], start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


async def measure(place: Environment, key: str, attackers: int, seconds: float) -> bool:
    """Print what was seen; whether the targets are met."""
    session = await migrations.connect(place.urls.owner)
    alone = await honest(key, seconds, 1)
    with strangers(attackers):
        await asyncio.sleep(1)
        floor = await honest(key, seconds, 5_000)
    others = [asyncio.create_task(attack(key, seconds + 1, number)) for number in range(attackers)]
    await asyncio.sleep(0.5)
    beside = await honest(key, seconds, 10_000)
    statuses: Counter[str] = sum((await asyncio.gather(*others)), Counter())
    print(f"{attackers} attackers for {seconds:g} s were answered {dict(statuses)}; load {os.getloadavg()[0]:.1f}")
    good = await _survived(session)
    for kind, (took, answers) in beside.items():
        before, after = percentile(alone[kind][0], 0.95), percentile(took, 0.95)
        least = percentile(floor[kind][0], 0.95)
        print(
            f"{kind}: p95 {before:.1f} ms alone ({len(alone[kind][0])} calls), {after:.1f} ms beside them "
            f"({len(took)}), ratio {after / before:.2f} (target <= {RATIO}), {after / least:.2f} of the floor "
            f"{least:.1f} ms; {dict(answers)}"
        )
        good = good and after <= RATIO * before and all(status.startswith("20") for status in answers)
    return good


async def _survived(session: asyncpg.Connection) -> bool:
    """Whether a session from before the attacks is still there."""
    try:
        answered = bool(await session.fetchval("SELECT true"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        answered = False
    print(f"sessions of the database: {'all kept' if answered else 'LOST: PostgreSQL has recovered from a crash'}")
    await session.close()
    return answered


async def letters(place: Environment) -> None:
    """A table whose values only data shows."""
    connection = await migrations.connect(place.urls.owner)
    await connection.execute(LETTERS)
    await connection.close()


def main() -> None:
    """Print the figures; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attackers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as name:
        folder = Path(name)
        with open_environment(Settings(home=folder)) as place:
            place.migrate()
            asyncio.run(letters(place))
            key = asyncio.run(owner_and_key(place))
            service = Service(key)
            environment = {"DATABASE_URL": place.urls.owner, "SPYNE_HOME": name, "SERVER_PORT": str(PORT)}
            with process(["app.cli", "serve"], environment, PORT, "/health/live"):
                service.call("PUT", "/system/mode", {"mode": "INGESTION_READY"})
                service.call("POST", "/api/tables/adopt", {"relations": ["outside.letters"]})
                service.prepare(TABLE)
                service.load(TABLE, rows.write(folder, ROWS, 0)[0], "inserted")
                change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a benchmark"}
                service.call("POST", f"/api/tables/{TABLE}/promote", change)
                good = asyncio.run(measure(place, key, options.attackers, options.seconds))
    print(json.dumps({"good": good}))
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
