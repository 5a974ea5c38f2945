"""A run: step after step, each a transaction of its own under the job's guard, from wherever the last start came to.

Rows and what refers to objects go first; the objects, noted in the same transaction, go after its commit. A process
that dies leaves neither a reference to nothing nor an object of nobody.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded
from app.kernel.jobs.rules import Ending, describe, judge
from app.kernel.ports.events import EventKinds
from app.kernel.ports.retention import Prepares, RetentionTarget, RetentionTargets
from app.kernel.ports.retention_holds import lock_category
from app.kernel.problems import Problem, Unavailable
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.retention.actions import RetentionAction
from app.operations.retention.events import RETENTION_RAN
from app.operations.retention.models import RunRow, TombstoneRow
from app.operations.retention.repository import OPEN, RuleWrites, Runs, RunWrites
from app.operations.retention.service import CategoryStatus, RetentionService

Result = TypeVar("Result")

STEP_ROWS = 1_000
"""Rows that one step removes at most: some ten milliseconds, for which a new hold waits."""

TOMBSTONES_AT_ONCE = 200

STARTS = 50
"""Starts of one run. Each goes on where the last one ended, so more of them are no loop."""


class Stopped(Exception):  # noqa: N818 - a state of affairs: somebody has cancelled the run
    """The run is over, by somebody else's hand."""


class Sweeping:
    """One start of one run."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._run_id = UUID(context.payload["run_id"])

    @property
    def resources(self) -> Resources:
        """The process's."""
        return self._context.resources

    async def go(self) -> None:
        """Remove what is left to be removed.

        Raises:
            Superseded: the run goes on elsewhere.
            Unavailable: not now; the job is put back.
        """
        try:
            await self._go()
        except Stopped:
            await self._clear()
        except (Superseded, Unavailable):
            raise
        except Problem as refusal:
            await self._context.apply(partial(self._fail, describe(refusal)))
            await self._clear()
        except Exception as error:
            if judge(error, self._context.starts, STARTS) is Ending.FAILED:
                await self._context.apply(partial(self._fail, describe(error)))
            raise

    async def _go(self) -> None:
        target, cut_off = await self.apply(self._begin)
        await self._clear()
        if isinstance(target, Prepares):
            await target.prepare(self, cut_off)
        while await self._context.apply(self._step):
            await self._clear()
        await self._clear()
        await self._context.apply(self._end)

    async def apply(self, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
        """As the protocol of targets says."""

        async def going_on(session: WriteSession) -> Result:
            await self._current(session)
            return await work(session)

        return await self._context.apply(going_on)

    async def intend(self, key: str) -> None:
        """As the protocol of targets says."""

        async def note(session: WriteSession) -> None:
            await RunWrites(session).bury(self._run_id, [key])

        await self.apply(note)

    async def vouch(self, session: WriteSession, key: str, document: dict[str, Any]) -> None:
        """As the protocol of targets says."""
        runs = RunWrites(session)
        await runs.vouched(self._run_id, key)
        run = await self._current(session)
        run.archives = [*run.archives, document]
        await session.flush()

    async def _current(self, session: WriteSession) -> RunRow:
        run = await RunWrites(session).lock(self._run_id)
        if run is None or run.status not in OPEN:
            raise Stopped
        return run

    def _target(self, run: RunRow) -> RetentionTarget:
        return self.resources.extensions.of(RetentionTargets).of(run.category)

    async def _begin(self, session: WriteSession) -> tuple[RetentionTarget, Any]:
        run = await self._current(session)
        run.status, run.started_at = "running", run.started_at or await RuleWrites(session).ago(0)
        await session.flush()
        return self._target(run), run.cut_off

    async def _step(self, session: WriteSession) -> bool:
        """Whether there is more."""
        run = await self._current(session)
        await lock_category(session, run.category)
        removed = await self._target(run).delete_some(session, run.cut_off, run.cursor, STEP_ROWS)
        run.rows += removed.amount.rows
        run.bytes += removed.amount.bytes
        run.objects += removed.amount.objects
        run.cursor = removed.cursor
        await RunWrites(session).bury(self._run_id, removed.keys)
        await session.flush()
        return removed.cursor is not None

    async def _end(self, session: WriteSession) -> None:
        run = await self._current(session)
        run.status, run.ended_at = "completed", await RuleWrites(session).ago(0)
        await session.flush()
        told = {"rows": run.rows, "bytes": run.bytes, "objects": run.objects, "cut_off": run.cut_off}
        await AuditTrail(session).append(
            SYSTEM, RetentionAction.RUN_ENDED, "retention-run", run.id, run.category, after=told
        )
        if run.rows or run.objects:
            await Announcements(session, self.resources.extensions.of(EventKinds)).announce(
                RETENTION_RAN,
                f"Retention: {run.category}",
                f"{run.rows:,} rows and {run.objects:,} objects older than {run.cut_off.isoformat()} were removed.",
                told | {"category": run.category, "run_id": run.id},
                entity=f"retention/{run.category}",
            )

    async def _fail(self, reason: str, session: WriteSession) -> None:
        run = await RunWrites(session).lock(self._run_id)
        if run is None or run.status not in OPEN:
            return
        run.status, run.error, run.ended_at = "failed", reason, await RuleWrites(session).ago(0)
        await session.flush()
        await AuditTrail(session).append(
            SYSTEM,
            RetentionAction.RUN_FAILED,
            "retention-run",
            run.id,
            run.category,
            after={"rows": run.rows, "error": reason},
            outcome="failure",
        )

    async def _clear(self) -> None:
        """Remove the objects that nothing refers to any more."""
        while True:
            async with self.resources.database.read() as session:
                found = await Runs(session).tombstones(self._run_id, TOMBSTONES_AT_ONCE)
            if not found:
                return
            await remove_objects(self._context, found)


async def remove_objects(context: JobContext, tombstones: Sequence[TombstoneRow]) -> None:
    """Remove the objects, then their tombstones."""
    for tombstone in tombstones:
        await context.resources.storage.delete(tombstone.object_key)
    ids = [tombstone.id for tombstone in tombstones]

    async def forget(session: WriteSession) -> None:
        await RunWrites(session).unbury(ids)

    await context.apply(forget)


class Schedule:
    """What goes once a day."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    async def go(self) -> None:
        """Take up runs whose job has ended without them, clear up after others, and begin one per enabled rule."""
        taken = await self._context.apply(self._take_up)
        await self._clear()
        begun = 0
        for target in self._context.resources.extensions.of(RetentionTargets):
            begun += await self._context.apply(partial(self._start, target))
        await self._context.progress(taken_up=taken, begun=begun)

    async def _take_up(self, session: WriteSession) -> int:
        stranded = await RunWrites(session).stranded()
        for run in stranded:
            await RetentionService(session, self._context.resources).enqueue(SYSTEM, run)
        return len(stranded)

    async def _clear(self) -> None:
        while True:
            async with self._context.database.read() as session:
                found = await Runs(session).leftovers(TOMBSTONES_AT_ONCE)
            if not found:
                return
            await remove_objects(self._context, found)

    async def _start(self, target: RetentionTarget, session: WriteSession) -> int:
        rules = RuleWrites(session)
        await lock_category(session, target.category)
        standing = CategoryStatus(target, await rules.get(target.category))
        if not standing.enabled or await RunWrites(session).open(target.category) is not None:
            return 0
        service = RetentionService(session, self._context.resources)
        await service.start(SYSTEM, target.category, await rules.ago(standing.days_to_keep))
        return 1
