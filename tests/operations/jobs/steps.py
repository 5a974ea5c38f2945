"""Jobs of somebody's own, workers that run them, and what is asked of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from app.kernel.db.database import OperationClass
from app.kernel.jobs import JobDefinition, Worker, WorkerTimings, enqueue
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind
from app.operations.housekeeping.jobs import SWEEP_JOB
from tests.waiting import eventually

ROOT = "/system/jobs"
REASON = {"reason": "a test"}
TIMINGS = WorkerTimings(lease=timedelta(seconds=1), poll=timedelta(seconds=0.1), grace=timedelta(seconds=1))


async def caller(client: httpx.AsyncClient) -> Actor:
    """The actor behind a client."""
    me = (await client.get("/api/auth/me")).json()
    return Actor(ActorKind(me["kind"]), UUID(me["id"]), me["name"])


async def put(resources: Resources, actor: Actor, name: str = SWEEP_JOB, **options: Any) -> str:
    """The id of a fresh job that the actor has caused."""
    payload = options.pop("payload", {})
    async with resources.database.write(OperationClass.CONTROL) as session:
        return str(await enqueue(session, name, payload, actor=actor, **options))


async def shown(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The document of a job."""
    answer = await client.get(f"{ROOT}/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(client: httpx.AsyncClient, **params: Any) -> list[str]:
    """The ids of a page of jobs."""
    answer = await client.get(ROOT, params=params)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def cancel(client: httpx.AsyncClient, job_id: str, status: int = 202) -> dict[str, Any]:
    """The answer to who asks for the end of a job."""
    answer = await client.post(f"{ROOT}/{job_id}/cancel", json=REASON)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def over(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The document of a job, once it is over."""

    async def ended() -> bool:
        return (await shown(client, job_id))["finished_at"] is not None

    await eventually(ended)
    return await shown(client, job_id)


@asynccontextmanager
async def working(resources: Resources, definitions: Sequence[JobDefinition]) -> AsyncIterator[None]:
    """A worker takes jobs of these kinds while the block runs."""
    shutdown = asyncio.Event()
    task = asyncio.create_task(Worker(resources, definitions, (), TIMINGS).run(shutdown))
    try:
        yield
    finally:
        shutdown.set()
        await task
