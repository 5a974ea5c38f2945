"""Use cases of requests: filed, shown, submitted, decided, cancelled, tried again. What jobs do: `jobs.py`."""

from typing import Final
from uuid import UUID

from app.addons.requests.samples.repository import SampleReads
from app.addons.requests.samples.service import version_tag
from app.addons.requests.schemas import (
    AddonRequestDetail,
    AddonRequestDocument,
    AddonStatistics,
    Decision,
    NewRequest,
    StepDocument,
)
from app.addons.requests.tracking.actions import REQUEST, AddonAction
from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.moving import UNEXPLAINED, Cause, RequestMoves
from app.addons.requests.tracking.permissions import requestor_of, sees_all, visible
from app.addons.requests.tracking.problems import NoSamples, WrongStatus
from app.addons.requests.tracking.repository import RequestFilter, RequestReads, RequestWrites
from app.addons.requests.tracking.workflow import Refusal, RequestAction, RequestStatus, decide
from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import Tagged, check_if_match
from app.kernel.ids import new_id
from app.kernel.jobs import cancel as cancel_job
from app.kernel.jobs import enqueue
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor, ActorKind, Permission

GENERATE_JOB: Final = "addons:generate"
"""The job that makes the package of an approved request. Payload: `request_id`."""


def _owner(actor: Actor) -> tuple[str, UUID | None] | None:
    """Whose requests the actor sees: None for everybody's."""
    return None if sees_all(actor) else (actor.kind.value, actor.id)


class RequestViews:
    """Shows requests, in the caller's session."""

    def __init__(self, session: ReadSession) -> None:
        self._requests = RequestReads(session)

    async def get(self, actor: Actor, request_id: UUID) -> Tagged[AddonRequestDetail]:
        """The request with its steps. Raises `AddonRequestNotFound`."""
        row = visible(actor, await self._requests.by_id(request_id))
        steps = [StepDocument.of(step) for step in await self._requests.steps(request_id)]
        return Tagged(AddonRequestDetail.of(row, actor, history=steps), version_tag(row))

    async def page(
        self, actor: Actor, status: RequestStatus | None, request: PageRequest
    ) -> Page[AddonRequestDocument]:
        """A page of requests, newest first; for approvers those that wait for approval come before all others."""
        wanted = RequestFilter(_owner(actor), status, waiting_first=actor.may(Permission.ADDONS_APPROVE))
        found = await self._requests.matching(wanted, request)
        return found.shaped(lambda row: AddonRequestDocument.of(row, actor))

    async def statistics(self, actor: Actor) -> AddonStatistics:
        """How the requests that the actor sees stand."""
        owner = _owner(actor)
        return AddonStatistics.of(
            await self._requests.by_status(owner),
            await self._requests.oldest_waiting_seconds(owner),
            await self._requests.step_times(owner),
        )


class RequestService:
    """Files and moves requests, in the caller's transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds) -> None:
        self._session = session
        self._requests = RequestWrites(session)
        self._samples = SampleReads(session)
        self._audit = AuditTrail(session)
        self._moves = RequestMoves(session, kinds)

    async def file(self, actor: Actor, wanted: NewRequest) -> Tagged[AddonRequestDocument]:
        """The new request of the actor's, which takes samples until it is submitted."""
        row = AddonRequest(
            id=new_id(),
            title=wanted.title,
            source_description=wanted.source_description,
            addon_name=wanted.name,
            wished_index=wanted.index,
            wished_sourcetype=wanted.sourcetype,
            extra_metadata=wanted.metadata,
            status=RequestStatus.NEW.value,
            requestor_kind=actor.kind.value,
            requestor_id=actor.id,
            requestor=actor.label,
            requestor_people=sorted(actor.people),
        )
        await self._requests.add(row)
        await self._session.refresh(row)
        after = {"title": row.title, "addon_name": row.addon_name, "status": row.status}
        await self._audit.append(actor, AddonAction.FILED, REQUEST, row.id, row.title, after=after)
        return _shown(row, actor)

    async def submit(self, actor: Actor, request_id: UUID, if_match: str | None) -> Tagged[AddonRequestDocument]:
        """The request, which waits for approval. Raises `NoSamples`, and what the move of a request raises."""
        row = await self._found(actor, request_id, if_match)
        allowed = not isinstance(
            decide(actor, requestor_of(row), RequestAction.SUBMIT, RequestStatus(row.status)), Refusal
        )
        if allowed and not await self._samples.count_of(request_id):
            raise NoSamples
        await self._moves.move(actor, row, RequestAction.SUBMIT)
        return _shown(row, actor)

    async def approve(
        self, actor: Actor, request_id: UUID, decision: Decision, if_match: str | None
    ) -> Tagged[AddonRequestDocument]:
        """The request, whose package is generated from the commit on."""
        row = await self._decided(actor, request_id, RequestAction.APPROVE, decision, if_match)
        await self._enqueue(row)
        return _shown(row, actor)

    async def reject(
        self, actor: Actor, request_id: UUID, decision: Decision, if_match: str | None
    ) -> Tagged[AddonRequestDocument]:
        """The request, which has come to its end."""
        return _shown(await self._decided(actor, request_id, RequestAction.REJECT, decision, if_match), actor)

    async def cancel(
        self, actor: Actor, request_id: UUID, decision: Decision, if_match: str | None
    ) -> Tagged[AddonRequestDocument]:
        """The request, which has come to its end, with the job that was on the way."""
        row = await self._decided(actor, request_id, RequestAction.CANCEL, decision, if_match)
        if row.job_id is not None:
            await cancel_job(self._session, row.job_id)
        return _shown(row, actor)

    async def retry(
        self, actor: Actor, request_id: UUID, decision: Decision, if_match: str | None
    ) -> Tagged[AddonRequestDocument]:
        """The request, whose package is generated anew from the commit on; the next version is of it."""
        row = await self._decided(actor, request_id, RequestAction.RETRY, decision, if_match)
        await self._enqueue(row)
        return _shown(row, actor)

    async def _found(self, actor: Actor, request_id: UUID, if_match: str | None) -> AddonRequest:
        """The locked request. Raises `AddonRequestNotFound` and `PreconditionFailed`."""
        row = visible(actor, await self._requests.locked(request_id))
        check_if_match(if_match, version_tag(row))
        return row

    async def _decided(
        self, actor: Actor, request_id: UUID, action: RequestAction, decision: Decision, if_match: str | None
    ) -> AddonRequest:
        row = await self._found(actor, request_id, if_match)
        believed, status = decision.from_status, RequestStatus(row.status)
        refused = decide(actor, requestor_of(row), action, status)
        if believed is not None and believed is not status and not _is_personal(refused):
            raise WrongStatus.of(action, status)
        await self._moves.move(actor, row, action, Cause(decision.reason) if decision.reason else UNEXPLAINED)
        return row

    async def _enqueue(self, row: AddonRequest) -> None:
        owner = Actor(ActorKind(row.requestor_kind), row.requestor_id, row.requestor)  # who sees the job, and ends it
        row.job_id = await enqueue(self._session, GENERATE_JOB, {"request_id": row.id}, actor=owner, key=work_key(row))
        row.validation_id = None
        await self._session.flush()


def work_key(row: AddonRequest) -> str:
    """What no two running generations share: one at a time works for a request."""
    return f"addon-request:{row.id}"


def _is_personal(found: object) -> bool:
    """Whether the refusal is for who asks, whatever the status."""
    return found in {Refusal.OWN_REQUEST, Refusal.NOT_A_PARTY}


def _shown(row: AddonRequest, actor: Actor) -> Tagged[AddonRequestDocument]:
    return Tagged(AddonRequestDocument.of(row, actor), version_tag(row))
