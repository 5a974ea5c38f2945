"""`/api/addons`: requests for add-ons, and how they stand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from app.addons.requests.schemas import AddonRequestDetail, AddonRequestDocument, AddonStatistics, Decision, NewRequest
from app.addons.requests.service import RequestService, RequestViews
from app.addons.requests.tracking.permissions import CanDecide, CanRequest, CanSee
from app.addons.requests.tracking.problems import AddonRequestNotFound, NoSamples, NotAParty, OwnRequest, WrongStatus
from app.addons.requests.tracking.repository import RequestReads
from app.addons.requests.tracking.workflow import RequestStatus
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import PreconditionFailed, responses

router = APIRouter(prefix="/api/addons", tags=["addons"], route_class=TransactionalRoute)

ViewsDep = Annotated[RequestViews, reads(RequestViews)]
ServiceDep = Annotated[RequestService, writes(RequestService)]

_MOVED = responses(AddonRequestNotFound, NotAParty, WrongStatus, PreconditionFailed)
_DECIDED = responses(AddonRequestNotFound, OwnRequest, NotAParty, WrongStatus, PreconditionFailed)


@router.post("/requests", operation_id="create_addon_request", status_code=status.HTTP_201_CREATED)
async def create_addon_request(
    wanted: NewRequest, actor: CanRequest, requests: ServiceDep, response: Response
) -> AddonRequestDocument:
    """File a request for an add-on. Samples are added before it is submitted."""
    made = await requests.file(actor, wanted)
    response.headers["Location"] = made.value.links["self"]
    return made.put_on(response)


SortedPaging = Annotated[PageRequest, sorted_by(*RequestReads.sorts)]


@router.get("/requests", operation_id="list_addon_requests")
async def list_addon_requests(
    actor: CanSee,
    requests: ViewsDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    status: Annotated[RequestStatus | None, Query(description="Only those that stand so.")] = None,
) -> PageDocument[AddonRequestDocument]:
    """The caller's requests, newest first; for approvers all, those that wait for approval before all others."""
    return show(await requests.page(actor, status, paging), lambda shown: shown, request, response)


@router.get("/statistics", operation_id="get_addon_statistics")
async def get_addon_statistics(actor: CanSee, requests: ViewsDep) -> AddonStatistics:
    """How the requests that the caller sees stand, and how long each step took."""
    return await requests.statistics(actor)


@router.get("/requests/{request_id}", operation_id="get_addon_request", responses=responses(AddonRequestNotFound))
async def get_addon_request(
    request_id: UUID, actor: CanSee, requests: ViewsDep, response: Response
) -> AddonRequestDetail:
    """One request: where it stands, every step so far, and what the caller may do."""
    return (await requests.get(actor, request_id)).put_on(response)


@router.post(
    "/requests/{request_id}/submit",
    operation_id="submit_addon_request",
    responses=responses(AddonRequestNotFound, NotAParty, WrongStatus, NoSamples, PreconditionFailed),
)
async def submit_addon_request(
    request_id: UUID, actor: CanRequest, requests: ServiceDep, response: Response, if_match: IfMatch = None
) -> AddonRequestDocument:
    """Ask for approval of a request of one's own that has a sample. From then on its samples stay as they are."""
    return (await requests.submit(actor, request_id, if_match)).put_on(response)


@router.post("/requests/{request_id}/approve", operation_id="approve_addon_request", responses=_DECIDED)
async def approve_addon_request(
    request_id: UUID,
    decision: Decision,
    actor: CanDecide,
    requests: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> AddonRequestDocument:
    """Let the package be generated. Nobody approves a request of their own, whatever roles they hold."""
    return (await requests.approve(actor, request_id, decision, if_match)).put_on(response)


@router.post("/requests/{request_id}/reject", operation_id="reject_addon_request", responses=_DECIDED)
async def reject_addon_request(
    request_id: UUID,
    decision: Decision,
    actor: CanDecide,
    requests: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> AddonRequestDocument:
    """Refuse a request of somebody else."""
    return (await requests.reject(actor, request_id, decision, if_match)).put_on(response)


@router.post("/requests/{request_id}/cancel", operation_id="cancel_addon_request", responses=_MOVED)
async def cancel_addon_request(
    request_id: UUID,
    decision: Decision,
    actor: CanRequest,
    requests: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> AddonRequestDocument:
    """End a request: before a decision it is REJECTED (`withdrawn`), later FAILED (`cancelled`)."""
    return (await requests.cancel(actor, request_id, decision, if_match)).put_on(response)


@router.post("/requests/{request_id}/retry", operation_id="retry_addon_request", responses=_MOVED)
async def retry_addon_request(
    request_id: UUID,
    decision: Decision,
    actor: CanRequest,
    requests: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> AddonRequestDocument:
    """Generate the package of a failed request anew, from the same samples; it becomes the next version."""
    return (await requests.retry(actor, request_id, decision, if_match)).put_on(response)
