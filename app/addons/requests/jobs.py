"""Background entry points of requests for add-ons, and what ends when one of their jobs does."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.addons.requests.generating import STARTS, Generation, WorkGivenUp, fail_request
from app.addons.requests.revisions.models import ValidationStatus
from app.addons.requests.revisions.repository import RevisionReads, ValidationReads, ValidationWrites
from app.addons.requests.revisions.starting import VALIDATE_JOB
from app.addons.requests.samples.repository import SampleReads
from app.addons.requests.samples.service import PREFIX
from app.addons.requests.service import GENERATE_JOB
from app.addons.requests.tracking.moving import Cause
from app.addons.requests.tracking.repository import RequestReads, RequestWrites
from app.addons.requests.tracking.workflow import Reasons
from app.addons.requests.validating import Ended, Validation, end_run, lock_request_of
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.jobs import JobContext, JobDefinition, JobRecord, Schedule
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.settings import Settings

TIDY_JOB: Final = "addons:tidy"

ABANDONED_AFTER: Final = timedelta(days=1)
"""Nothing is uploaded or generated for that long: an object without a row was left by a process that died."""

_SLACK: Final = timedelta(minutes=5)
"""What a job does beside the work that `ADDONS_WORK_SECONDS` bounds."""


class JobCancelled(Problem):
    """Somebody cancelled the job."""

    code, title, status = Reasons.CANCELLED.value, "The job was cancelled", 409


async def generate(context: JobContext) -> None:
    """Generate the package of an approved request."""
    await Generation(context).run()


async def validate(context: JobContext) -> None:
    """Validate a revision."""
    await Validation(context).run()


async def end_generation(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Let the request fail whose generation is cancelled."""
    row = await RequestWrites(session).locked(UUID(payload["request_id"]))
    if row is not None:
        cause = Cause(f"The job was cancelled by {actor.label}.", Reasons.CANCELLED.value)
        await fail_request(session, resources.extensions.of(EventKinds), row, cause)


async def end_validation(resources: Resources, session: WriteSession, actor: Actor, payload: Mapping[str, Any]) -> None:
    """Let the run fail whose job is cancelled, and the request that waits for it."""
    error = JobCancelled(f"The job was cancelled by {actor.label}.")
    await _end_if_open(resources, UUID(payload["run_id"]), error, session)


async def _end_if_open(resources: Resources, run_id: UUID, error: Problem, session: WriteSession) -> None:
    request = await lock_request_of(session, run_id)
    run = await ValidationWrites(session).locked(run_id)
    if request is None or run is None or run.finished_at is not None:
        return
    kinds = resources.extensions.of(EventKinds)
    await end_run(session, kinds, request, run, Ended(ValidationStatus.FAILED, error=error))


async def tidy(context: JobContext) -> None:
    """End requests and runs whose job ended without them, and remove objects that no row names."""
    async with context.database.read() as session:
        runs, requests = await ValidationReads(session).stranded(), await RequestReads(session).stranded()
    for run_id in runs:
        await context.apply(partial(_give_up_run, context.resources, run_id))
    for request_id in requests:
        await context.apply(partial(_give_up, context.resources, request_id))
    storage, removed = context.resources.storage, 0
    before = context.resources.clock() - ABANDONED_AFTER
    async for info in storage.list(PREFIX):
        if info.modified_at < before:
            async with context.database.read() as session:
                named = await _is_named(session, info.key)
            if not named:
                await storage.delete(info.key)
                removed += 1
    await context.progress(given_up=len(runs) + len(requests), removed=removed)


async def _give_up_run(resources: Resources, run_id: UUID, session: WriteSession) -> None:
    if run_id in await ValidationReads(session).stranded():  # it may have ended since the look
        await _end_if_open(resources, run_id, WorkGivenUp(), session)


async def _give_up(resources: Resources, request_id: UUID, session: WriteSession) -> None:
    row = await RequestWrites(session).locked(request_id)
    if row is not None and row.id in await RequestReads(session).stranded():
        error = WorkGivenUp()
        await fail_request(session, resources.extensions.of(EventKinds), row, Cause(error.detail, error.code))


async def _is_named(session: ReadSession, key: str) -> bool:
    """Whether a sample or revision names the object: `addons/<request>/samples/<id>`, `…/revisions/<id>`."""
    kind, _, id_ = key.rpartition("/")
    try:
        row_id = UUID(id_)
    except ValueError:
        return False
    if kind.endswith("/samples"):
        return await SampleReads(session).knows(row_id)
    return await RevisionReads(session).knows(row_id)


def jobs(settings: Settings) -> Sequence[JobDefinition]:
    """The jobs of the plane. The queue's own limit keeps validations that could not begin from being looked at."""
    timeout = timedelta(seconds=settings.addons.work_seconds) + _SLACK
    permission = Permission.ADDONS_REQUEST
    return (
        JobDefinition(
            name=GENERATE_JOB,
            handler=generate,
            max_starts=STARTS,
            timeout=timeout + timedelta(seconds=settings.addons.work_seconds),  # a proposal is judged as well
            concurrency=4,
            record=JobRecord(permission=permission, end=end_generation),
        ),
        JobDefinition(
            name=VALIDATE_JOB,
            handler=validate,
            max_starts=STARTS,
            timeout=timeout,
            concurrency=settings.addons.max_parallel_validations,
            record=JobRecord(permission=permission, end=end_validation),
        ),
        JobDefinition(name=TIDY_JOB, handler=tidy),
    )


SCHEDULES: Final = (Schedule(name="tidy-addons", cron="3-59/10 * * * *", job=TIDY_JOB),)
