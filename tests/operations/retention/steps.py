"""Old things, and runs to their end, for the tests of retention."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from app.kernel.jobs import Worker, WorkerTimings
from app.kernel.runtime.resources import Resources
from app.operations.retention.jobs import JOBS
from tests.waiting import eventually

ROOT = "/system/retention/"
TIMINGS = WorkerTimings(lease=timedelta(seconds=1.5), poll=timedelta(seconds=0.2), grace=timedelta(seconds=1))


async def keys(owner: asyncpg.Connection, days: list[float], scope: str = "test") -> None:
    """Idempotency keys of these ages."""
    await owner.executemany(
        "INSERT INTO spyne.idempotency_keys (scope, key, fingerprint, status, answer, created_at) "
        "VALUES ($1, gen_random_uuid()::text, 'x', 200, '{}', now() - $2 * interval '1 day')",
        [(scope, age) for age in days],
    )


async def count(owner: asyncpg.Connection, table: str, where: str = "true") -> int:
    return int(await owner.fetchval(f"SELECT count(*) FROM spyne.{table} WHERE {where}"))


@asynccontextmanager
async def working(resources: Resources) -> AsyncIterator[None]:
    """A worker takes jobs of retention while the block runs."""
    shutdown = asyncio.Event()
    task = asyncio.create_task(Worker(resources, JOBS, (), TIMINGS).run(shutdown))
    try:
        yield
    finally:
        shutdown.set()
        await task


async def ended(client: httpx.AsyncClient, place: str) -> dict[str, Any]:
    """The run at this place, when it is over."""
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update((await client.get(place)).json())
        return found["status"] not in {"queued", "running"}

    await eventually(over, 30)
    return found


async def ran(resources: Resources, admin: httpx.AsyncClient, category: str, **body: Any) -> dict[str, Any]:
    """A run from its request to its end."""
    answer = await admin.post(f"{ROOT}{category}/run", json=body)
    assert answer.status_code == 202, answer.text
    async with working(resources):
        return await ended(admin, answer.headers["location"])


async def previewed(admin: httpx.AsyncClient, category: str, **params: Any) -> dict[str, Any]:
    answer = await admin.post(f"{ROOT}{category}/preview", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def held(admin: httpx.AsyncClient, category: str, **filter_: Any) -> UUID:
    answer = await admin.post(f"{ROOT}{category}/holds", json={"filter": filter_, "reason": "Case 4711"})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def amount(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["rows"], found["bytes"], found["objects"]
