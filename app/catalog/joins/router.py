"""`/api/joins`: joins that evidence suggests, and those that administrators accepted."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.catalog.joins.answers import ACCEPTED, CANDIDATE, DEPRECATED, JOIN, REFRESHING, REJECTED
from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE
from app.catalog.joins.judging import Acceptance, JoinChanged, JoinJudging
from app.catalog.joins.problems import (
    CandidateNotFound,
    CandidateRejected,
    JoinAgainstPolicy,
    JoinDeprecated,
    JoinInForce,
    JoinNotFound,
)
from app.catalog.joins.records import CandidateStatus, JoinStatus
from app.catalog.joins.repository import CandidateFilter
from app.catalog.joins.schemas import (
    AcceptedJoinDocument,
    JoinAcceptRequest,
    JoinCandidateDocument,
    JoinDeprecateRequest,
    JoinDetailDocument,
    JoinRefreshDocument,
    JoinRejectRequest,
    candidate_document,
    detail_document,
    join_document,
)
from app.catalog.joins.service import JoinAsking, JoinReading
from app.catalog.permissions import CanAcceptJoins, CanSeeJoins, CanSuggestJoins
from app.kernel.http.etags import IfMatch, Tagged
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import InvalidCursor, PageDocument, Paging, show
from app.kernel.problems import PreconditionFailed, responses
from app.warehouse.evidence.collecting import EvidenceTooSlow
from app.warehouse.inspection import RelationUnreadable

router = APIRouter(prefix="/api/joins", tags=["joins"], route_class=TransactionalRoute)

ReadingDep = Annotated[JoinReading, reads(JoinReading)]
AskingDep = Annotated[JoinAsking, writes(JoinAsking)]
JudgingDep = Annotated[JoinJudging, provided(JoinJudging)]
JoinId = Annotated[str, Path(max_length=512, description="Readable: `customers__orders__customer_id`.")]
TableName = Annotated[str | None, Query(max_length=63, description="Only joins of this logical table.")]


async def _filter(
    table1: TableName = None,
    table2: Annotated[str | None, Query(max_length=63, description="Only joins of this one as well.")] = None,
    min_score: Annotated[
        float, Query(ge=0, le=1, description="Only candidates of this score or a better one.")
    ] = DEFAULT_MIN_SCORE,
    status: Annotated[CandidateStatus | None, Query(description="Only candidates that stand so.")] = None,
    accepted: Annotated[bool | None, Query(description="Only those that are accepted, or that are not.")] = None,
) -> CandidateFilter:
    return CandidateFilter(table1=table1, table2=table2, min_score=min_score, status=status, accepted=accepted)


@router.get("", operation_id="list_joins", responses=responses(InvalidCursor))
async def list_joins(
    actor: CanSeeJoins,
    reading: ReadingDep,
    paging: Paging,
    request: Request,
    response: Response,
    table: TableName = None,
    status: Annotated[JoinStatus | None, Query(description="Only joins whose newest version stands so.")] = None,
) -> PageDocument[AcceptedJoinDocument]:
    """Joins that were accepted, each in its newest version, with its usage."""
    return show(await reading.page(table, status, paging, actor), join_document, request, response)


@router.get("/candidates", operation_id="list_join_candidates", responses=responses(InvalidCursor))
async def list_join_candidates(
    actor: CanSeeJoins,
    reading: ReadingDep,
    wanted: Annotated[CandidateFilter, Depends(_filter)],
    paging: Paging,
    request: Request,
    response: Response,
) -> PageDocument[JoinCandidateDocument]:
    """Joins that evidence suggests between tables that the caller sees, those with the best evidence first."""
    return show(await reading.candidates(wanted, paging, actor), candidate_document, request, response)


@router.post("/candidates/refresh", operation_id="refresh_join_candidates", status_code=202, responses=REFRESHING)
async def refresh_join_candidates(actor: CanSuggestJoins, asking: AskingDep, response: Response) -> JoinRefreshDocument:
    """Look at all tables anew, in the background, and measure accepted joins again."""
    job = await asking.refresh(actor)
    links = {"self": f"/system/jobs/{job}", "candidates": "/api/joins/candidates"}
    response.headers["Location"] = links["self"]
    return JoinRefreshDocument(job_id=job, links=links)


@router.post(
    "/accept",
    operation_id="accept_join",
    status_code=201,
    responses=ACCEPTED
    | responses(
        CandidateNotFound,
        CandidateRejected,
        JoinInForce,
        JoinAgainstPolicy,
        JoinChanged,
        PreconditionFailed,
        EvidenceTooSlow,
        RelationUnreadable,
    ),
)
async def accept_join(
    wanted: JoinAcceptRequest, actor: CanAcceptJoins, judging: JudgingDep, response: Response, if_match: IfMatch = None
) -> AcceptedJoinDocument:
    """Take a candidate for a join. It is measured exactly first, and held against the policy."""
    acceptance = Acceptance(wanted.candidate_id, wanted.rationale, wanted.override_rationale)
    accepted = await judging.accept(acceptance, if_match, actor)
    response.headers["Location"] = f"/api/joins/{accepted.join_id}"
    return Tagged(join_document(accepted), accepted.etag).put_on(response)


@router.get("/candidates/{id}", operation_id="get_join_candidate", responses=CANDIDATE | responses(CandidateNotFound))
async def get_join_candidate(
    id: JoinId,  # noqa: A002 - the name in the path
    actor: CanSeeJoins,
    reading: ReadingDep,
    response: Response,
) -> JoinCandidateDocument:
    """A candidate, with its evidence."""
    candidate = await reading.candidate(id, actor)
    return Tagged(candidate_document(candidate), candidate.etag).put_on(response)


@router.post(
    "/candidates/{id}/reject",
    operation_id="reject_join_candidate",
    status_code=200,
    responses=REJECTED | responses(CandidateNotFound, CandidateRejected, JoinInForce, JoinChanged, PreconditionFailed),
)
async def reject_join_candidate(
    id: JoinId,  # noqa: A002 - the name in the path
    wanted: JoinRejectRequest,
    actor: CanSuggestJoins,
    judging: JudgingDep,
    response: Response,
    if_match: IfMatch = None,
) -> JoinCandidateDocument:
    """Say that a candidate is no join; it is not suggested again."""
    candidate = await judging.reject(id, wanted.reason, wanted.note, if_match, actor)
    return Tagged(candidate_document(candidate), candidate.etag).put_on(response)


@router.get("/{id}", operation_id="get_join", responses=JOIN | responses(JoinNotFound))
async def get_join(
    id: JoinId,  # noqa: A002 - the name in the path
    actor: CanSeeJoins,
    reading: ReadingDep,
    response: Response,
) -> JoinDetailDocument:
    """A join in its newest version, with the versions before and its usage."""
    versions = await reading.versions(id, actor)
    return Tagged(detail_document(versions), versions[0].etag).put_on(response)


@router.post(
    "/{id}/deprecate",
    operation_id="deprecate_join",
    status_code=200,
    responses=DEPRECATED | responses(JoinNotFound, JoinDeprecated, JoinChanged, PreconditionFailed),
)
async def deprecate_join(
    id: JoinId,  # noqa: A002 - the name in the path
    wanted: JoinDeprecateRequest,
    actor: CanAcceptJoins,
    judging: JudgingDep,
    response: Response,
    if_match: IfMatch = None,
) -> JoinDetailDocument:
    """Take a join out of use. Previews that rest on it are stale from then on."""
    versions = await judging.deprecate(id, wanted.reason, if_match, actor)
    return Tagged(detail_document(versions), versions[0].etag).put_on(response)
