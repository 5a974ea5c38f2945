"""A start of one job: the handler in a task of its own, and what follows from how it ends."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from opentelemetry.trace import Span, SpanKind

from app.kernel.backoff import backoff
from app.kernel.correlation import bind, fresh_traceparent
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.jobs import runs
from app.kernel.jobs.context import JobContext
from app.kernel.jobs.definitions import JobDefinition
from app.kernel.jobs.models import JobState
from app.kernel.jobs.rules import FIRST_BACKOFF, LONGEST_BACKOFF, Ending, describe, is_unreachable, judge
from app.kernel.jobs.runs import Claim, Superseded, Unwanted
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import counter, histogram
from app.kernel.telemetry.tracing import Attributes, failed, remote, span, traceparent_of

log = logging.getLogger(__name__)

SETTLE_SECONDS = 60.0
"""How long an ending is offered to a database that is away; after that the lease runs out and the job starts again."""

NO_PAUSE = timedelta(0)

JOBS_ENDED = counter("spyne_job_endings_total", "Starts of jobs that ended, by how.", "name", "ending")
JOB_SECONDS = histogram("spyne_job_seconds", "Time that handlers took.", "name")


class Stop(StrEnum):
    """Why a handler is cancelled from outside."""

    CANCELLED = "cancelled"
    """Somebody asked for the job's end."""
    SUPERSEDED = "superseded"
    """The job was started again elsewhere."""
    RELEASED = "released"
    """The worker ends."""
    SHIELDED = "shielded"
    """The service takes no writes for now."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a start ended, why, and the pause before the next one."""

    ending: Ending
    error: str | None = None
    pause: timedelta = NO_PAUSE


class Execution:
    """A claimed start under way."""

    def __init__(self, resources: Resources, definition: JobDefinition, claim: Claim) -> None:
        self.claim = claim
        self.operation = definition.operation
        self._definition = definition
        self._database = resources.database
        self._context = JobContext(resources, claim, definition.operation)
        self._handler: asyncio.Task[None] | None = None
        self._stopped: Stop | None = None

    def stop(self, why: Stop) -> None:
        """Cancel the handler at its next await; the first reason counts."""
        if self._stopped is None:
            self._stopped = why
            self._context.cancel_requested = why is Stop.CANCELLED
            if self._handler is not None:
                self._handler.cancel()

    async def run(self) -> timedelta | None:
        """The pause before the job's next start; None when it is over or goes on elsewhere."""
        attributes: Attributes = {
            "spyne.job": self.claim.name,
            "spyne.run_id": str(self.claim.run_id),
            "spyne.attempt": self.claim.attempt,
        }
        parent = remote(self.claim.traceparent)
        with span(f"job {self.claim.name}", SpanKind.CONSUMER, attributes, parent) as opened:
            traceparent = traceparent_of(opened) or self.claim.traceparent or fresh_traceparent()
            bind(self.claim.correlation_id or str(self.claim.run_id), traceparent)  # for this task's own context
            return await self._run(opened)

    async def _run(self, opened: Span) -> timedelta | None:
        log.info("job started", extra=self._facts())
        begun = time.perf_counter()
        outcome = await self._handle()
        JOB_SECONDS.labels(self.claim.name).observe(time.perf_counter() - begun)
        opened.set_attribute("spyne.ending", "superseded" if outcome is None else outcome.ending.value)
        if outcome is None:
            log.info("job superseded", extra=self._facts())
            return None
        JOBS_ENDED.labels(self.claim.name, outcome.ending.value).inc()
        if outcome.error:
            failed(opened, outcome.ending.value)
        level = logging.WARNING if outcome.error else logging.INFO
        log.log(level, "job %s", outcome.ending.value, extra=self._facts() | {"error": outcome.error})
        return await self._settle(outcome)

    async def _handle(self) -> RunOutcome | None:
        self._handler = asyncio.create_task(self._bounded(), name=f"job-{self.claim.name}-{self.claim.run_id}")
        if self._stopped is not None:
            self._handler.cancel()
        await asyncio.wait({self._handler})
        error = None if self._handler.cancelled() else self._handler.exception()
        if error is None and not self._handler.cancelled():
            return RunOutcome(Ending.SUCCEEDED)
        if self._stopped is Stop.SUPERSEDED or isinstance(error, Superseded):
            return None
        if self._stopped is Stop.CANCELLED or isinstance(error, Unwanted):
            return RunOutcome(Ending.CANCELLED, "Cancelled on request.")
        if self._stopped is Stop.RELEASED:
            return RunOutcome(Ending.PUT_BACK, "The worker ended before the job did.")
        if self._stopped is Stop.SHIELDED:
            return RunOutcome(Ending.PUT_BACK, "Writes were stopped before the job ended.")
        return self._after(error if isinstance(error, Exception) else RuntimeError("the handler was cancelled"))

    async def _bounded(self) -> None:
        async with asyncio.timeout(self._definition.timeout.total_seconds()):
            await self._definition.handler(self._context)

    def _after(self, error: Exception) -> RunOutcome:
        starts = self._context.starts
        ending = judge(error, starts, self._definition.max_starts)
        times = self.claim.attempt if ending is Ending.PUT_BACK else starts
        pause = backoff(times, FIRST_BACKOFF, LONGEST_BACKOFF)
        return RunOutcome(ending, describe(error), pause)

    async def _settle(self, outcome: RunOutcome) -> timedelta | None:
        give_up = time.monotonic() + SETTLE_SECONDS
        for tries in range(1, 1000):
            try:
                await self._database.run(partial(self._write, outcome), OperationClass.CONTROL)
            except Superseded:
                return None
            except Exception as error:
                if not is_unreachable(error) or time.monotonic() > give_up:
                    log.exception("the ending of a job could not be written", extra=self._facts())
                    return backoff(tries, FIRST_BACKOFF, LONGEST_BACKOFF)
                await asyncio.sleep(backoff(tries, 1.0, 5.0))
            else:
                break
        return outcome.pause if outcome.ending in {Ending.RETRY, Ending.PUT_BACK} else None

    async def _write(self, outcome: RunOutcome, session: WriteSession) -> None:
        error = outcome.error or ""
        match outcome.ending:
            case Ending.SUCCEEDED:
                await runs.finish(session, self.claim, JobState.SUCCEEDED, None)
            case Ending.FAILED:
                await runs.finish(session, self.claim, JobState.FAILED, error)
            case Ending.CANCELLED:
                await runs.finish(session, self.claim, JobState.CANCELLED, error)
            case Ending.RETRY:
                await runs.retry(session, self.claim, error, outcome.pause)
            case Ending.PUT_BACK:
                await runs.put_back(session, self.claim, error, outcome.pause)

    def _facts(self) -> dict[str, object]:
        return {"job": self.claim.name, "run_id": str(self.claim.run_id), "attempt": self.claim.attempt}
