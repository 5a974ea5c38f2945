"""The worker: takes tickets from the engine, runs claims, keeps leases alive, and outlives the database's restarts.

The engine brings tickets and may die at any time; what has been started goes on without it and ends by its own claim.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from app.kernel.backoff import backoff
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.ids import new_id
from app.kernel.jobs import engine, runs
from app.kernel.jobs.definitions import Admission, AlwaysOpen, JobDefinition, Schedule, WorkerTimings
from app.kernel.jobs.execution import JOBS_ENDED, NO_PAUSE, Execution, Stop
from app.kernel.jobs.queue import enqueue_once
from app.kernel.jobs.rules import FIRST_BACKOFF, FIRST_BUSY_PAUSE, LONGEST_BUSY_PAUSE, Decision, describe
from app.kernel.jobs.service import EngineService
from app.kernel.problems import Problem, Unavailable
from app.kernel.runtime.background import repeating
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.kernel.telemetry.metrics import BACKGROUND_FAILURES

log = logging.getLogger(__name__)

LONGEST_OUTAGE_PAUSE = timedelta(seconds=5)
"""Between two tries to reach a database that is away."""

RELEASE_SECONDS = 5.0
"""The wait for cancelled handlers to end and be put back, after the grace is over."""

PRUNE_SECONDS = 600.0

HEARTBEAT = "worker-heartbeat"
"""The background task of every worker: signs of life, leases kept, tickets issued again."""

ENGINE = "job-engine"
"""The engine's failures are counted as a background task's; that it works, `spyne_queue_oldest_seconds` shows."""

NO_SCHEDULES: tuple[Schedule, ...] = ()


def heartbeat_seconds(lease: timedelta) -> float:
    """The seconds between two signs of life of a worker: two may fail before a lease of a job has run out."""
    return lease.total_seconds() / 3


class UnknownJobError(ValueError):
    """A schedule names a job that nobody defines, or two jobs share a name."""


class Worker:
    """Runs jobs until it is asked to stop."""

    def __init__(
        self,
        resources: Resources,
        definitions: Sequence[JobDefinition],
        schedules: Sequence[Schedule] = NO_SCHEDULES,
        timings: WorkerTimings | None = None,
        admission: Admission | None = None,
    ) -> None:
        """Raises `UnknownJobError` for declarations that do not fit together. Takes every job without `admission`."""
        self._resources = resources
        self._database = resources.database
        self._definitions = {definition.name: definition for definition in definitions}
        self._schedules = schedules
        self._timings = timings or WorkerTimings()
        self._admission = admission or AlwaysOpen()
        self._executions: set[Execution] = set()
        self._tasks: set[asyncio.Task[timedelta | None]] = set()
        self._draining = False
        self._swept_at = time.monotonic()
        self._pruned_at = -PRUNE_SECONDS
        self.id = new_id()
        unknown = {schedule.job for schedule in schedules} - self._definitions.keys()
        if unknown or len(self._definitions) != len(definitions):
            raise UnknownJobError(f"Not defined: {sorted(unknown)}" if unknown else "Two jobs share a name.")

    async def run(self, shutdown: asyncio.Event) -> None:
        """Work until `shutdown` is set; then finish what is under way within the grace, and put back the rest."""
        every = heartbeat_seconds(self._timings.lease)
        # No pause is longer: a lease ends when its worker is silent for three of them.
        async with repeating(HEARTBEAT, self._look_after, every, begin_after=0.0, at_end=self._leave, longest=every):
            await self._supervise(shutdown)

    async def _leave(self) -> None:
        # Best effort: a heartbeat that stays behind grows old by itself.
        await self._database.run(partial(runs.leave, worker_id=self.id), OperationClass.CONTROL)

    async def _supervise(self, shutdown: asyncio.Event) -> None:
        failures = 0
        while not shutdown.is_set():
            service = EngineService(self._database.url, self._definitions.values(), self._schedules, self._timings)
            begun = time.monotonic()
            try:
                await service.run(self._ticket, self._fire, shutdown, self._drain)
            except Exception as error:  # noqa: BLE001 - whatever ends the engine, the worker goes on
                failures = 1 if time.monotonic() - begun > self._timings.lease.total_seconds() else failures + 1
                BACKGROUND_FAILURES.labels(ENGINE).inc()
                log.warning("the job engine ended and is started again", extra={"error": describe(error)})
            with contextlib.suppress(TimeoutError):
                pause = backoff(failures, FIRST_BACKOFF, LONGEST_OUTAGE_PAUSE)
                await asyncio.wait_for(shutdown.wait(), pause.total_seconds())
        await self._drain()

    async def _ticket(self, job: Job) -> None:
        """Serve one of the engine's tickets. Raises `RetryRequested` when it shall come again."""
        assert job.payload is not None
        definition = self._definitions[job.entrypoint]
        if not self._draining and not self._admission.takes(definition.operation):
            raise RetryRequested(backoff(job.attempts + 1, FIRST_BUSY_PAUSE, LONGEST_OUTAGE_PAUSE))
        work = self._serve(definition, UUID(bytes=job.payload), job.attempts)
        pause = await asyncio.shield(self._track(work))  # an engine that dies takes no handler with it
        if pause is not None:
            raise RetryRequested(pause)

    def _track(self, work: Coroutine[None, None, timedelta | None]) -> asyncio.Task[timedelta | None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, definition: JobDefinition, run_id: UUID, looks: int) -> timedelta | None:
        if self._draining:
            return NO_PAUSE
        claiming = partial(
            runs.claim, run_id=run_id, max_starts=definition.max_starts, lease=self._timings.lease, worker_id=self.id
        )
        try:
            claimed = await self._database.run(claiming, definition.operation)
        except Unavailable as refusal:
            log.info("job waits", extra={"job": definition.name, "run_id": str(run_id), "reason": refusal.code})
            return backoff(looks + 1, FIRST_BACKOFF, LONGEST_OUTAGE_PAUSE)
        except Exception as error:  # noqa: BLE001 - the ticket must come again, whatever went wrong
            log.warning("job could not be claimed", extra={"job": definition.name, "error": describe(error)})
            return backoff(looks + 1, FIRST_BACKOFF, LONGEST_OUTAGE_PAUSE)
        if claimed.decision is Decision.WAIT:
            return backoff(looks + 1, FIRST_BUSY_PAUSE, LONGEST_BUSY_PAUSE)
        if claimed.decision is not Decision.START or claimed.claim is None:
            self._record_unstarted(definition.name, run_id, claimed.decision)
            return None
        return await self._execute(Execution(self._resources, definition, claimed.claim))

    async def _execute(self, execution: Execution) -> timedelta | None:
        self._executions.add(execution)
        try:
            return await execution.run()
        finally:
            self._executions.discard(execution)

    def _record_unstarted(self, name: str, run_id: UUID, decision: Decision) -> None:
        if decision is Decision.BURY:
            JOBS_ENDED.labels(name, "dead").inc()
            log.error("job is dead: its worker died on every start", extra={"job": name, "run_id": str(run_id)})

    async def _fire(self, schedule: Schedule) -> None:
        """Enqueue a schedule's job, unless the last one still waits."""
        definition = self._definitions[schedule.job]

        async def fire(session: WriteSession) -> None:
            key = f"schedule:{schedule.name}"
            await enqueue_once(session, schedule.job, schedule.payload, actor=SYSTEM, key=key)

        try:
            await self._database.run(fire, definition.operation)
        except Problem as refusal:
            log.info("schedule skipped", extra={"schedule": schedule.name, "reason": refusal.code})

    async def _drain(self) -> None:
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timings.grace.total_seconds())
        for execution in list(self._executions):
            execution.stop(Stop.RELEASED)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RELEASE_SECONDS)

    async def _look_after(self) -> None:
        await self._beat()
        now = time.monotonic()
        if now - self._swept_at > self._timings.lease.total_seconds():
            await self._database.run(self._sweep, OperationClass.CONTROL)
            self._swept_at = now
        if now - self._pruned_at > PRUNE_SECONDS:
            await self._database.run(runs.prune, OperationClass.CONTROL)
            self._pruned_at = now

    async def _beat(self) -> None:
        executions = list(self._executions)
        label = f"{socket.gethostname()}:{os.getpid()}"
        beating = partial(runs.beat, worker_id=self.id, label=label, claims=[one.claim for one in executions])
        pulse = await self._database.run(beating, OperationClass.CONTROL)
        for execution in executions:
            claim = execution.claim
            if (claim.run_id, claim.attempt) not in pulse.current:
                execution.stop(Stop.SUPERSEDED)
            elif claim.run_id in pulse.to_cancel:
                execution.stop(Stop.CANCELLED)
            elif self._admission.stops(execution.operation):
                execution.stop(Stop.SHIELDED)

    async def _sweep(self, session: WriteSession) -> None:
        tickets = await runs.orphans(session, self._timings.lease)
        if tickets:
            log.info("tickets issued again", extra={"count": len(tickets)})
            await engine.issue(session, tickets)
