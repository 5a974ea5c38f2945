"""Background entry points of ingestion."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.ingestion.deferred import MERGE_JOB, MERGE_STARTS, DeferredBatchService
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission

TIDY_JOB = "ingestion:tidy"


async def merge(context: JobContext) -> None:
    """Merge a batch that was accepted for later."""
    await context.resources.build(DeferredBatchService).merge(context)


async def end_batch(resources: Resources, session: WriteSession, _: Actor, payload: Mapping[str, Any]) -> None:
    """Fail the batch whose job is cancelled; its sender answers for the batch, whoever cancels."""
    await resources.build(DeferredBatchService).cancel_with_job(session, UUID(payload["batch_id"]))


async def tidy(context: JobContext) -> None:
    """Clear up after processes that died."""
    await context.resources.build(DeferredBatchService).tidy(context)


JOBS = (
    JobDefinition(
        name=MERGE_JOB,
        handler=merge,
        max_starts=MERGE_STARTS,
        timeout=timedelta(hours=6),
        record=JobRecord(permission=Permission.INGESTION_WRITE, end=end_batch),
    ),
    JobDefinition(name=TIDY_JOB, handler=tidy),
)
SCHEDULES = (Schedule(name="tidy-ingestion", cron="47 3 * * *", job=TIDY_JOB),)
