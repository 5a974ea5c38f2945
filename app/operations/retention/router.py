"""`/system/retention`: how long data is kept, what is held back, and what went."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import operation, reads, writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.ports.retention import CategoryNotFound
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.operations.permissions import CanRunSystem, CanSeeSystem
from app.operations.retention.problems import InvalidHold, InvalidRule, InvalidRun, RunOver, RunUnderWay
from app.operations.retention.schemas import (
    Days,
    HoldDocument,
    HoldRequest,
    RetentionPreviewDocument,
    RetentionRuleDocument,
    RuleList,
    RuleRequest,
    RunDocument,
    RunRequest,
)
from app.operations.retention.service import RetentionService, RetentionViews

router = APIRouter(prefix="/system/retention", tags=["retention"], route_class=TransactionalRoute)

_CHANGED: dict[int | str, dict[str, Any]] = {
    200: {"model": RetentionRuleDocument, "description": "Changed, or as it was"}
}
_COUNTED: dict[int | str, dict[str, Any]] = {200: {"model": RunDocument, "description": "Counted: a dry run"}}
Category = Annotated[str, Path(max_length=64, description="One of those that `GET /system/retention/` lists.")]
RunId = Annotated[UUID, Path(description="Id of the run.")]
HoldId = Annotated[UUID, Path(description="Id of the hold.")]
ViewsDep = Annotated[RetentionViews, reads(RetentionViews)]
RetentionDep = Annotated[RetentionService, writes(RetentionService)]


@router.post(
    "/",
    operation_id="set_retention_rule",
    status_code=201,
    responses=_CHANGED | responses(InvalidRule, PreconditionFailed),
)
async def set_retention_rule(
    wanted: RuleRequest, actor: CanRunSystem, retention: RetentionDep, response: Response, if_match: IfMatch = None
) -> RetentionRuleDocument:
    """Decide how long a category is kept: made at the first time, changed later, the same again changes nothing."""
    status, created = await retention.decide(actor, wanted.model_dump(), if_match)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/system/retention/{wanted.category}"
    set_etag(response, status.tag)
    return RetentionRuleDocument.of(status)


@router.get("/", operation_id="list_retention_rules")
async def list_retention_rules(_: CanSeeSystem, views: ViewsDep) -> RuleList:
    """Every category with its rule, by an admin or by default, its holds and its last run."""
    return RuleList(items=[RetentionRuleDocument.of(status) for status in await views.everything()])


@router.get("/{category}", operation_id="get_retention_rule", responses=responses(CategoryNotFound))
async def get_retention_rule(
    category: Category, _: CanSeeSystem, views: ViewsDep, response: Response
) -> RetentionRuleDocument:
    """One category."""
    status = await views.one(category)
    set_etag(response, status.tag)
    return RetentionRuleDocument.of(status)


@router.post(
    "/{category}/preview",
    operation_id="preview_retention",
    status_code=200,
    responses=responses(CategoryNotFound),
    openapi_extra=operation(OperationClass.READ),
)
async def preview_retention(
    category: Category,
    _: CanSeeSystem,
    views: ViewsDep,
    days_to_keep: Annotated[Days | None, Query(description="Instead of what the rule says.")] = None,
) -> RetentionPreviewDocument:
    """What would go now, by the times of the rows; what holds keep is counted apart. Changes nothing."""
    return RetentionPreviewDocument.of(category, *await views.preview(category, days_to_keep))


@router.post(
    "/{category}/run",
    operation_id="run_retention",
    status_code=202,
    responses=_COUNTED | responses(CategoryNotFound, InvalidRun, RunUnderWay),
)
async def run_retention(
    category: Category, wanted: RunRequest, actor: CanRunSystem, retention: RetentionDep, response: Response
) -> RunDocument:
    """Remove what is older than the cut-off, in the background, whether the schedule does so or not."""
    row = await retention.run(actor, category, wanted.cut_off, dry_run=wanted.dry_run)
    response.status_code = 200 if wanted.dry_run else 202
    response.headers["Location"] = f"/system/retention/{category}/runs/{row.id}"
    return RunDocument.model_validate(row)


@router.get("/{category}/runs", operation_id="list_retention_runs", responses=responses(CategoryNotFound))
async def list_retention_runs(
    category: Category, _: CanSeeSystem, views: ViewsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[RunDocument]:
    """Runs, newest first, dry ones too."""
    views.target(category)
    return show(await views.runs.of(category, paging), RunDocument.model_validate, request, response)


@router.get("/{category}/runs/{run_id}", operation_id="get_retention_run", responses=responses(NotFound))
async def get_retention_run(category: Category, run_id: RunId, _: CanSeeSystem, views: ViewsDep) -> RunDocument:
    """One run: how far it is, or what became of it."""
    views.target(category)
    return RunDocument.model_validate(await views.runs.get(category, run_id))


@router.post(
    "/{category}/runs/{run_id}/cancel",
    operation_id="cancel_retention_run",
    status_code=200,
    responses=responses(NotFound, RunOver),
)
async def cancel_retention_run(
    category: Category, run_id: RunId, actor: CanRunSystem, retention: RetentionDep
) -> RunDocument:
    """End a run: after the step that is under way nothing more goes."""
    return RunDocument.model_validate(await retention.cancel(actor, category, run_id))


@router.post(
    "/{category}/holds",
    operation_id="make_retention_hold",
    status_code=201,
    responses=responses(CategoryNotFound, InvalidHold),
)
async def make_retention_hold(
    category: Category, wanted: HoldRequest, actor: CanRunSystem, retention: RetentionDep, response: Response
) -> HoldDocument:
    """Hold back what matches: from this answer on, nothing of it goes, whatever run is under way."""
    row = await retention.hold(actor, category, wanted.filter, wanted.reason)
    response.headers["Location"] = f"/system/retention/{category}/holds?open=true"
    return HoldDocument.model_validate(row)


@router.get("/{category}/holds", operation_id="list_retention_holds", responses=responses(CategoryNotFound))
async def list_retention_holds(
    category: Category,
    _: CanSeeSystem,
    views: ViewsDep,
    paging: Paging,
    request: Request,
    response: Response,
    open_: Annotated[bool, Query(alias="open", description="Only those in force.")] = False,
) -> PageDocument[HoldDocument]:
    """Holds, newest first, released ones too."""
    views.target(category)
    page = await views.holds.of(category, open_only=open_, request=paging)
    return show(page, HoldDocument.model_validate, request, response)


@router.delete(
    "/{category}/holds/{hold_id}", operation_id="release_retention_hold", status_code=204, responses=responses(NotFound)
)
async def release_retention_hold(
    category: Category, hold_id: HoldId, actor: CanRunSystem, retention: RetentionDep
) -> None:
    """Release a hold; it stays in the list as history."""
    await retention.release(actor, category, hold_id)
