"""Background entry points of retention."""

from datetime import timedelta

from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.operations.retention.running import STARTS, Sweeping, begin_due_runs
from app.operations.retention.service import RUN_JOB

SWEEP_JOB = "retention:sweep"


async def run(context: JobContext) -> None:
    """Remove what a run is to remove."""
    await Sweeping(context).go()


JOBS = (
    JobDefinition(name=RUN_JOB, handler=run, max_starts=STARTS, timeout=timedelta(hours=12)),
    JobDefinition(name=SWEEP_JOB, handler=begin_due_runs),
)
SCHEDULES = (Schedule(name="retention", cron="11 2 * * *", job=SWEEP_JOB),)
