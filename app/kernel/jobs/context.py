"""What a handler works with. No session is open while it works; its effects are applied under the claim's guard."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

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
        self._claim = claim
        self._operation = operation
        self.cancel_requested = False
        """Whether somebody asked for the job's end; the handler is cancelled at its next await then."""

    @property
    def database(self) -> Database:
        """The database for reading and for work that is idempotent by itself; effects go through `apply`."""
        return self.resources.database

    @property
    def run_id(self) -> UUID:
        """The job's id, the same on every start: a good idempotency key for the world outside."""
        return self._claim.run_id

    @property
    def payload(self) -> Mapping[str, Any]:
        """What was enqueued."""
        return self._claim.payload

    @property
    def key(self) -> str | None:
        """What no two running jobs share."""
        return self._claim.key

    @property
    def attempt(self) -> int:
        """The number of this start, from 1; later starts supersede earlier ones."""
        return self._claim.attempt

    @property
    def starts(self) -> int:
        """How many starts count so far, this one included."""
        return self._claim.starts

    @property
    def correlation_id(self) -> str | None:
        """The id of the request that caused the job; also bound while the handler runs."""
        return self._claim.correlation_id

    @property
    def actor(self) -> str:
        """Label of the actor who caused the job."""
        return self._claim.actor

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

    async def progress(self, **facts: Any) -> None:
        """Record how far the work is, replacing what was recorded before. Raises `Superseded`."""
        progress = msgspec.to_builtins(facts, str_keys=True)

        async def record(session: WriteSession) -> None:
            await runs.change(session, self._claim, progress=progress)

        await self.database.run(record, OperationClass.CONTROL)
