"""Use cases of jobs: shown to those who caused them and to those who run the service, and cancelled by them."""

from functools import partial
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import OperationClass, ReadSession, Units, WriteSession
from app.kernel.jobs import JobDefinition, JobState
from app.kernel.jobs import cancel as cancel_job
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.operations.jobs.actions import ENTITY, JobAction
from app.operations.jobs.kinds import JobKinds
from app.operations.jobs.permissions import require_cancelling, visible
from app.operations.jobs.problems import JobIsOver, UnknownJobKind
from app.operations.jobs.repository import JobFilter, JobReads
from app.operations.jobs.schemas import JobDocument


class JobViews:
    """Shows jobs, in the caller's session."""

    def __init__(self, session: ReadSession, kinds: JobKinds, clock: Clock) -> None:
        self._jobs = JobReads(session)
        self._kinds = kinds
        self._clock = clock

    async def get(self, actor: Actor, job_id: UUID) -> JobDocument:
        """The job. Raises `JobNotFound`."""
        job = visible(actor, await self._jobs.by_id(job_id))
        return JobDocument.of(job, self._kinds.get(job.name), self._clock())

    async def page(self, actor: Actor, wanted: JobFilter, request: PageRequest) -> Page[JobDocument]:
        """A page of jobs, newest first: the actor's own, or everybody's for who runs the service."""
        owner = None if actor.may(Permission.SYSTEM_READ) else (actor.kind.value, actor.id)
        found, now = await self._jobs.matching(wanted, owner, request), self._clock()
        return found.shaped(lambda job: JobDocument.of(job, self._kinds.get(job.name), now))


class JobService:
    """Cancels jobs, in transactions of its own: of which class, the kind of the job decides."""

    def __init__(self, units: Units, resources: Resources, kinds: JobKinds, clock: Clock) -> None:
        """Binds to all of the process's resources, since what stands for a job is ended by its own domain's service."""
        self._units = units
        self._resources = resources
        self._kinds = kinds
        self._clock = clock

    async def cancel(self, actor: Actor, job_id: UUID, reason: str) -> JobDocument:
        """The job, whose end is asked for; what stands for it has ended. Asking again changes nothing.

        Possible in every mode, but where something stands for the job that the mode does not let anybody change.

        Raises:
            JobNotFound: there is no such job for the actor.
            Forbidden: the actor may not end this job, or what stands for it.
            UnknownJobKind: this process cannot tell what stands for it.
            JobIsOver: the job came to another end.
            Unavailable: the mode does not let what stands for it be changed.
        """
        async with self._units.read() as session:
            job = visible(actor, await JobReads(session).by_id(job_id))
        kind = self._kinds.get(job.name)
        if kind is None:
            raise UnknownJobKind(job.name)
        require_cancelling(actor, job, kind)
        operation = OperationClass.CONTROL if kind.record is None else kind.operation
        return await self._units.run(partial(self._cancel, actor, job_id, kind, reason), operation)

    async def _cancel(
        self, actor: Actor, job_id: UUID, kind: JobDefinition, reason: str, session: WriteSession
    ) -> JobDocument:
        job = visible(actor, await JobReads(session).by_id(job_id))
        asked_before = job.state in OPEN_STATES and job.cancel_requested_at is not None
        if not asked_before and job.state != JobState.CANCELLED:
            await self._end(actor, job, kind, reason, session)
            await session.refresh(job)
        return JobDocument.of(job, kind, self._clock())

    async def _end(self, actor: Actor, job: JobRun, kind: JobDefinition, reason: str, session: WriteSession) -> None:
        """Ask for the end of an open job, or undo all of it with `JobIsOver`.

        What stands for the job comes first: its own operations take the two rows in this order.
        """
        if kind.record is not None:
            await kind.record.end(self._resources, session, actor, job.payload)
        if not await cancel_job(session, job.id):
            await session.refresh(job)  # it may have ended this moment
            raise JobIsOver(JobState(job.state))
        after = {"state": job.state, "reason": reason}
        await AuditTrail(session).append(actor, JobAction.CANCELLED, ENTITY, job.id, job.name, after=after)
