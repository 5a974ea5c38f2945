"""Validates a revision, and completes the request that waits for it, in one transaction with the run's end.

A run is RUNNING by taking one of few slots, which are counted in the database (`ValidationWrites.take_slot`), so that
no number of workers runs more at once, nor a worker that is killed keeps a slot for longer than a lease.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.addons.requests.generating import STARTS, SamplesGone, WorkGivenUp, fail_request
from app.addons.requests.inspecting import with_inspection
from app.addons.requests.revisions.models import TARevision, ValidationRun, ValidationStatus
from app.addons.requests.revisions.packages import KeptRevision, Packages
from app.addons.requests.revisions.repository import RevisionReads, ValidationWrites
from app.addons.requests.samples.reading import read_samples
from app.addons.requests.samples.repository import SampleReads
from app.addons.requests.sandboxing import with_sandbox
from app.addons.requests.tracking.actions import VALIDATION, AddonAction
from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.moving import Cause, RequestMoves
from app.addons.requests.tracking.repository import RequestReads, RequestWrites
from app.addons.requests.tracking.workflow import RequestAction, RequestStatus
from app.addons.requests.work import AddonWork, CheckedPackage
from app.addons.sandbox.trial import Sandbox
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, judge
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem, Unavailable
from app.kernel.security.authorization import SYSTEM
from app.kernel.telemetry.metrics import counter

VALIDATIONS: Final = counter("spyne_addon_validations_total", "Validation runs that ended, by how.", "status")

NOT_PASSED: Final = "validation-failed"
"""Reason code of a request whose package did not pass."""


class AllSlotsTaken(Unavailable):
    """As many validation runs are under way as may be at once."""

    code, title = "validation-slots-taken", "As many validation runs are under way as may be at once"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    status: ValidationStatus
    report: dict[str, Any] | None = None
    error: Problem | None = None

    @property
    def cause(self) -> Cause:
        """What the request is told when the run has not passed."""
        if self.error is not None:
            return Cause(self.error.detail, str(self.error.fields.get("reason_code", self.error.code)))
        return Cause("The package did not pass its validation; the report says where.", NOT_PASSED)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be validated."""

    revision: TARevision
    sourcetype: str | None


class Validation:
    """A start of the job of a validation run."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._storage = context.resources.storage
        self._packages = Packages(context.resources.storage)
        self._settings = context.resources.settings
        self._work = AddonWork(self._settings.addons)
        self._kinds = context.resources.extensions.of(EventKinds)
        self._id = UUID(context.payload["run_id"])

    async def run(self) -> None:
        """Validate the revision; harmless when the run is over already.

        Raises:
            AllSlotsTaken: later.
            Superseded, Unavailable: not here, not now.
            Unwanted: the run was ended meanwhile.
            Exception: any other counts as a failed start.
        """
        task = await self._context.apply(self._begin)
        if task is None:
            return
        try:
            checked = await self._check(task)
            passed = ValidationStatus.PASSED if checked.passed else ValidationStatus.FAILED
            await self._end(Ended(passed, checked.report))
        except (Superseded, Unavailable, Unwanted):
            raise
        except Problem as refusal:
            await self._end(Ended(ValidationStatus.FAILED, error=refusal))
        except Exception as error:
            if judge(error, self._context.starts, STARTS) is Ending.FAILED:
                await self._end(Ended(ValidationStatus.FAILED, error=WorkGivenUp()))
            raise

    async def _begin(self, session: WriteSession) -> _Task | None:
        validations = ValidationWrites(session)
        run = await validations.locked(self._id)
        if run is None or ValidationStatus(run.status) not in {ValidationStatus.QUEUED, ValidationStatus.RUNNING}:
            return None
        slots = self._settings.addons.max_parallel_validations
        lease = timedelta(seconds=self._settings.jobs.lease_seconds)
        if not await validations.take_slot(run, self._context.attempt, slots, lease):
            raise AllSlotsTaken(f"{slots} validation runs are under way.")
        revision = await RevisionReads(session).by_id(run.revision_id)
        request = await RequestReads(session).by_id(run.request_id)
        return None if revision is None or request is None else _Task(revision, request.wished_sourcetype)

    async def _check(self, task: _Task) -> CheckedPackage:
        revision = task.revision
        await self._context.progress(step="validating", version=revision.version)
        async with self._context.database.read() as session:
            samples = await SampleReads(session).of_request(revision.request_id)
        if not samples:
            raise SamplesGone("Every sample of the request was deleted: there is nothing to replay the package over.")
        archive = await self._packages.archive(KeptRevision.of(revision))
        sample = await read_samples(self._storage, samples)
        checked = await self._work.check(archive, sample, task.sourcetype)
        await self._context.progress(step="inspecting", version=revision.version)
        checked = await with_inspection(checked, archive, self._settings.addons.appinspect)
        await self._context.progress(step="trying", version=revision.version)
        sandbox = Sandbox(self._settings.splunk)
        return await with_sandbox(checked, self._work, archive, sample, task.sourcetype, sandbox)

    async def _end(self, ended: Ended) -> None:
        if not await self._context.apply(partial(self._conclude, ended)):
            raise Unwanted

    async def _conclude(self, ended: Ended, session: WriteSession) -> bool:
        """Whether the run ended so: it was still this start's. The request is locked before the run, as everywhere.

        The slot may have been given to another meanwhile, when the worker was silent for a lease and lived: what was
        found counts all the same, as the claim on the job says that nobody else works at the run.
        """
        request = await lock_request_of(session, self._id)
        run = await ValidationWrites(session).locked(self._id)
        if request is None or run is None or run.finished_at is not None or run.attempt != self._context.attempt:
            return False
        await end_run(session, self._kinds, request, run, ended)
        return True


async def lock_request_of(session: WriteSession, run_id: UUID) -> AddonRequest | None:
    """The request of a run, which nobody else changes before this transaction ends."""
    run = await ValidationWrites(session).by_id(run_id)
    return None if run is None else await RequestWrites(session).locked(run.request_id)


async def end_run(
    session: WriteSession, kinds: EventKinds, request: AddonRequest, run: ValidationRun, ended: Ended
) -> None:
    """End a locked run, and complete or fail its locked request, if that waits for this run."""
    run.status, run.report = ended.status.value, ended.report
    run.finished_at = await ValidationWrites(session).now()
    if ended.error is not None:
        run.error_code, run.error_message = ended.cause.code, ended.error.detail
    await session.flush()
    VALIDATIONS.labels(ended.status.value).inc()
    passed = ended.status is ValidationStatus.PASSED
    after = {"status": run.status, "number": run.number, "version": run.revision_version}
    await AuditTrail(session).append(
        SYSTEM, AddonAction.VALIDATION_ENDED, VALIDATION, run.id, request.title, after=after,
        outcome="success" if passed else "failure",
    )  # fmt: skip
    if request.validation_id != run.id or request.status != RequestStatus.VALIDATING.value:
        return
    if passed:
        await RequestMoves(session, kinds).move(SYSTEM, request, RequestAction.COMPLETE)
    else:
        await fail_request(session, kinds, request, ended.cause)
