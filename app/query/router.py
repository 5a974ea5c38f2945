"""`/api/query`: preview, correct, validate, execute, and what was corrected and executed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, status

from app.catalog.glossary.service import InvalidGlossaryEntry
from app.catalog.tables.service import QueriedTableNotFound
from app.kernel.db.database import OperationClass
from app.kernel.http.negotiation import Accept, NotAcceptable
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import operation, provided
from app.kernel.paging import InvalidCursor, PageDocument, Paging, show
from app.kernel.problems import responses
from app.query.check_statement import QueryRefused, TooExpensive
from app.query.correct import (
    CorrectionDecided,
    CorrectionJudging,
    CorrectionNotFound,
    CorrectionService,
    InvalidCorrection,
    TooManyCorrections,
)
from app.query.corrections.corrections import CorrectionState, Decision
from app.query.corrections.schemas import (
    CorrectionDecisionRequest,
    CorrectionDocument,
    CorrectRequest,
    correction_document,
)
from app.query.execute import ExecuteService, PreviewExpired, PreviewUsed, StalePreview
from app.query.models import QueryExecution
from app.query.permissions import CanCorrect, CanJudgeCorrections, CanQuery
from app.query.preview import PreviewNotFound, PreviewService
from app.query.questions.service import CannotAnswer
from app.query.results.failures import QueryCancelled, QueryFailed, QueryTimeout, RowTooLarge, TableChanged
from app.query.results.formats import negotiate
from app.query.results.result_spool import NotRepresentable
from app.query.schemas import (
    CorrectedPreviewDocument,
    ExecuteRequest,
    ExecutionDocument,
    PreviewRequest,
    QueryPreviewDocument,
    ValidateRequest,
    ValidationDocument,
)
from app.query.streaming import RESULT, respond

router = APIRouter(prefix="/api/query", tags=["query"], route_class=TransactionalRoute)


PreviewsDep = Annotated[PreviewService, provided(PreviewService)]
CorrectionsDep = Annotated[CorrectionService, provided(CorrectionService)]
JudgingDep = Annotated[CorrectionJudging, provided(CorrectionJudging)]
CorrectionId = Annotated[UUID, Path(description="Of the correction.")]
ExecutionsDep = Annotated[ExecuteService, provided(ExecuteService)]


@router.post(
    "/preview",
    operation_id="preview_query",
    status_code=status.HTTP_200_OK,
    responses=responses(CannotAnswer, QueriedTableNotFound, QueryRefused, TooExpensive, QueryFailed, QueryCancelled),
    openapi_extra=operation(OperationClass.RECORD),
)
async def preview_query(wanted: PreviewRequest, actor: CanQuery, previews: PreviewsDep) -> QueryPreviewDocument:
    """What the statement would read, answer and cost; to be executed once, within ten minutes."""
    return await previews.preview(actor, wanted)


@router.get("/previews/{preview_id}", operation_id="get_query_preview", responses=responses(PreviewNotFound))
async def get_query_preview(preview_id: UUID, actor: CanQuery, previews: PreviewsDep) -> QueryPreviewDocument:
    """A preview of the caller's own, as it was answered."""
    return await previews.view(actor, preview_id)


@router.post(
    "/validate",
    operation_id="validate_query",
    status_code=status.HTTP_200_OK,
    openapi_extra=operation(OperationClass.READ),
)
async def validate_query(wanted: ValidateRequest, actor: CanQuery, previews: PreviewsDep) -> ValidationDocument:
    """The guard's verdict on a statement. Nothing is planned, run or kept."""
    return await previews.validate(actor, wanted.sql, wanted.options)


@router.post(
    "/correct",
    operation_id="correct_query",
    status_code=status.HTTP_200_OK,
    responses=responses(
        PreviewNotFound, InvalidCorrection, TooManyCorrections, CannotAnswer, QueriedTableNotFound, QueryRefused,
        TooExpensive, QueryFailed, QueryCancelled,
    ),
)  # fmt: skip  # one line per kind of problem would hide the route
async def correct_query(
    wanted: CorrectRequest, actor: CanCorrect, corrections: CorrectionsDep
) -> CorrectedPreviewDocument:
    """Say what a question meant: a fresh preview of it, and a proposal that changes nobody else's answers."""
    return await corrections.correct(actor, wanted)


@router.get("/corrections", operation_id="list_query_corrections", responses=responses(InvalidCursor))
async def list_query_corrections(
    actor: CanCorrect,
    judging: JudgingDep,
    paging: Paging,
    request: Request,
    response: Response,
    state: Annotated[CorrectionState | None, Query(description="Only corrections that stand so.")] = None,
) -> PageDocument[CorrectionDocument]:
    """The caller's corrections, newest first; everybody's for who may write the glossary."""
    return show(await judging.page(actor, state, paging), correction_document, request, response)


@router.post(
    "/corrections/{id}/accept",
    operation_id="accept_query_correction",
    status_code=status.HTTP_200_OK,
    responses=responses(
        CorrectionNotFound, CorrectionDecided, InvalidGlossaryEntry, QueriedTableNotFound, QueryRefused
    ),
)
async def accept_query_correction(
    id: CorrectionId,  # noqa: A002 - the name in the path
    wanted: CorrectionDecisionRequest,
    actor: CanJudgeCorrections,
    judging: JudgingDep,
) -> CorrectionDocument:
    """Take a correction into the glossary: everybody's questions are read by it from then on."""
    return correction_document(await judging.decide(actor, id, Decision.ACCEPT, wanted.reason))


@router.post(
    "/corrections/{id}/reject",
    operation_id="reject_query_correction",
    status_code=status.HTTP_200_OK,
    responses=responses(CorrectionNotFound, CorrectionDecided),
)
async def reject_query_correction(
    id: CorrectionId,  # noqa: A002 - the name in the path
    wanted: CorrectionDecisionRequest,
    actor: CanJudgeCorrections,
    judging: JudgingDep,
) -> CorrectionDocument:
    """Say that words do not mean that: not even its author's questions are read by it any more."""
    return correction_document(await judging.decide(actor, id, Decision.REJECT, wanted.reason))


@router.post(
    "/corrections/{id}/revoke",
    operation_id="revoke_query_correction",
    status_code=status.HTTP_200_OK,
    responses=responses(CorrectionNotFound, CorrectionDecided),
)
async def revoke_query_correction(
    id: CorrectionId,  # noqa: A002 - the name in the path
    wanted: CorrectionDecisionRequest,
    actor: CanCorrect,
    judging: JudgingDep,
) -> CorrectionDocument:
    """Take a correction back: one's own proposal, or, as who may write the glossary, any with its term."""
    return correction_document(await judging.decide(actor, id, Decision.REVOKE, wanted.reason))


@router.post(
    "/execute",
    operation_id="execute_query",
    response_model=None,
    responses=RESULT
    | responses(
        PreviewNotFound, NotAcceptable, PreviewUsed, PreviewExpired, StalePreview, TableChanged,
        TooExpensive, QueryFailed, QueryTimeout, RowTooLarge, NotRepresentable, QueryCancelled,
    ),
    openapi_extra=operation(OperationClass.RECORD),
)  # fmt: skip  # one line per kind of problem would hide the route
async def execute_query(
    wanted: ExecuteRequest, actor: CanQuery, executions: ExecutionsDep, request: Request, accept: Accept = None
) -> Response:
    """Run a preview of the caller's own, once. A client that leaves cancels it."""
    return await respond(request, executions.execute(actor, wanted.preview_id, negotiate(accept), wanted.csv_style))


@router.get("/executions", operation_id="list_query_executions")
async def list_query_executions(
    actor: CanQuery, executions: ExecutionsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[ExecutionDocument]:
    """The caller's executions, newest first; everybody's for who may read the audit log."""
    return show(await executions.page(actor, paging), _document, request, response)


def _document(row: QueryExecution) -> ExecutionDocument:
    return ExecutionDocument.model_validate(row, from_attributes=True, extra="ignore")
