"""A worker process for the tests: `python -m tests.kernel.jobs.jobs_worker` with its orders in the environment."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from sqlalchemy import text

from app.kernel.db.database import Database, OperationClass, ReadSession, WriteSession
from app.kernel.jobs import JobContext, JobDefinition, Schedule, Worker, WorkerTimings
from app.kernel.problems import Unavailable
from app.kernel.runtime.resources import Resources
from app.settings import DatabaseSettings

TIMINGS = WorkerTimings(lease=timedelta(seconds=1.5), poll=timedelta(seconds=0.3), grace=timedelta(seconds=1))


class TableShield:
    """Up while a row says so; stands for the maintenance mode."""

    async def admit(self, session: WriteSession, operation: OperationClass) -> None:
        if operation is OperationClass.CONTROL:
            return
        if (await session.execute(text("SELECT count(*) FROM data.shield"))).scalar_one():
            raise Unavailable("read-only")


async def record(context: JobContext, note: str) -> None:
    """An effect which is not idempotent by itself, so that doubled ones show."""

    async def write(session: WriteSession) -> None:
        await note_effect(session, context, note)

    await context.apply(write)


async def note_effect(session: WriteSession, context: JobContext, note: str) -> None:
    statement = text("INSERT INTO data.effects (run_id, attempt, note) VALUES (:run, :attempt, :note)")
    await session.execute(statement, {"run": context.run_id, "attempt": context.attempt, "note": note})


async def trace(context: JobContext, note: str) -> None:
    """Something seen at once and outside of any guard."""
    async with context.database.write(OperationClass.CONTROL) as session:
        await note_effect(session, context, note)


async def simple(context: JobContext) -> None:
    await record(context, f"{context.payload['n']} {context.correlation_id} {context.actor}")


async def slow(context: JobContext) -> None:
    """Works for a while, telling begin and end."""
    await trace(context, "begin")
    await asyncio.sleep(context.payload["seconds"])
    await record(context, "end")


async def hang_once(context: JobContext) -> None:
    """Hangs on its first start; the effect is applied once whatever happens."""
    await trace(context, "begin")
    if context.attempt == 1:
        await asyncio.Event().wait()
    await record(context, "end")


async def poison(context: JobContext) -> None:
    await trace(context, "begin")
    os._exit(1)


async def failing(context: JobContext) -> None:
    await trace(context, "begin")
    raise ValueError("hunter2")


async def half_done(context: JobContext) -> None:
    """Applies its effect and then fails on the first start; looks whether it was applied already."""

    async def once(session: WriteSession) -> None:
        done = await session.execute(
            text("SELECT count(*) FROM data.effects WHERE run_id = :run"), {"run": context.run_id}
        )
        if not done.scalar_one():
            await note_effect(session, context, "effect")

    await context.apply(once)
    if context.attempt == 1:
        os._exit(1)


async def zombie(context: JobContext) -> None:
    """Sleeps through its lease with the event loop stopped, then tries to apply."""
    await trace(context, "begin")
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    await record(context, "end")


async def steps(context: JobContext) -> None:
    """Takes a step in each of its first starts, and ends badly in all of them: with its worker, or by itself."""

    async def one(session: WriteSession) -> str | None:
        if context.attempt > context.payload["steps"]:
            return None
        await note_effect(session, context, "step")
        return "done"

    await context.step(one)
    if context.payload["dies"]:
        os._exit(1)
    raise ValueError


async def timed_out(_context: JobContext) -> None:
    await asyncio.Event().wait()


async def telling(context: JobContext) -> None:
    await context.progress(rows=7, of=9)
    await record(context, "told")


async def seen(session: ReadSession) -> int:
    return int((await session.execute(text("SELECT count(*) FROM data.effects"))).scalar_one())


DEFINITIONS: Sequence[JobDefinition] = (
    JobDefinition(name="simple", handler=simple),
    JobDefinition(name="slow", handler=slow),
    JobDefinition(name="hang_once", handler=hang_once),
    JobDefinition(name="poison", handler=poison, max_starts=3),
    JobDefinition(name="failing", handler=failing, max_starts=2),
    JobDefinition(name="steps", handler=steps, max_starts=2),
    JobDefinition(name="half_done", handler=half_done),
    JobDefinition(name="zombie", handler=zombie),
    JobDefinition(name="timed_out", handler=timed_out, max_starts=1, timeout=timedelta(seconds=0.2)),
    JobDefinition(name="telling", handler=telling),
    JobDefinition(name="one_at_a_time", handler=slow, concurrency=1),
)


async def main() -> None:
    orders = json.loads(os.environ["ORDERS"])
    settings = DatabaseSettings(pool_size=5, read_pool_size=2)
    database = Database(orders["url"], settings, shield=TableShield())
    schedules = [
        Schedule(name="ticking", cron=cron, job="simple", payload={"n": 0}) for cron in orders.get("crons", [])
    ]
    shutdown = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, shutdown.set)
    worker = Worker(cast("Resources", SimpleNamespace(database=database)), DEFINITIONS, schedules, TIMINGS)
    await worker.run(shutdown)
    await database.dispose()
    print("ended well", flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(main())
