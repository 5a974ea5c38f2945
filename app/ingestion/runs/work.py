"""A run in the background: part after part, each a transaction of its own, from wherever the last start came to.

A part and the note that it is done are committed together, so a process that dies at any point leaves whole parts, and
the next one goes on with the first that is missing.
"""

from functools import partial
from uuid import UUID

from app.ingestion.configuration import batch_rules
from app.ingestion.deferred import ready_or_later
from app.ingestion.history import batch_report
from app.ingestion.merging import count_rows
from app.ingestion.models import BatchRow
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.applying import Parts, RunStopped, Tools
from app.ingestion.runs.endings import RunEndings
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import OPEN, Action, RunKind
from app.ingestion.runs.problems import RunFailed
from app.ingestion.runs.repository import RunReads
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, judge
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem, Unavailable
from app.kernel.telemetry.metrics import BACKFILL_ROWS, REPLAYS

RUN_STARTS = 5
"""Starts that one part may fail before the run is given up: each goes on with the first part that is missing."""


class RunWork:
    """A start of a run."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._tools = tools_of(context)
        self._run_id = UUID(context.payload["run_id"])

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
        batch = await Parts(session, self._tools).next(run)
        return None if batch is None else (run, batch)

    def _count(self, run: IngestionRunRow, batch: BatchRow) -> None:
        """Count a committed part in the metrics."""
        if batch.kind != Action.ROLLBACK:
            count_rows(batch_report(batch).model_copy(update={"lag_seconds": None}))  # old rows are no news
        if batch.kind == Action.REPLAY:
            REPLAYS.labels(run.contract_id).inc()
        if run.kind == RunKind.BACKFILL:
            BACKFILL_ROWS.labels(run.contract_id).inc(batch.rows_received)

    async def _complete(self, session: WriteSession) -> None:
        await RunEndings(session, self._tools.kinds, self._tools.clock).complete(self._run_id)

    async def _fail(self, refusal: Problem) -> None:
        await self._context.apply(partial(_fail, self._tools, self._run_id, refusal, self._context.correlation_id))


class LostRuns:
    """Ends runs whose job ended without them: it died on every start."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._tools = tools_of(context)

    async def end(self) -> None:
        """Fail what is lost; parts that were done stay."""
        async with self._context.database.read() as session:
            lost = await RunReads(session).lost()
        refusal = RunFailed("Its job ended before it.")
        for run_id in lost:
            await self._context.apply(partial(_fail, self._tools, run_id, refusal, self._context.correlation_id))
        await self._context.progress(done=len(lost), total=len(lost), unit="runs")


async def _fail(tools: Tools, run_id: UUID, refusal: Problem, correlation: str | None, session: WriteSession) -> None:
    await RunEndings(session, tools.kinds, tools.clock).fail(run_id, refusal, correlation)


def tools_of(context: JobContext) -> Tools:
    """What the parts of a job's run are done with."""
    resources = context.resources
    rules = batch_rules(resources.configuration)
    kinds = resources.extensions.of(EventKinds)
    return Tools(resources.database, resources.storage, rules, kinds, resources.clock)
