"""Housekeeping of log-ins in the background."""

from datetime import timedelta

from app.access.login.lockout import KNOWN_FOR, horizon
from app.access.login.repository import LoginRecords
from app.access.sessions.repository import PURGE_AT_ONCE, SessionRepository
from app.kernel.jobs import JobContext, JobDefinition, Schedule

PURGE_JOB = "access:purge-log-ins"

KEPT_AFTER_END = timedelta(days=7)
"""A session is kept for a week after its last possible moment, for whoever looks into what happened."""


async def purge_log_ins(context: JobContext) -> None:
    """Remove sessions, with their refresh tokens, that are long over, and what is remembered of log-ins in vain."""
    resources = context.resources
    now = resources.clock()
    policy = resources.policy.current().lockout
    removed, some = 0, PURGE_AT_ONCE
    while some == PURGE_AT_ONCE:
        async with resources.database.write() as session:
            some = await SessionRepository(session).purge(now - KEPT_AFTER_END)
        removed += some
    async with resources.database.write() as session:
        await LoginRecords(session).purge(now - horizon(policy), now - KNOWN_FOR, now)
    await context.progress(sessions=removed)


JOBS = (JobDefinition(name=PURGE_JOB, handler=purge_log_ins),)
SCHEDULES = (Schedule(name="purge-log-ins", cron="41 3 * * *", job=PURGE_JOB),)
