"""Background entry points of ingestion."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.ingestion.deferred import MERGE_JOB, MERGE_STARTS, DeferredBatchService
from app.ingestion.runs.service import RUN_JOB, RunEnding
from app.ingestion.runs.work import RUN_STARTS, LostRuns, RunWork
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission

TIDY_JOB = "ingestion:tidy"
LOST_RUNS_JOB = "ingestion:end-lost-runs"


async def merge(context: JobContext) -> None:
    """Merge a batch that was accepted for later."""
    await context.resources.build(DeferredBatchService).merge(context)


async def end_batch(resources: Resources, session: WriteSession, _: Actor, payload: Mapping[str, Any]) -> None:
    """Fail the batch whose job is cancelled; its sender answers for the batch, whoever cancels."""
    await resources.build(DeferredBatchService).cancel_with_job(session, UUID(payload["batch_id"]))


async def tidy(context: JobContext) -> None:
    """Clear up after processes that died."""
    await context.resources.build(DeferredBatchService).tidy(context)


async def run(context: JobContext) -> None:
    """Do the parts of a run."""
    await RunWork(context).run()


async def end_run(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Cancel the run whose job is cancelled."""
    await resources.build(RunEnding, session).cancel_with_job(actor, UUID(payload["run_id"]))


async def end_lost_runs(context: JobContext) -> None:
    """End runs whose job is over."""
    await LostRuns(context).end()


JOBS = (
    JobDefinition(
        name=MERGE_JOB,
        handler=merge,
        max_starts=MERGE_STARTS,
        timeout=timedelta(hours=6),
        record=JobRecord(permission=Permission.INGESTION_WRITE, end=end_batch),
    ),
    JobDefinition(name=TIDY_JOB, handler=tidy),
    JobDefinition(
        name=RUN_JOB,
        handler=run,
        max_starts=RUN_STARTS,
        timeout=timedelta(hours=12),
        record=JobRecord(permission=Permission.INGESTION_REWRITE, end=end_run),
    ),
    JobDefinition(name=LOST_RUNS_JOB, handler=end_lost_runs),
)
SCHEDULES = (
    Schedule(name="tidy-ingestion", cron="47 3 * * *", job=TIDY_JOB),
    Schedule(name="end-lost-ingestion-runs", cron="3-59/5 * * * *", job=LOST_RUNS_JOB),
)
