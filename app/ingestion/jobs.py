"""Background entry points of ingestion."""

from datetime import timedelta

from app.ingestion.deferred import MERGE_JOB, MERGE_STARTS, DeferredBatchService
from app.kernel.jobs import JobContext, JobDefinition, Schedule

TIDY_JOB = "ingestion:tidy"


async def merge(context: JobContext) -> None:
    """Merge a batch that was accepted for later."""
    await context.resources.build(DeferredBatchService).merge(context)


async def tidy(context: JobContext) -> None:
    """Clear up after processes that died."""
    await context.resources.build(DeferredBatchService).tidy(context)


JOBS = (
    JobDefinition(name=MERGE_JOB, handler=merge, max_starts=MERGE_STARTS, timeout=timedelta(hours=6)),
    JobDefinition(name=TIDY_JOB, handler=tidy),
)
SCHEDULES = (Schedule(name="tidy-ingestion", cron="47 3 * * *", job=TIDY_JOB),)
