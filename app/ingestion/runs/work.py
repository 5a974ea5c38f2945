"""A run in the background: part after part, each a transaction of its own, from wherever the last start came to.

A part and the note that it is done are committed together, so a process that dies at any point leaves whole parts, and
the next one goes on with the first that is missing.
"""

import time
from functools import partial
from typing import Any
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.ingestion.configuration import batch_rules
from app.ingestion.deferred import ready_or_later
from app.ingestion.history import batch_report
from app.ingestion.merging import count_rows
from app.ingestion.models import BatchRow
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.actions import RunAction
from app.ingestion.runs.applying import Parts, RunStopped, Tools
from app.ingestion.runs.events import ROLLED_BACK, RUN_FAILED
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import OPEN, Action, RunKind, RunStatus
from app.ingestion.runs.problems import RunFailed
from app.ingestion.runs.repository import RunReads, RunWrites
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, judge
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.problems import Problem, Unavailable
from app.kernel.security.authorization import SYSTEM
from app.kernel.telemetry.metrics import BACKFILL_ROWS, REPLAYS
from app.operations.notifications.outbox.announcing import Announcements

RUN_STARTS = 5
"""Starts that one part may fail before the run is given up: each goes on with the first part that is missing."""


class RunWork:
    """A start of a run."""

    def __init__(self, context: JobContext) -> None:
        resources = context.resources
        self._context = context
        self._kinds = resources.extensions.of(EventKinds)
        self._clock = resources.clock
        self._run_id = UUID(context.payload["run_id"])
        rules = batch_rules(resources.configuration)
        self._tools = Tools(resources.database, resources.storage, rules, self._kinds, resources.clock)

    async def run(self) -> None:
        """Do what is left to be done.

        Raises:
            Superseded: the run goes on elsewhere.
            Unavailable: not now; the job is put back.
        """
        try:
            while (done := await self._context.step(self._part)) is not None:
                self._count(*done)
                run = done[0]
                await self._context.progress(done=run.parts_done, total=run.parts_total, unit="parts")
            await self._context.apply(self._complete)
        except RunStopped as stopped:
            raise Unwanted from stopped
        except (Superseded, Unavailable):
            raise
        except Problem as refusal:
            await self._fail(refusal)
        except Exception as error:
            if judge(error, self._context.starts, RUN_STARTS) is Ending.FAILED:
                await self._fail(RunFailed())
            raise
        finally:
            await self._tools.body.close()

    async def _part(self, session: WriteSession) -> tuple[IngestionRunRow, BatchRow] | None:
        """The run and the batch that its next part became; None when there is none."""
        await ready_or_later(session)
        await BatchWrites(session).prepare_merge()
        run = await RunReads(session).by_id(self._run_id)
        if run is None or run.status not in OPEN:
            raise RunStopped
        begun = time.monotonic()
        batch = await Parts(session, self._tools).next(run)
        if batch is None:
            return None
        batch.seconds = time.monotonic() - begun
        await session.flush()
        return run, batch

    def _count(self, run: IngestionRunRow, batch: BatchRow) -> None:
        """Count a committed part in the metrics."""
        if batch.kind != Action.ROLLBACK:
            count_rows(batch_report(batch).model_copy(update={"lag_seconds": None}))  # old rows are no news
        if batch.kind == Action.REPLAY:
            REPLAYS.labels(run.contract_id).inc()
        if run.kind == RunKind.BACKFILL:
            BACKFILL_ROWS.labels(run.contract_id).inc(batch.rows_received)

    async def _complete(self, session: WriteSession) -> None:
        total = {"parts_total": IngestionRunRow.parts_done}  # of a backfill it is known now
        run = await end(session, self._run_id, RunStatus.COMPLETED, self._clock(), **total)
        if run is not None and run.kind == RunKind.ROLLBACK:
            await announce(session, self._kinds, ROLLED_BACK, run, f"Batches of {run.contract_id} were taken back")

    async def _fail(self, refusal: Problem) -> None:
        problem = refusal.document(self._context.correlation_id)
        await self._context.apply(partial(fail, self._run_id, problem, self._kinds, self._clock()))


class LostRuns:
    """Ends runs whose job ended without them: it was cancelled by itself, or died on every start."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._kinds = context.resources.extensions.of(EventKinds)
        self._clock = context.resources.clock

    async def end(self) -> None:
        """Fail what is lost; parts that were done stay."""
        async with self._context.database.read() as session:
            lost = await RunReads(session).lost()
        problem = RunFailed("Its job ended before it.").document(self._context.correlation_id)
        for run_id in lost:
            await self._context.apply(partial(fail, run_id, problem, self._kinds, self._clock()))
        await self._context.progress(done=len(lost), total=len(lost), unit="runs")


async def end(session: WriteSession, run_id: UUID, status: RunStatus, at: Any, **values: Any) -> IngestionRunRow | None:
    """The run that came to its end by this, audited; None when it was over."""
    runs = RunWrites(session)
    if not await runs.end(run_id, status, at, **values):
        return None
    run = await runs.by_id(run_id)
    assert run is not None
    await session.refresh(run)
    action = RunAction.COMPLETED if status is RunStatus.COMPLETED else RunAction.FAILED
    after = {"status": run.status, "parts_done": run.parts_done, "counts": run.counts, "deleted": run.deleted}
    await AuditTrail(session).append(SYSTEM, action, action.entity_type, run.id, run.contract_id, after=after)
    return run


async def fail(run_id: UUID, problem: dict[str, Any], kinds: EventKinds, at: Any, session: WriteSession) -> None:
    """End a run that cannot go on, and announce it."""
    run = await end(session, run_id, RunStatus.FAILED, at, problem=problem)
    if run is not None:
        await announce(session, kinds, RUN_FAILED, run, f"A {run.kind} under {run.contract_id} could not go on")


async def announce(
    session: WriteSession, kinds: EventKinds, kind: EventKind, run: IngestionRunRow, subject: str
) -> None:
    """Announce what became of a run."""
    detail = (run.problem or {}).get("detail", f"{run.parts_done} parts, {run.deleted} rows went.")
    payload = {
        "run_id": run.id,
        "kind": run.kind,
        "contract_id": run.contract_id,
        "parts_done": run.parts_done,
        "deleted": run.deleted,
        "started_by": run.actor_label,
        "code": (run.problem or {}).get("code"),
    }
    await Announcements(session, kinds).announce(
        kind, subject, str(detail), payload, f"ingestion-run/{run.id}/{kind.name}"
    )
