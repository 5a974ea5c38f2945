"""Background entry points of drift: the daily look at adopted relations becomes reports."""

from datetime import timedelta
from typing import Final

from app.catalog.baselines.look import look
from app.catalog.baselines.service import Look
from app.catalog.drift_reports.looking import RelationDrift
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.kernel.ports.events import EventKinds

LOOK_JOB: Final = "drift:look-at-relations"


async def look_at_relations(context: JobContext) -> None:
    """Look at all adopted relations, and report what changed of them."""
    resources = context.resources
    drift = RelationDrift(resources.extensions.of(EventKinds), resources.clock)

    async def record(session: WriteSession, found: Look) -> None:
        await drift.record(session, found)

    findings = await look(resources.database, resources.clock, record)
    await context.progress(changed=len(findings))


JOBS: Final = (JobDefinition(name=LOOK_JOB, handler=look_at_relations, max_starts=3, timeout=timedelta(hours=1)),)
SCHEDULES: Final = (Schedule(name="look-at-adopted-relations", cron="23 5 * * *", job=LOOK_JOB),)
"""After the nightly loads that usually alter tables, before people come to work."""
