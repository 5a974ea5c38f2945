"""Housekeeping of log-ins in the background."""

from app.access.login.lockout import KNOWN_FOR, horizon
from app.access.login.repository import LoginWrites
from app.kernel.jobs import JobContext, JobDefinition, Schedule

PURGE_JOB = "access:purge-log-ins"


async def purge_log_ins(context: JobContext) -> None:
    """Forget what is remembered of log-ins in vain. Sessions that are over are retention's (operations)."""
    resources = context.resources
    now = resources.clock()
    policy = resources.policy.current().lockout
    async with resources.database.write() as session:
        await LoginWrites(session).purge(now - horizon(policy), now - KNOWN_FOR, now)


JOBS = (JobDefinition(name=PURGE_JOB, handler=purge_log_ins),)
SCHEDULES = (Schedule(name="purge-log-ins", cron="41 3 * * *", job=PURGE_JOB),)
