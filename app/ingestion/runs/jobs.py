"""Background entry points of runs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.ingestion.runs.endings import RunEndings
from app.ingestion.runs.service import RUN_JOB
from app.ingestion.runs.work import RUN_STARTS, LostRuns, RunWork
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission

LOST_RUNS_JOB = "ingestion:end-lost-runs"


async def run(context: JobContext) -> None:
    """Do the parts of a run."""
    await RunWork(context).run()


async def end_run(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Cancel the run whose job is cancelled."""
    await resources.build(RunEndings, session).cancel_with_job(actor, UUID(payload["run_id"]))


async def end_lost_runs(context: JobContext) -> None:
    """End runs whose job is over."""
    await LostRuns(context).end()


JOBS = (
    JobDefinition(
        name=RUN_JOB,
        handler=run,
        max_starts=RUN_STARTS,
        timeout=timedelta(hours=12),
        record=JobRecord(permission=Permission.INGESTION_REWRITE, end=end_run),
    ),
    JobDefinition(name=LOST_RUNS_JOB, handler=end_lost_runs),
)
SCHEDULES = (Schedule(name="end-lost-ingestion-runs", cron="3-59/5 * * * *", job=LOST_RUNS_JOB),)
