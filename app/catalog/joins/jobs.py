"""Background entry point of joins: a look at tables, as deep as the payload says."""

from datetime import timedelta
from typing import Final

from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.refreshing import JoinRefresh
from app.catalog.joins.service import REFRESH_JOB
from app.kernel.jobs import JobContext, JobDefinition, Schedule

DEPTH: Final = "depth"
"""In the payload: the name of a `Depth`; all tables where it is absent."""


async def refresh(context: JobContext) -> None:
    """Look at tables, and keep the candidates that follow."""

    async def told(done: int, total: int) -> None:
        await context.progress(done=done, total=total, unit="tables")

    depth = Depth[context.payload.get(DEPTH, Depth.ALL.name)]
    found = await context.resources.build(JoinRefresh).refresh(told, depth)
    await context.progress(
        done=found.tables,
        total=found.tables,
        unit="tables",
        changed=found.changed,
        candidates=found.candidates,
        remeasured=found.remeasured,
        decayed=found.decayed,
    )


JOBS: Final = (
    JobDefinition(name=REFRESH_JOB, handler=refresh, max_starts=3, timeout=timedelta(hours=6), concurrency=1),
)
SCHEDULES: Final = (
    Schedule(name="look-for-joins-anew", cron="47 3 * * *", job=REFRESH_JOB, payload={DEPTH: Depth.ANEW.name}),
    Schedule(
        name="follow-what-joins-rest-on", cron="*/5 * * * *", job=REFRESH_JOB, payload={DEPTH: Depth.TOUCHED.name}
    ),
)
"""At night, when little is read, all tables anew; and every five minutes those that batches or promotions touched."""
