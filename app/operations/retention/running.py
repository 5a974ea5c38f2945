"""A run: step after step, each a transaction of its own under the job's guard, from wherever the last start came to.

Rows and what refers to objects go first; the objects, noted in the same transaction, go after its commit. A process
that dies leaves neither a reference to nothing nor an object of nobody.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, describe, judge
from app.kernel.ports.retention import Prepares, RetentionTarget, RetentionTargets
from app.kernel.ports.retention_holds import lock_category
from app.kernel.problems import Problem, Unavailable
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.retention.actions import RetentionAction
from app.operations.retention.events import RETENTION_RAN
from app.operations.retention.models import RunRow, TombstoneRow
from app.operations.retention.repository import OPEN, RuleWrites, RunReads, RunWrites
from app.operations.retention.service import RetentionService

Result = TypeVar("Result")

STEP_ROWS = 1_000
"""Rows that one step removes at most: some ten milliseconds, for which a new hold waits. What goes as one may
be more: all before-images of a batch."""

TOMBSTONES_AT_ONCE = 200

STARTS = 50
"""Starts of one run. Each goes on where the last one ended, so more of them are no loop."""


class Stopped(Exception):  # noqa: N818 - a state of affairs: the run is over, mostly by somebody else's hand
    """The run is over: cancelled, or ended by a start that died before its job was."""

    def __init__(self, status: str | None) -> None:
        super().__init__(status)
        self.cancelled = status == "cancelled"


class Sweeping:
    """A start of a run."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._run_id = UUID(context.payload["run_id"])

    @property
    def resources(self) -> Resources:
        """The process's collaborators."""
        return self._context.resources

    async def go(self) -> None:
        """Remove what is left to be removed.

        Raises:
            Superseded: the run goes on elsewhere.
            Unavailable: not now; the job is put back.
            Unwanted: somebody has cancelled the run; what it had removed until then is cleared up.
        """
        try:
            await self._go()
        except Stopped as stopped:
            await self._clear()
            if stopped.cancelled:
                raise Unwanted from stopped
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
        """The result of the work, as `ArchivingContext` says."""

        async def going_on(session: WriteSession) -> Result:
            await self._current(session)
            return await work(session)

        return await self._context.apply(going_on)

    async def register_object(self, key: str) -> None:
        """Note an object as `ArchivingContext` says."""
        await self.apply(lambda session: RunWrites(session).add_tombstones(self._run_id, [key]))

    async def keep_object(self, session: WriteSession, key: str, document: dict[str, Any]) -> None:
        """Let an object stay as `ArchivingContext` says."""
        await RunWrites(session).keep_object(self._run_id, key)
        run = await self._current(session)
        run.archives = [*run.archives, document]
        await session.flush()

    async def _current(self, session: WriteSession) -> RunRow:
        run = await RunWrites(session).lock(self._run_id)
        if run is None or run.status not in OPEN:
            raise Stopped(run.status if run else None)
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
        await RunWrites(session).add_tombstones(self._run_id, removed.keys)
        await session.flush()
        await self._context.progress_within(session, done=run.rows, unit="rows")
        return removed.cursor is not None

    async def _end(self, session: WriteSession) -> None:
        run = await self._current(session)
        await self._service(session).end(SYSTEM, run, RetentionAction.RUN_ENDED)
        if run.rows or run.objects:
            removed = {"rows": run.rows, "bytes": run.bytes, "objects": run.objects, "cut_off": run.cut_off}
            await self.resources.build(Announcements, session).announce(
                RETENTION_RAN,
                f"Retention: {run.category}",
                f"{run.rows:,} rows and {run.objects:,} objects older than {run.cut_off.isoformat()} were removed.",
                removed | {"category": run.category, "run_id": run.id},
                entity=f"retention/{run.category}",
            )

    async def _fail(self, reason: str, session: WriteSession) -> None:
        run = await RunWrites(session).lock(self._run_id)
        if run is not None and run.status in OPEN:
            run.error = reason
            await self._service(session).end(SYSTEM, run, RetentionAction.RUN_FAILED)

    def _service(self, session: WriteSession) -> RetentionService:
        return self.resources.build(RetentionService, session)

    async def _clear(self) -> None:
        """Remove the objects that nothing refers to any more."""
        await _remove_objects(self._context, lambda runs: runs.tombstones(self._run_id, TOMBSTONES_AT_ONCE))


async def _remove_objects(context: JobContext, find: Callable[[RunReads], Awaitable[Sequence[TombstoneRow]]]) -> None:
    """Remove objects, then their tombstones, until `find` has no more of them."""
    while True:
        async with context.database.read() as session:
            found = await find(RunReads(session))
        if not found:
            return
        for tombstone in found:
            await context.resources.storage.delete(tombstone.object_key)
        await context.apply(partial(_forget, [tombstone.id for tombstone in found]))


async def _forget(ids: Sequence[UUID], session: WriteSession) -> None:
    await RunWrites(session).remove_tombstones(ids)


async def begin_due_runs(context: JobContext) -> None:
    """Take up runs whose job has ended without them, clear up after others, and begin one per enabled rule."""

    async def take_up(session: WriteSession) -> int:
        return await context.resources.build(RetentionService, session).take_up_stranded()

    async def start(category: str, session: WriteSession) -> bool:
        return await context.resources.build(RetentionService, session).start_due(category)

    taken = await context.apply(take_up)
    await _remove_objects(context, lambda runs: runs.leftovers(TOMBSTONES_AT_ONCE))
    targets = context.resources.extensions.of(RetentionTargets)
    begun = [await context.apply(partial(start, target.category)) for target in targets]
    await context.progress(taken_up=taken, begun=sum(begun))
