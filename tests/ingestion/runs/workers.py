"""A worker within the test's process, whose code a test may change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from app.kernel.jobs import JobDefinition, Worker, enqueue
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.operations.retention.steps import TIMINGS


@asynccontextmanager
async def working(
    resources: Resources, definitions: Sequence[JobDefinition]
) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """A worker; what is yielded enqueues a job of this name."""

    async def enqueued(name: str) -> None:
        async with resources.database.write() as session:
            await enqueue(session, name, {}, actor=SYSTEM)

    shutdown = asyncio.Event()
    task = asyncio.create_task(Worker(resources, definitions, (), TIMINGS).run(shutdown))
    try:
        yield enqueued
    finally:
        shutdown.set()
        await task
