"""Mode changes reach two API processes and a worker within a second, by hand and by a window."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.jobs import TIDY_JOB
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import OperationClass
from app.kernel.jobs import enqueue
from app.kernel.security.authorization import SYSTEM
from app.settings import Settings
from tests import loopback
from tests.conftest import SECRET
from tests.identities import Identities
from tests.promises import kept
from tests.service_processes import START_SECONDS, Surroundings, api_process, worker_process
from tests.waiting import eventually

WITHIN = 1.0
NAMES = itertools.count()


@dataclass
class Fleet:
    """Two API processes and a worker on one database."""

    clients: list[httpx.AsyncClient]
    app: FastAPI
    owner: asyncpg.Connection

    async def writes(self, client: httpx.AsyncClient) -> bool:
        answer = await client.post("/api/clients", json={"name": f"n{next(NAMES)}", "roles": ["VIEWER"]})
        assert answer.status_code in {201, 503}, answer.text
        return answer.status_code == 201

    async def works(self) -> bool:
        """Whether the worker starts a job that is enqueued now, and has begun with it within 150 ms."""
        async with self.app.state.resources.database.write(OperationClass.CONTROL) as session:
            run_id = await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
        await asyncio.sleep(0.15)
        return bool(await self.owner.fetchval("SELECT starts > 0 FROM spyne.job_runs WHERE id = $1", run_id))

    async def follow(self, change: Callable[[], Awaitable[object]], *, writing: bool) -> list[float]:
        """Seconds from the change until each process does as it says: to the begin of the first such attempt."""
        await change()
        changed = time.monotonic()

        async def follows(attempt: Callable[[], Awaitable[bool]]) -> float:
            while True:
                begun = time.monotonic()
                if await attempt() is writing:
                    return begun - changed
                assert begun - changed < 10

        asked = [follows(lambda client=client: self.writes(client)) for client in self.clients]  # type: ignore[misc]
        return list(await asyncio.gather(*asked, follows(self.works)))


@pytest.fixture
async def fleet(
    app: FastAPI,
    owner: asyncpg.Connection,
    urls: DatabaseUrls,
    settings: Settings,
    tmp_path: Path,
    identities: Identities,
) -> AsyncIterator[Fleet]:
    surroundings = Surroundings(urls, SECRET, settings.home, tmp_path)
    headers = {"Authorization": f"Bearer {await identities.token('ADMIN')}"}

    @asynccontextmanager
    async def client() -> AsyncIterator[httpx.AsyncClient]:
        async with api_process(surroundings) as process, loopback.client(process.url, headers=headers) as client:
            yield client

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client()) for _ in range(2)]
        await stack.enter_async_context(worker_process(surroundings, JOBS_GRACE_SECONDS="0"))
        fleet = Fleet(clients, app, owner)
        await eventually(fleet.works, START_SECONDS)
        yield fleet


async def test_a_mode_change_is_in_force_everywhere_within_a_second(fleet: Fleet) -> None:
    figures: dict[str, list[float]] = {"closed by hand": [], "opened by hand": []}
    for _ in range(4):
        for mode, writing in (("read_only", False), ("normal", True)):
            by_hand = {"mode": mode, "reason": "a test"}

            async def change(body: dict[str, str] = by_hand) -> None:
                assert (await fleet.clients[0].put("/system/maintenance", json=body)).status_code == 200

            figures["opened by hand" if writing else "closed by hand"] += await fleet.follow(change, writing=writing)
    starts_at = datetime.now(UTC) + timedelta(seconds=1.5)
    ends_at = starts_at + timedelta(seconds=3)
    window = {"mode": "maintenance", "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    answer = await fleet.clients[1].post("/system/maintenance/windows", json=window | {"reason": "a test"})
    assert answer.status_code == 201, answer.text

    async def until(moment: datetime) -> None:
        await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())

    figures["closed by a window"] = await fleet.follow(lambda: until(starts_at), writing=False)
    figures["opened by a window"] = await fleet.follow(lambda: until(ends_at), writing=True)
    print()
    for name, seconds in figures.items():
        print(f"{name}: two APIs and a worker, {len(seconds)} times, at most {max(seconds) * 1000:.0f} ms")
    latest = max(figures, key=lambda name: max(figures[name]))
    await kept(max(figures[latest]), WITHIN, latest)
