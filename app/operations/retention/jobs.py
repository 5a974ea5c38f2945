"""Background entry points of retention."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.operations.retention.running import STARTS, Sweeping, begin_due_runs
from app.operations.retention.service import RUN_JOB, RetentionService

SWEEP_JOB = "retention:sweep"


async def run(context: JobContext) -> None:
    """Remove what a run is to remove."""
    await Sweeping(context).go()


async def end_run(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Cancel the run whose job is cancelled."""
    await resources.build(RetentionService, session).cancel_with_job(actor, UUID(payload["run_id"]))


JOBS = (
    JobDefinition(
        name=RUN_JOB,
        handler=run,
        max_starts=STARTS,
        timeout=timedelta(hours=12),
        record=JobRecord(permission=Permission.SYSTEM_WRITE, end=end_run),
    ),
    JobDefinition(name=SWEEP_JOB, handler=begin_due_runs),
)
SCHEDULES = (Schedule(name="retention", cron="11 2 * * *", job=SWEEP_JOB),)
