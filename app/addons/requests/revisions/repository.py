"""All SQL of revisions and of validation runs.

Versions and numbers are taken while the request's row is locked by the caller; the unique constraints hold them too.
A run is RUNNING only by `take_slot`, which counts under one lock for all workers.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, func, or_, select, update
from sqlalchemy.orm import defer

from app.addons.requests.revisions.models import OPEN, TARevision, ValidationRun, ValidationStatus
from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun, JobState
from app.kernel.paging import Page, PageRequest

_SLOTS = "spyne.addon-validations"
_OPEN = [status.value for status in OPEN]


class RevisionReads(Reading[TARevision]):
    """Reads revisions."""

    model = TARevision

    async def matching(self, request_id: UUID, request: PageRequest) -> Page[TARevision]:
        """A page of the revisions of a request, newest first; their large columns are not loaded."""
        large = [defer(each, raiseload=True) for each in (TARevision.report, TARevision.files, TARevision.knowledge)]
        return await self.page(self.base().where(TARevision.request_id == request_id).options(*large), request)

    async def of_version(self, request_id: UUID, version: int) -> TARevision | None:
        """The revision of this version."""
        return await self.maybe(self.base().where(TARevision.request_id == request_id, TARevision.version == version))

    async def newest(self, request_id: UUID) -> TARevision | None:
        """The revision of the highest version."""
        statement = self.base().where(TARevision.request_id == request_id)
        return await self.maybe(statement.order_by(TARevision.version.desc()).limit(1))

    async def knows(self, revision_id: UUID) -> bool:
        """Whether there is such a revision whose archive is kept."""
        kept = select(TARevision.id).where(TARevision.id == revision_id, TARevision.object_key.is_not(None))
        return bool(await self.count(kept))


class RevisionWrites(Writing[TARevision], RevisionReads):
    """Adds revisions."""


class ValidationReads(Reading[ValidationRun]):
    """Reads validation runs."""

    model = ValidationRun

    async def matching(self, request_id: UUID, request: PageRequest) -> Page[ValidationRun]:
        """A page of the validation runs of a request, newest first; their reports are not loaded."""
        of_request = self.base().where(ValidationRun.request_id == request_id)
        return await self.page(of_request.options(defer(ValidationRun.report, raiseload=True)), request)

    async def of_number(self, request_id: UUID, number: int) -> ValidationRun | None:
        """The run of this number."""
        return await self.maybe(
            self.base().where(ValidationRun.request_id == request_id, ValidationRun.number == number)
        )

    async def open_of(self, revision_id: UUID) -> ValidationRun | None:
        """A run of the revision that is not over."""
        statement = self.base().where(ValidationRun.revision_id == revision_id, ValidationRun.status.in_(_OPEN))
        return await self.maybe(statement.order_by(ValidationRun.id).limit(1))

    async def last_number(self, request_id: UUID) -> int:
        """The highest number of the request's runs; 0 when there is none."""
        statement = select(func.coalesce(func.max(ValidationRun.number), 0))
        return int((await self.session.execute(statement.where(ValidationRun.request_id == request_id))).scalar_one())

    async def stranded(self) -> Sequence[UUID]:
        """Runs that are open although the job of theirs is over."""
        going = select(JobRun.id).where(JobRun.id == ValidationRun.job_id, JobRun.state.in_(OPEN_STATES))
        statement = select(ValidationRun.id).where(ValidationRun.status.in_(_OPEN), ~going.exists())
        return await self.all(statement.order_by(ValidationRun.id))


class ValidationWrites(Writing[ValidationRun], ValidationReads):
    """Adds and changes validation runs."""

    async def locked(self, run_id: UUID) -> ValidationRun | None:
        """The run, which nobody else changes before this transaction ends."""
        locking = self.base().where(ValidationRun.id == run_id).with_for_update()
        return await self.maybe(locking.execution_options(populate_existing=True))

    async def take_slot(self, run: ValidationRun, attempt: int, slots: int, lease: timedelta) -> bool:
        """Whether the locked run is RUNNING now, by this start of its job: there was a free slot, or the run had one.

        Slots are counted under one lock. Those of runs whose worker has given no sign of life for a lease are free:
        such a run waits again, and takes a slot when its job is started again.
        """
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_SLOTS, 0))))
        if run.status != ValidationStatus.RUNNING.value:
            await self._free_slots_of_the_dead(lease)
            running = select(ValidationRun.id).where(ValidationRun.status == ValidationStatus.RUNNING.value)
            if await self.count(running) >= slots:
                return False
        run.status, run.attempt = ValidationStatus.RUNNING.value, attempt
        run.started_at = await self.now()
        await self.session.flush()
        return True

    async def _free_slots_of_the_dead(self, lease: timedelta) -> None:
        dead = or_(JobRun.state != JobState.RUNNING.value, JobRun.heartbeat_at < func.now() - lease)
        jobs = select(JobRun.id).where(JobRun.id == ValidationRun.job_id, dead)
        freed = (
            update(ValidationRun)
            .where(ValidationRun.status == ValidationStatus.RUNNING.value, jobs.exists())
            .values(status=ValidationStatus.QUEUED.value)
            .execution_options(synchronize_session=False)
        )
        await self.session.execute(freed)

    async def now(self) -> datetime:
        """The database's clock."""
        clock = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self.session.execute(clock)).scalar_one()
