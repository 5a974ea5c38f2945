"""Generates the package of an approved request: begin and commit, work with no session open, apply under the guard.

A start that was taken for dead can harm nothing: each keeps its archive under a name of its own, and the revision is
added by the job's current start alone, once.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.addons.knowledge.search import KnowledgeSearch
from app.addons.proposals.service import AddonProposals
from app.addons.requests.citing import citations, names_of, sources_of
from app.addons.requests.proposing import Draft, Proposing, cited
from app.addons.requests.revisions.models import TARevisionType
from app.addons.requests.revisions.packages import Packages, StoredPackage, package_key
from app.addons.requests.revisions.starting import Origin, Starting
from app.addons.requests.samples.models import LogSample
from app.addons.requests.samples.reading import read_samples
from app.addons.requests.samples.repository import SampleReads
from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.moving import Cause, RequestMoves
from app.addons.requests.tracking.repository import RequestWrites
from app.addons.requests.tracking.workflow import WORKING, RequestAction, RequestStatus
from app.addons.requests.work import AddonWork
from app.kernel.db.database import WriteSession
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, judge
from app.kernel.language_model.endpoint import ModelEndpoint
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem, Unavailable
from app.kernel.security.authorization import SYSTEM

log = logging.getLogger(__name__)

STARTS: Final = 20
"""Starts of one job that may fail, or die with their worker, before the request fails."""


class WorkGivenUp(Problem):
    """The work failed again and again; the log says why."""

    code, title, status = "addon-work-given-up", "The work failed again and again", 500


class SamplesGone(Problem):
    """The samples were deleted, so there is nothing to work with."""

    code, title, status = "samples-gone", "The samples of the request are not kept any more", 410


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be generated."""

    request_id: UUID
    addon_name: str
    product: str
    sourcetype: str | None
    samples: Sequence[LogSample]


@dataclass(frozen=True, slots=True)
class _Made:
    """A package that is kept, and what it was made of."""

    revision_id: UUID
    package: StoredPackage
    draft: Draft


class Generation:
    """A start of the job of a generation."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._storage = context.resources.storage
        self._packages = Packages(context.resources.storage)
        self._work = AddonWork(context.resources.settings.addons)
        proposals = AddonProposals(context.resources.extensions.of(ModelEndpoint), context.resources.configuration)
        self._proposing = Proposing(proposals, self._work)
        self._passages = KnowledgeSearch(context.resources.database, context.resources.settings)
        self._kinds = context.resources.extensions.of(EventKinds)
        self._id = UUID(context.payload["request_id"])

    async def run(self) -> None:
        """Generate the package; harmless when this is done already.

        Raises:
            Superseded, Unavailable: not here, not now.
            Unwanted: the request was ended meanwhile.
            Exception: any other counts as a failed start.
        """
        task = await self._context.apply(self._begin)
        if task is None:
            return
        try:
            await self._generate(task)
        except (Superseded, Unavailable, Unwanted):
            raise
        except Problem as refusal:
            await self._context.apply(partial(self._fail, refusal))
        except Exception as error:
            if judge(error, self._context.starts, STARTS) is Ending.FAILED:
                await self._context.apply(partial(self._fail, WorkGivenUp()))
            raise

    async def _begin(self, session: WriteSession) -> _Task | None:
        row = await self._current(session)
        if row is None:
            return None
        if row.status == RequestStatus.APPROVED.value:
            await RequestMoves(session, self._kinds).move(SYSTEM, row, RequestAction.GENERATE)
        samples = await SampleReads(session).of_request(row.id)
        return _Task(row.id, row.addon_name, row.title, row.wished_sourcetype, samples)

    async def _current(self, session: WriteSession) -> AddonRequest | None:
        """The locked request while this job is to generate its package; None when that is over."""
        row = await RequestWrites(session).locked(self._id)
        generating = {RequestStatus.APPROVED.value, RequestStatus.GENERATING_TA.value}
        return row if row is not None and row.status in generating and row.job_id == self._context.run_id else None

    async def _generate(self, task: _Task) -> None:
        if not task.samples:
            raise SamplesGone("Every sample of the request was deleted: file it anew with a sample.")
        await self._context.progress(step="generating", samples=len(task.samples))
        sample = await read_samples(self._storage, task.samples)
        built = await self._work.build(sample, task.addon_name, task.sourcetype)
        await self._context.progress(step="proposing", samples=len(task.samples))
        drafts = await self._proposing.drafts(built, sample)
        knowledge = await citations(self._passages, names_of(f"{task.product} {task.addon_name}", built.report))
        made = [await self._kept(task, cited(draft, sources_of(knowledge))) for draft in drafts]
        taken = await self._context.apply(partial(self._finish, made, knowledge))
        if not taken:
            for each in made:
                with contextlib.suppress(Unavailable):  # what stays behind is found by the tidying job
                    await self._packages.discard(each.package.stored.key)
            raise Unwanted

    async def _kept(self, task: _Task, draft: Draft) -> _Made:
        revision_id = new_id()
        package = await self._packages.keep(package_key(task.request_id, revision_id), draft.package)
        return _Made(revision_id, package, draft)

    async def _finish(self, made: Sequence[_Made], knowledge: Sequence[dict[str, Any]], session: WriteSession) -> bool:
        """Whether the packages became revisions, the last one's validation on the way: the request still wants one.

        The first is the job's, of which there is one; a proposal is the version behind.
        """
        row = await self._current(session)
        if row is None:
            return False
        starting = Starting(session)
        job_id = row.job_id
        for each in made:
            draft = each.draft
            origin = Origin(TARevisionType.AUTO, draft.note, draft.report, tuple(knowledge), job_id)
            revision = await starting.add_revision(SYSTEM, row, each.revision_id, each.package, origin)
            job_id = None
        run = await starting.start(SYSTEM, row, revision)
        await RequestMoves(session, self._kinds).move(SYSTEM, row, RequestAction.VALIDATE)
        row.validation_id, row.job_id = run.id, run.job_id
        await session.flush()
        return True

    async def _fail(self, refusal: Problem, session: WriteSession) -> None:
        row = await self._current(session)
        if row is not None:
            code = str(refusal.fields.get("reason_code", refusal.code))
            await fail_request(session, self._kinds, row, Cause(refusal.detail, code))


async def fail_request(session: WriteSession, kinds: EventKinds, row: AddonRequest, cause: Cause) -> None:
    """Let a locked request that is worked on fail."""
    if RequestStatus(row.status) in WORKING:
        await RequestMoves(session, kinds).move(SYSTEM, row, RequestAction.FAIL, cause)
