"""Background entry points of retention."""

from datetime import timedelta

from app.kernel.jobs import JobContext, JobDefinition
from app.kernel.jobs import Schedule as Clock
from app.operations.retention.running import STARTS, Schedule, Sweeping
from app.operations.retention.service import RUN_JOB

SWEEP_JOB = "retention:sweep"


async def run(context: JobContext) -> None:
    """Remove what a run is to remove."""
    await Sweeping(context).go()


async def sweep(context: JobContext) -> None:
    """Begin a run for each enabled rule."""
    await Schedule(context).go()


JOBS = (
    JobDefinition(name=RUN_JOB, handler=run, max_starts=STARTS, timeout=timedelta(hours=12)),
    JobDefinition(name=SWEEP_JOB, handler=sweep),
)
SCHEDULES = (Clock(name="retention", cron="11 2 * * *", job=SWEEP_JOB),)
