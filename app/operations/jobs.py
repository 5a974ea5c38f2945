"""Housekeeping in the background."""

from datetime import timedelta

from app.kernel.jobs import JobContext, JobDefinition, Schedule

SWEEP_JOB = "operations:sweep-temporary-objects"

ABANDONED_AFTER = timedelta(days=1)
"""No upload runs for that long: what is unpublished by then was left by a process that died."""


async def sweep_temporary_objects(context: JobContext) -> None:
    """Remove objects whose writer died before it published them."""
    await context.progress(removed=await context.resources.storage.sweep_temporary(ABANDONED_AFTER))


JOBS = (JobDefinition(name=SWEEP_JOB, handler=sweep_temporary_objects),)
SCHEDULES = (Schedule(name="sweep-temporary-objects", cron="17 3 * * *", job=SWEEP_JOB),)
