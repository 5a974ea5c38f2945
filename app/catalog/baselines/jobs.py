"""The daily look at adopted relations. What is found is recorded by a plane above, whose domain declares the job."""

from typing import Final

from app.catalog.baselines.look import Recorder, look
from app.kernel.jobs import JobContext, JobDefinition, Schedule

LOOK_JOB: Final = "baselines:look"

SCHEDULES: Final = (Schedule(name="look-at-adopted-relations", cron="23 5 * * *", job=LOOK_JOB),)
"""After the nightly loads that usually alter tables, before people come to work."""


def look_job(record: Recorder) -> JobDefinition:
    """The job that looks at all adopted relations and hands what it finds to the recorder."""

    async def look_at_relations(context: JobContext) -> None:
        resources = context.resources
        findings = await look(resources.database, resources.clock, record)
        await context.progress(changed=len(findings))

    return JobDefinition(name=LOOK_JOB, handler=look_at_relations, max_starts=3, concurrency=1)
