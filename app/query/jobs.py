"""Background entry points of queries: lost executions get an end, values get an index."""

from datetime import timedelta

from app.kernel.db.database import OperationClass
from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.query.execute import ExecuteService
from app.query.values.building import ValueIndexing

LOST_JOB = "query:end-lost-executions"
VALUES_JOB = "query:index-values"


async def end_lost_executions(context: JobContext) -> None:
    """Give executions an end whose process died."""
    await context.progress(ended=await context.resources.build(ExecuteService).end_lost())


async def index_values(context: JobContext) -> None:
    """Index the values of tables that can be queried."""
    await context.progress(tables=await context.resources.build(ValueIndexing).build())


JOBS = (
    JobDefinition(name=LOST_JOB, handler=end_lost_executions, operation=OperationClass.RECORD),
    JobDefinition(name=VALUES_JOB, handler=index_values, max_starts=3, timeout=timedelta(hours=2), concurrency=1),
)
SCHEDULES = (
    Schedule(name="end-lost-executions", cron="*/5 * * * *", job=LOST_JOB),
    Schedule(name="index-values", cron="* * * * *", job=VALUES_JOB),
)
