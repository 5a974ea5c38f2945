"""Workers are killed and stopped at any moment, replies are lost: every message arrives, and doubles have its id.

By default a small run. The whole one:

    SPYNE_TEST_OUTBOX=15000 SPYNE_TEST_OUTBOX_KILLS=200 SPYNE_TEST_OUTBOX_STOPS=50 SPYNE_TEST_OUTBOX_SECONDS=600 \
        python -m pytest -n 0 -s tests/operations/notifications/test_crashes.py
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import asyncpg
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.channels.channel_types import ChannelType
from app.operations.notifications.channels.schemas import NewChannel
from app.operations.notifications.channels.service import ChannelService
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.notifications.outbox.events import MESSAGE
from app.settings import NotifySettings, Settings
from app.wiring import open_resources
from tests.conftest import SECRET
from tests.operations.notifications.receiver import Receiver, receiving
from tests.service_processes import Surroundings
from tests.spawning import spawned
from tests.waiting import eventually

MESSAGES = int(os.environ.get("SPYNE_TEST_OUTBOX", "200"))
KILLS = int(os.environ.get("SPYNE_TEST_OUTBOX_KILLS", "4"))
STOPS = int(os.environ.get("SPYNE_TEST_OUTBOX_STOPS", "1"))
SECONDS = float(os.environ.get("SPYNE_TEST_OUTBOX_SECONDS", "8"))
SMALL = MESSAGES < 2000
LOST = 0.05
WORKERS = 4
TIMEOUT, LEASE = (1.0, 2.0) if SMALL else (6.0, 8.0)
"""Seconds. A busy machine may answer late; that would be a double of its own."""
STOPPED_FOR = LEASE + 1.5
MOST_DOUBLED = 0.2 if SMALL else 0.07
"""Of few messages the few lost replies may be many."""
STEP = 0.5
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 + 3 * SECONDS)]
dice = random.Random(4)


class Nursery:
    """Workers that can be killed and stopped."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.awake: list[int] = []
        self.asleep: set[int] = set()
        self.killed = self.stopped = 0

    async def start(self) -> None:
        log = self._surroundings.logs / "workers.log"
        worker = await spawned("app.cli", "worker", env=self._surroundings.environment(), output=log)
        self.awake.append(worker.pid)

    async def kill_one(self) -> None:
        pid = self.awake.pop(dice.randrange(len(self.awake)))
        os.kill(pid, signal.SIGKILL)
        self.killed += 1
        await self.start()

    async def stop_one(self) -> None:
        pid = self.awake.pop(dice.randrange(len(self.awake)))
        os.kill(pid, signal.SIGSTOP)
        self.stopped += 1
        self.asleep.add(pid)
        await asyncio.sleep(STOPPED_FOR)
        os.kill(pid, signal.SIGCONT)
        self.asleep.discard(pid)
        self.awake.append(pid)

    def end(self) -> None:
        for pid in (*self.awake, *self.asleep):
            os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def nursery(surroundings: Surroundings) -> AsyncIterator[Nursery]:
    made = Nursery(surroundings)
    try:
        for _ in range(WORKERS):
            await made.start()
        yield made
    finally:
        made.end()


async def make_channel(resources: Resources) -> tuple[object, str]:
    async def work(session: WriteSession) -> tuple[object, str]:
        wanted = NewChannel(
            name="receiver", channel_type=ChannelType.WEBHOOK, target="http://127.0.0.1:9/", active=True,
            description="", event_filter=["*"],
        )  # fmt: skip
        row, secret = await resources.build(ChannelService, session).create(SYSTEM, wanted)
        assert secret is not None
        return row.id, secret.text

    return await resources.database.run(work)


async def point_to(resources: Resources, channel_id: object, receiver: Receiver) -> None:
    async def work(session: WriteSession) -> None:
        await resources.build(ChannelService, session).change(SYSTEM, channel_id, {"target": f"{receiver.url}/"}, None)  # type: ignore[arg-type]

    await resources.database.run(work)


async def feed(resources: Resources) -> None:
    """All messages, spread over the time; each step in one transaction, as a change would write them."""
    steps = int(SECONDS / STEP)
    begun = time.monotonic()
    for step in range(steps):
        count = MESSAGES * (step + 1) // steps - MESSAGES * step // steps

        async def work(session: WriteSession, step: int = step, count: int = count) -> None:
            announcements = Announcements(session, resources.extensions.of(EventKinds))
            for number in range(count):
                await announcements.announce(MESSAGE, f"{step}.{number}", payload={"step": step, "number": number})

        await resources.database.run(work)
        await asyncio.sleep(max(0.0, begun + (step + 1) * STEP - time.monotonic()))


async def trouble(workers: Nursery) -> None:
    """Kills and stops in a random order, spread over the time; one worker at a time is stopped."""
    events = ["kill"] * KILLS + ["stop"] * STOPS
    dice.shuffle(events)
    stopped: asyncio.Task[None] | None = None
    for number, event in enumerate(events):
        due = begun_after(number, len(events))
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if event == "kill":
            await workers.kill_one()
        else:
            if stopped is not None:
                await stopped
            stopped = asyncio.create_task(workers.stop_one())
    if stopped is not None:
        await stopped


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


_begun = [0.0]


def begun_after(number: int, count: int) -> float:
    return _begun[0] + SECONDS * (number + dice.random()) / count


async def hasten(owner: asyncpg.Connection) -> None:
    """Move the clock for whoever waits longer than the first pauses: lost twice, they would wait for minutes."""
    while True:
        await owner.execute(
            "UPDATE spyne.notification_outbox SET next_attempt_at = now() "
            "WHERE status = 'failed' AND next_attempt_at > now() + interval '10 seconds'"
        )
        await asyncio.sleep(STEP / 2)


async def test_nothing_is_lost_and_what_is_doubled_has_the_same_id(
    urls: DatabaseUrls, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    notify = NotifySettings(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    settings = Settings(home=tmp_path / "home", notify=notify)
    extra = {
        "NOTIFY_ALLOW_HTTP": "true", "NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8", "NOTIFY_TIMEOUT_SECONDS": str(TIMEOUT),
        "NOTIFY_LEASE_SECONDS": str(LEASE), "NOTIFY_CONCURRENCY": "4", "NOTIFY_POLL_SECONDS": "0.5",
        "DATABASE_POOL_SIZE": "3",
        "DATABASE_READ_POOL_SIZE": "3", "DATABASE_LOAD_POOL_SIZE": "1", "DATABASE_QUERY_POOL_SIZE": "1",
    }  # fmt: skip
    surroundings = Surroundings(urls, SECRET, tmp_path / "home", tmp_path, extra)
    async with open_resources(settings, urls, SECRET) as resources:
        channel_id, secret = await make_channel(resources)
        async with receiving(secret, LOST) as receiver, nursery(surroundings) as workers:
            await point_to(resources, channel_id, receiver)

            async def seen() -> bool:
                return await resources_count(urls, "SELECT count(*) FROM spyne.worker_heartbeats") >= WORKERS

            await eventually(seen, 60, 0.2)
            _begun[0] = time.monotonic()
            hurry = asyncio.create_task(hasten(owner))
            try:
                await asyncio.gather(feed(resources), trouble(workers))

                async def all_sent() -> bool:
                    open_ = "SELECT count(*) FROM spyne.notification_outbox WHERE status <> 'sent'"
                    return bool(await resources_count(urls, open_) == 0)

                await eventually(all_sent, 120, 0.5)
            finally:
                hurry.cancel()
                await asyncio.wait({hurry})
                rows = await owner.fetch(
                    "SELECT status, tries, attempts, last_error, next_attempt_at - now() AS due, count(*) AS messages "
                    "FROM spyne.notification_outbox WHERE status <> 'sent' GROUP BY 1, 2, 3, 4, 5 LIMIT 20"
                )
                print("still open:", [dict(row) for row in rows], "alive:", [alive(pid) for pid in workers.awake])
                print((tmp_path / "workers.log").read_text()[-3000:])
            counts = await receiver.counts()
            wanted = {str(row["id"]) for row in await owner.fetch("SELECT id FROM spyne.notification_outbox")}
            doubled = counts.ids.total() - len(counts.ids)
            print(
                f"\n{len(wanted)} messages in {time.monotonic() - _begun[0]:.0f} s, {workers.killed} kills, "
                f"{workers.stopped} stops of {STOPPED_FOR} s (lease {LEASE} s), {counts.lost} replies lost: "
                f"{len(wanted - counts.ids.keys())} lost, {doubled} doubled ({doubled / len(wanted):.1%}), "
                f"{doubled - counts.lost} of them not for a lost reply"
            )
    assert len(wanted) == MESSAGES
    assert counts.ids.keys() == wanted
    assert counts.unverified == 0
    assert doubled / len(wanted) <= MOST_DOUBLED
    assert (workers.killed, workers.stopped) == (KILLS, STOPS)
    attempts = await resources_count(urls, "SELECT count(*) FROM spyne.notification_attempts")
    assert attempts >= counts.ids.total() - (KILLS + STOPS) * 40


async def resources_count(urls: DatabaseUrls, statement: str) -> int:
    connection = await asyncpg.connect(urls.owner.replace("+asyncpg", ""))
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()
