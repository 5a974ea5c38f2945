"""Background entry points of ingestion."""

from datetime import timedelta

from app.ingestion.service import MERGE_JOB, IngestService
from app.kernel.jobs import JobContext, JobDefinition


async def merge(context: JobContext) -> None:
    """Merge a batch that was accepted for later."""
    await IngestService(context.resources).merge_later(context)


JOBS = (JobDefinition(name=MERGE_JOB, handler=merge, timeout=timedelta(hours=6)),)
