"""A worker drains: it starts no job that the mode will stop, and gives back what it stops; the others go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg

from app.kernel.db.database import OperationClass
from app.kernel.jobs import JobContext, JobDefinition, Worker, WorkerTimings, enqueue
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.waiting import eventually

TIMINGS = WorkerTimings(lease=timedelta(seconds=1), poll=timedelta(seconds=0.1), grace=timedelta(seconds=1))


class Gate:
    """What the modes say."""

    def __init__(self) -> None:
        self.taking = True
        self.stopping = False

    def takes(self, operation: OperationClass) -> bool:
        return self.taking or operation is not OperationClass.WRITE

    def stops(self, operation: OperationClass) -> bool:
        return self.stopping and operation is OperationClass.WRITE


@asynccontextmanager
async def working(resources: Resources, gate: Gate, go_on: asyncio.Event) -> AsyncIterator[None]:
    async def write(_: JobContext) -> None:
        await go_on.wait()

    async def record(_: JobContext) -> None:
        return

    definitions = (
        JobDefinition(name="tests:write", handler=write),
        JobDefinition(name="tests:record", handler=record, operation=OperationClass.RECORD),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(resources, definitions, timings=TIMINGS, admission=gate).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def put(resources: Resources, name: str) -> UUID:
    async with resources.database.write() as session:
        return await enqueue(session, name, {}, actor=SYSTEM)


async def test_a_worker_drains(resources: Resources, owner: asyncpg.Connection) -> None:
    gate, go_on = Gate(), asyncio.Event()

    async def stands(run_id: UUID, state: str, starts: int) -> None:
        async def there() -> bool:
            row = await owner.fetchrow("SELECT state, starts FROM spyne.job_runs WHERE id = $1", run_id)
            return row is not None and tuple(row) == (state, starts)

        await eventually(there, 10)

    async with working(resources, gate, go_on):
        under_way = await put(resources, "tests:write")
        await stands(under_way, "running", 1)
        gate.taking = False
        waiting = await put(resources, "tests:write")
        for _ in range(3):  # the worker looks again and again
            await stands(await put(resources, "tests:record"), "succeeded", 1)
        await stands(waiting, "queued", 0)
        await stands(under_way, "running", 1)
        gate.stopping = True
        await stands(under_way, "queued", 0)
        told = await owner.fetchval("SELECT last_error FROM spyne.job_runs WHERE id = $1", under_way)
        assert told == "Writes were stopped before the job ended."
        gate.taking, gate.stopping = True, False
        go_on.set()
        await stands(under_way, "succeeded", 1)
        await stands(waiting, "succeeded", 1)
