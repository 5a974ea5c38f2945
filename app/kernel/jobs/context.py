"""What a handler works with. No session is open while it works; its effects are applied under the claim's guard."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from app.kernel.db.database import Database, OperationClass, WriteSession
from app.kernel.jobs import runs
from app.kernel.jobs.runs import Claim
from app.kernel.runtime.resources import Resources

Result = TypeVar("Result")


class JobContext:
    """A start of one job."""

    def __init__(self, resources: Resources, claim: Claim, operation: OperationClass) -> None:
        self.resources = resources
        self.database: Database = resources.database
        """The database for reading and for work that is idempotent by itself; effects go through `apply`."""
        self.run_id = claim.run_id
        """The job's id, the same on every start: a good idempotency key for the world outside."""
        self.payload: Mapping[str, Any] = claim.payload
        """What was enqueued."""
        self.key = claim.key
        """What no two running jobs share."""
        self.attempt = claim.attempt
        """The number of this start, from 1; later starts supersede earlier ones."""
        self.starts = claim.starts
        """How many starts count so far, this one included."""
        self.correlation_id = claim.correlation_id
        """The id of the request that caused the job; also bound while the handler runs."""
        self.actor = claim.actor
        """Label of the actor who caused the job."""
        self.cancel_requested = False
        """Whether somebody asked for the job's end; the handler is cancelled at its next await then."""
        self._claim = claim
        self._operation = operation

    async def apply(self, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
        """What `work` answers, its writes committed, all of it while this start is the job's current one.

        Run again, whole, after a serialization failure. Keep it short: a later start waits for it.

        Raises:
            Superseded: the job was started again elsewhere; nothing was written.
            Problem: the shield is up; nothing was written, and the job is put back when this is let through.
        """

        async def guarded(session: WriteSession) -> Result:
            await runs.hold(session, self._claim)
            return await work(session)

        return await self.database.run(guarded, self._operation)

    async def step(self, work: Callable[[WriteSession], Awaitable[Result | None]]) -> Result | None:
        """What `work` answers, applied as by `apply`: one of many steps of a job, or None when no step was left.

        With a step it is committed that starts before this one count no more. `max_starts` then bounds the starts that
        come to nothing, and not how often workers may die while the job gets on.
        """

        async def counted(session: WriteSession) -> Result | None:
            done = await work(session)
            if done is not None:
                await runs.change(session, self._claim, starts=1)
            return done

        done = await self.apply(counted)
        if done is not None:
            self.starts = 1
        return done

    async def progress(self, **facts: Any) -> None:
        """Record how far this start is, in a transaction of its own; see `progress_within`."""

        async def record(session: WriteSession) -> None:
            await self.progress_within(session, **facts)

        await self.database.run(record, OperationClass.CONTROL)

    async def progress_within(self, session: WriteSession, **facts: Any) -> None:
        """Record how far this start is, replacing what was recorded before. Raises `Superseded`.

        `GET /system/jobs/{id}` shows the facts, so they hold no data and no secrets. Where it is known how much there
        is to do, they are `done` and `total`, counted in one `unit` (`done=300, total=1200, unit="rows"`): the share
        and the time to go follow from these (app/operations/jobs/progress.py). The total may be an estimate. To be the
        last statement of its transaction: whoever cancels a job takes the job's row after all others.
        """
        await runs.change(session, self._claim, progress=msgspec.to_builtins(facts, str_keys=True))
