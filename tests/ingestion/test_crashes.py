"""Kills at any moment: acknowledged rows are there once, unacknowledged batches entirely or not at all.

`SPYNE_TEST_CRASHES=60 python -m pytest -n0 -s tests/ingestion/test_crashes.py` kills more often than the suite does.
"""

import asyncio
import itertools
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from app.kernel.embedded import postmaster
from tests.ingestion.crash_place import KILLS, Place, opened
from tests.ingestion.steps import ndjson
from tests.service_processes import ApiProcess, ServiceProcess, api_process, eventually, worker_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 30 * KILLS)]

PER_BATCH = 5
SENDERS = 4


@dataclass
class Senders:
    """Clients that send batch after batch, each until it is acknowledged.

    A try after a lost answer carries new event times, as a device stamps what it sends: only the key can show that it
    is the same batch. Every second batch is repeated as it was, and its stored report must come back.
    """

    place: Place
    url: str
    keyed: bool
    prefer: str = ""
    most: int = 1_000_000
    """Batches to send at most."""
    acknowledged: set[int] = field(default_factory=set)
    tries: Counter[int] = field(default_factory=Counter)
    """How often each batch was sent."""
    statuses: Counter[str] = field(default_factory=Counter)
    enough: bool = False
    _next: Iterator[int] = field(default_factory=itertools.count)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send())

    async def _send(self) -> None:
        async with self.place.client(self.url) as client:
            while not self.enough:
                number = next(self._next)
                if number >= self.most:
                    return
                for attempt in itertools.count():
                    self.tries[number] += 1
                    if await self._acknowledged(client, number, attempt):
                        self.acknowledged.add(number)
                        break
                    await asyncio.sleep(0.05)

    async def _acknowledged(self, client: httpx.AsyncClient, number: int, attempt: int) -> bool:
        hour = 0 if self.keyed and number % 2 else 24 * attempt
        rows = [(number * PER_BATCH + n, hour, number) for n in range(PER_BATCH)]
        headers = {"Content-Type": "application/x-ndjson"}
        headers |= {"Idempotency-Key": f"batch-{number}"} if self.keyed else {}
        headers |= {"Prefer": self.prefer} if self.prefer else {}
        try:
            answer = await client.post("/api/ingestion/events_v1/batches", content=ndjson(rows), headers=headers)
        except httpx.TransportError as error:
            self.statuses[type(error).__name__] += 1
            return False
        code = answer.json().get("code", "") if answer.is_error else ""
        self.statuses[f"{answer.status_code} {code}".strip()] += 1
        if answer.status_code in {409, 503}:
            return False
        assert answer.is_success or (self.keyed and code == "idempotency-key-reused"), answer.text
        return True


@dataclass(frozen=True)
class Tally:
    """What became of the acknowledged rows."""

    acknowledged: int
    lost: int
    doubled: int
    torn: int
    """Batches of which a part is there."""


async def tally(place: Place, senders: Senders) -> Tally:
    found = {row[0]: row[1] for row in await place.fetch("SELECT id, count(*) FROM data.events__v1 GROUP BY id")}
    wanted = [number * PER_BATCH + n for number in senders.acknowledged for n in range(PER_BATCH)]
    whole = Counter(id_ // PER_BATCH for id_ in found)
    return Tally(
        acknowledged=len(wanted),
        lost=sum(1 for id_ in wanted if id_ not in found),
        doubled=sum(count - 1 for count in found.values()),
        torn=sum(1 for rows in whole.values() if rows != PER_BATCH),
    )


async def under_kills(place: Place, *, keyed: bool, kills: int) -> Tally:
    """The API killed again and again while batches come in; every second time between a commit and the news of it."""
    chance = random.Random(7)
    async with api_process(place.surroundings) as api:
        await opened(place, api)
        senders = Senders(place, api.url, keyed)
        sending = asyncio.create_task(senders.run())
        for number in range(kills):
            least = len(senders.acknowledged) + chance.randrange(1, 12 if number % 2 else 5)
            await eventually(lambda least=least: _reached(senders, sending, least))  # type: ignore[misc]
            if number % 2 == 0:
                await _kill_before_the_news(place, api, senders)
            else:
                await asyncio.sleep(chance.uniform(0, 0.25))
                await api.kill()
            await api.start()
        senders.enough = True
        await sending
    figures = await tally(place, senders)
    print(f"keyed={keyed} kills={kills} {figures} {dict(senders.statuses)}")
    return figures


def _tried_again(senders: Senders, batches: set[int], tries: Counter[int]) -> bool:
    """Whether each of the batches was acknowledged or sent once more than so often."""
    return all(number in senders.acknowledged or senders.tries[number] > tries[number] for number in batches)


async def _kill_before_the_news(place: Place, api: ApiProcess, senders: Senders) -> None:
    """Kill the API when rows are committed of which their sender does not know."""

    async def unheard_of() -> set[int]:
        rows = await place.fetch("SELECT DISTINCT id / $1 FROM data.events__v1", PER_BATCH)
        return {row[0] for row in rows} - senders.acknowledged

    place.door.delay = 1.0
    while True:
        await eventually(unheard_of, 60)
        await api.kill()
        committed = await unheard_of()
        await eventually(partial(_tried_again, senders, committed, senders.tries.copy()))
        if committed - senders.acknowledged:  # the news was not under way to the sender already
            break
        await api.start()
    place.door.delay = 0.0


async def _reached(senders: Senders, sending: "asyncio.Task[None]", least: int) -> bool:
    assert not sending.done(), sending
    return len(senders.acknowledged) >= least


async def test_no_acknowledged_row_is_lost_or_doubled_when_the_api_is_killed(place: Place) -> None:
    figures = await under_kills(place, keyed=True, kills=KILLS)
    assert figures.acknowledged >= KILLS * PER_BATCH
    assert (figures.lost, figures.doubled, figures.torn) == (0, 0, 0)
    batches = await place.fetch(
        "SELECT counts::text AS counts, raw_key FROM spyne.ingestion_history WHERE status = 'completed'"
    )
    assert len(batches) * PER_BATCH == figures.acknowledged
    assert all(json.loads(row["counts"])["inserted"] == PER_BATCH for row in batches)
    kept = place.surroundings.home / "objects"
    assert all((kept / row["raw_key"]).is_file() for row in batches), "every batch has its raw body"


async def test_without_keys_the_same_senders_double_rows(place: Place) -> None:
    figures = await under_kills(place, keyed=False, kills=KILLS)
    assert (figures.lost, figures.torn) == (0, 0)
    assert figures.doubled >= PER_BATCH * ((KILLS + 1) // 2), "else the test above could not fail"


@asynccontextmanager
async def sending(place: Place, api: ApiProcess, **how: Any) -> AsyncIterator[Senders]:
    """Senders with keys at work while the block runs; acknowledged to the last batch when it ends."""
    senders = Senders(place, api.url, keyed=True, **how)
    task = asyncio.create_task(senders.run())
    try:
        yield senders
    finally:
        senders.enough = True
        await asyncio.wait_for(task, 60)


async def test_nothing_is_lost_or_doubled_when_postgresql_is_killed(place: Place) -> None:
    async with api_process(place.surroundings) as api:
        await opened(place, api)
        async with sending(place, api) as senders:
            for number in range(3):
                least = len(senders.acknowledged) + 5

                async def further(least: int = least) -> bool:
                    return len(senders.acknowledged) >= least

                await eventually(further, 60)
                if number == 0:  # one backend: the postmaster ends all of them and recovers by itself
                    backends = await place.fetch(
                        "SELECT pid FROM pg_stat_activity WHERE usename = 'spyne_app' AND datname = current_database()"
                    )
                    os.kill(backends[0]["pid"], signal.SIGKILL)
                else:
                    running = postmaster.running(place.surroundings.home / "postgres")
                    assert running is not None
                    os.kill(running.pid, signal.SIGKILL)
                    await place.start_postgres()
            least = len(senders.acknowledged) + 5
            await eventually(further, 60)
        assert api.running
    figures = await tally(place, senders)
    print(figures, dict(senders.statuses))
    assert (figures.lost, figures.doubled, figures.torn) == (0, 0, 0)


async def test_postgresql_starts_again_after_a_batch_was_rolled_back(place: Place) -> None:
    """Relations that a lost transaction had made must not be in the way of recovery."""
    async with api_process(place.surroundings) as api:
        await opened(place, api)
        async with place.client(api.url) as client:
            for number in range(2):
                body = ndjson([(number, 0, 1)])
                url, headers = "/api/ingestion/events_v1/batches", {"Content-Type": "application/x-ndjson"}
                tried = await client.post(url, params={"dry_run": True}, content=body, headers=headers)
                assert tried.status_code == 200, tried.text
                assert (await client.post(url, content=body, headers=headers)).status_code == 201  # flushes the log
                assert (await client.post(url, params={"dry_run": True}, content=body, headers=headers)).is_success
                running = postmaster.running(place.surroundings.home / "postgres")
                assert running is not None
                os.kill(running.pid, signal.SIGKILL)
                await place.start_postgres()
    assert [tuple(row) for row in await place.fetch("SELECT id FROM data.events__v1 ORDER BY id")] == [(0,), (1,)]


async def test_nothing_is_lost_or_doubled_when_workers_are_killed(place: Place) -> None:
    chance = random.Random(11)
    async with api_process(place.surroundings) as api:
        await opened(place, api)

        async def counted(status: str) -> int:
            return int(
                (await place.fetch("SELECT count(*) FROM spyne.ingestion_history WHERE status = $1", status))[0][0]
            )

        kills = max(2, KILLS // 2)
        async with sending(place, api, prefer="respond-async", most=12 * kills) as senders:
            for number in range(kills):
                place.door.delay = 0.2 if number % 2 else 0.0
                async with worker_process(place.surroundings) as worker:
                    await _merging(worker, counted, chance)
        place.door.delay = 0.0
        async with worker_process(place.surroundings):

            async def none_waits() -> bool:
                return await counted("pending") == 0

            await eventually(none_waits, 120)
    figures = await tally(place, senders)
    print(figures, dict(senders.statuses))
    assert (figures.lost, figures.doubled, figures.torn) == (0, 0, 0)
    sums = await place.fetch("SELECT counts::text AS counts FROM spyne.ingestion_history")
    assert {json.loads(row["counts"])["inserted"] for row in sums} == {PER_BATCH}, "each was merged once"


async def _merging(worker: ServiceProcess, counted: Any, chance: random.Random) -> None:
    """Let the worker merge some batches, then kill it at some moment."""
    least = await counted("completed") + 2

    async def some() -> bool:
        assert worker.running
        return bool(await counted("completed") >= least)

    await eventually(some, 30, 0.02)
    await asyncio.sleep(chance.uniform(0, 0.1))
    await worker.kill()
