"""Housekeeping in the background."""

from datetime import timedelta

from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.operations.configuration.keys import TEMPORARY_KEPT_SECONDS
from app.operations.housekeeping.daily_checks import verify_log, warn_of_keys

SWEEP_JOB = "operations:sweep-temporary-objects"
VERIFY_JOB = "operations:verify-audit-log"
KEYS_JOB = "operations:warn-of-keys"


async def sweep_temporary_objects(context: JobContext) -> None:
    """Remove objects whose writer died before it published them."""
    kept = timedelta(seconds=context.resources.configured(TEMPORARY_KEPT_SECONDS))
    await context.progress(removed=await context.resources.storage.sweep_temporary(kept))


JOBS = (
    JobDefinition(name=SWEEP_JOB, handler=sweep_temporary_objects),
    JobDefinition(name=VERIFY_JOB, handler=verify_log, timeout=timedelta(hours=6)),
    JobDefinition(name=KEYS_JOB, handler=warn_of_keys),
)
SCHEDULES = (
    Schedule(name="sweep-temporary-objects", cron="17 3 * * *", job=SWEEP_JOB),
    Schedule(name="verify-audit-log", cron="27 4 * * *", job=VERIFY_JOB),
    Schedule(name="warn-of-keys", cron="7 6 * * *", job=KEYS_JOB),
)
