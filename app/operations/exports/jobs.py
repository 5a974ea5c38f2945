"""Background entry points of exports."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.operations.exports.endings import Endings
from app.operations.exports.expiry import expire_exports, tidy
from app.operations.exports.states import EXPORT_JOB
from app.operations.exports.work import STARTS, ExportWork

EXPIRE_JOB = "exports:expire"
TIDY_JOB = "exports:tidy"


async def make(context: JobContext) -> None:
    """Make an export."""
    await ExportWork(context).run()


async def end_export(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Cancel the export whose job is cancelled."""
    await resources.build(Endings, session).cancel_with_job(actor, UUID(payload["export_id"]))


async def expire(context: JobContext) -> None:
    """Remove the files whose time is over."""
    removed = await expire_exports(context.database, context.resources.storage)
    await context.progress(removed=removed.exports, bytes=removed.bytes)


JOBS = (
    JobDefinition(
        name=EXPORT_JOB,
        handler=make,
        max_starts=STARTS,
        timeout=timedelta(hours=12),
        concurrency=4,
        record=JobRecord(permission=Permission.EXPORTS_RUN, end=end_export),
    ),
    JobDefinition(name=EXPIRE_JOB, handler=expire),
    JobDefinition(name=TIDY_JOB, handler=tidy),
)
SCHEDULES = (
    Schedule(name="expire-exports", cron="*/10 * * * *", job=EXPIRE_JOB),
    Schedule(name="tidy-exports", cron="7-59/10 * * * *", job=TIDY_JOB),
)
