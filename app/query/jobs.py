"""Housekeeping of queries in the background."""

from app.kernel.db.database import OperationClass
from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.query.execute import ExecuteService

LOST_JOB = "query:end-lost-executions"


async def end_lost_executions(context: JobContext) -> None:
    """Give executions an end whose process died."""
    await context.progress(ended=await context.resources.build(ExecuteService).end_lost())


JOBS = (JobDefinition(name=LOST_JOB, handler=end_lost_executions, operation=OperationClass.RECORD),)
SCHEDULES = (Schedule(name="end-lost-executions", cron="*/5 * * * *", job=LOST_JOB),)
