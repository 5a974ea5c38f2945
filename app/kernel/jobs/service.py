"""A life of the engine: its connections, queue and clock, from start to end or failure."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain import models
from pgqueuer.domain.types import HealthCheckId
from pgqueuer.ports.driver import NotifyCallback

from app.kernel.db.connections import driver_arguments
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.jobs.definitions import JobDefinition, Schedule, WorkerTimings
from app.kernel.jobs.engine import CHANNEL, configured

CONNECTIONS = 3
"""The first listens; two carry claims and heartbeats, so that neither waits for the other."""

END_SECONDS = 2.0
"""The wait for the engine to end by itself, after it has lost the database; its jobs go on in any case."""

TicketServer = Callable[[models.Job], Awaitable[None]]
Fire = Callable[[Schedule], Awaitable[None]]


class EngineLostError(RuntimeError):
    """The engine ended without being asked to."""


class ListeningDriver(AsyncpgPoolDriver):
    """Says when the engine listens: what is notified before reaches nobody."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        super().__init__(pool)
        self.listening = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Return when notifications of the channel come."""
        await super().add_listener(channel, callback)
        self.listening.set()


class WatchedQueries(Queries):
    """Reports at once when the queue cannot be read any more; the engine itself first waits for its jobs."""

    lost: asyncio.Event
    listening: asyncio.Event

    async def notify_health_check(self, health_check_event_id: HealthCheckId) -> None:
        """Probe the listener, once there is one.

        The engine begins with both at once. One start in three was taken for lost after ten seconds: the first probe
        had come before the listener.
        """
        await self.listening.wait()
        await super().notify_health_check(health_check_event_id)

    async def dequeue(self, *arguments: Any, **options: Any) -> list[models.Job]:
        """The tickets taken, as the engine's own method takes them."""
        try:
            return await super().dequeue(*arguments, **options)
        except Exception:
            self.lost.set()
            raise


class EngineService:
    """The engine, wired to our jobs."""

    def __init__(
        self, url: str, definitions: Collection[JobDefinition], schedules: Sequence[Schedule], timings: WorkerTimings
    ) -> None:
        self._url = url
        self._definitions = definitions
        self._schedules = schedules
        self._timings = timings

    async def run(
        self, serve: TicketServer, fire: Fire, shutdown: asyncio.Event, drain: Callable[[], Awaitable[None]]
    ) -> None:
        """Take tickets until `shutdown`, then drain and end.

        Raises `EngineLostError`: the engine ended by itself, mostly for want of a database; or what it raised.
        """
        async with _pool(self._url) as pool:
            driver = ListeningDriver(pool)
            queries = configured(WatchedQueries, driver)
            queries.lost, queries.listening = asyncio.Event(), driver.listening
            manager = self._manager(queries, serve)
            scheduler = self._scheduler(queries, fire)
            engine = [asyncio.create_task(self._queue(manager), name="job-queue")]
            if self._schedules:
                engine.append(asyncio.create_task(scheduler.run(), name="job-schedules"))
            signals = [asyncio.create_task(event.wait()) for event in (shutdown, queries.lost, manager.shutdown)]
            try:
                await asyncio.wait([*engine, *signals], return_when=asyncio.FIRST_COMPLETED)
                manager.shutdown.set()
                scheduler.shutdown.set()
                if shutdown.is_set():
                    await drain()
                await asyncio.wait(engine, timeout=END_SECONDS)
            finally:
                await _cancel([*engine, *signals])
            if not shutdown.is_set():
                raise _reason(engine)

    async def _queue(self, manager: QueueManager) -> None:
        await manager.run(
            dequeue_timeout=self._timings.poll,
            batch_size=max(1, self._timings.concurrency // 2),
            max_concurrent_tasks=self._timings.concurrency,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=self._timings.lease,
            log_aggregation_interval=timedelta(0),  # `job_runs` and our metrics say more
        )

    def _manager(self, queries: Queries, serve: TicketServer) -> QueueManager:
        manager = QueueManager(queries, channel=CHANNEL)
        for definition in self._definitions:
            register = manager.entrypoint(
                definition.name, concurrency_limit=definition.concurrency, accepts_context=False, on_failure="hold"
            )
            register(serve)
        return manager

    def _scheduler(self, queries: Queries, fire: Fire) -> SchedulerManager:
        scheduler = SchedulerManager(queries)
        for schedule in self._schedules:
            scheduler.schedule(schedule.name, schedule.cron, accepts_context=False)(partial(_fired, fire, schedule))
        return scheduler


async def _fired(fire: Fire, schedule: Schedule, _due: models.Schedule) -> None:
    await fire(schedule)


def _reason(engine: Sequence[asyncio.Task[None]]) -> BaseException:
    for task in engine:
        error = None if task.cancelled() or not task.done() else task.exception()
        if error is not None:
            return error
    return EngineLostError("the job engine ended without being asked to")


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator["asyncpg.Pool[Any]"]:
    """Connections of the engine's own, straight to the server: LISTEN does not pass a transaction pooler."""
    pool = await asyncpg.create_pool(
        **driver_arguments(url),
        min_size=1,
        max_size=CONNECTIONS,
        command_timeout=30,
        server_settings={"application_name": "spyne-worker", "timezone": "UTC"},
    )
    try:
        yield pool
    finally:
        with contextlib.suppress(*DATABASE_FAILURES):
            pool.terminate()
