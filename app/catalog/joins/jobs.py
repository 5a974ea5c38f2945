"""Background entry points of joins: a look at all tables, and the look that follows what was written."""

from datetime import timedelta
from typing import Final

from app.catalog.joins.refreshing import JoinRefresh
from app.catalog.joins.service import REFRESH_JOB
from app.kernel.jobs import JobContext, JobDefinition, Schedule

FOLLOW_JOB: Final = "joins:follow"


async def refresh(context: JobContext) -> None:
    """Look at all tables."""
    await _refresh(context, thorough=True)


async def follow(context: JobContext) -> None:
    """Look at tables in which something was written, or which stand for their name since lately."""
    await _refresh(context, thorough=False)


async def _refresh(context: JobContext, *, thorough: bool) -> None:
    async def told(done: int, total: int) -> None:
        await context.progress(done=done, total=total, unit="tables")

    found = await context.resources.build(JoinRefresh).refresh(told, thorough=thorough)
    await context.progress(
        done=found.tables,
        total=found.tables,
        unit="tables",
        changed=found.changed,
        candidates=found.candidates,
        remeasured=found.remeasured,
        decayed=found.decayed,
    )


_LONGEST: Final = timedelta(hours=6)
JOBS: Final = (
    JobDefinition(name=REFRESH_JOB, handler=refresh, max_starts=3, timeout=_LONGEST, concurrency=1),
    JobDefinition(name=FOLLOW_JOB, handler=follow, max_starts=3, timeout=_LONGEST, concurrency=1),
)
SCHEDULES: Final = (
    Schedule(name="refresh-join-candidates", cron="47 3 * * *", job=REFRESH_JOB),
    Schedule(name="follow-what-joins-rest-on", cron="*/5 * * * *", job=FOLLOW_JOB),
)
"""At night, when little is read, all tables; and every five minutes those that batches or promotions touched."""
