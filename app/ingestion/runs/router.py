"""`/api/ingestion`: batches taken back, bodies taken again, and the runs that do it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalog.contracts.service import ContractNotFound
from app.catalog.tables.references import TableNotFound
from app.catalog.tables.registry import TableNotWritable
from app.ingestion.permissions import CanRewrite
from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.runs.endings import RunEndings
from app.ingestion.runs.parts import RunKind, RunStatus
from app.ingestion.runs.problems import (
    BodyMissing,
    InvalidIngestionRun,
    LaterBatches,
    NothingToReplay,
    NothingToTakeBack,
    PlanChanged,
    PlanNeeded,
    RunNotFound,
    RunOver,
)
from app.ingestion.runs.repository import RunFilter
from app.ingestion.runs.schemas import (
    BackfillRequest,
    CancelRequest,
    IngestionRun,
    IngestionRunPlan,
    QuarantineReplayRequest,
    ReplayRequest,
    RollbackRequest,
)
from app.ingestion.runs.service import Asked, RunService
from app.ingestion.runs.views import RunViews
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import responses
from app.operations.modes.modes import NotIngestionReady
from app.warehouse.reversal.rollback import ImagesMissing, NotAsLeft, UniqueTaken

router = APIRouter(prefix="/api/ingestion", tags=["ingestion"], route_class=TransactionalRoute)

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": IngestionRunPlan, "description": "The plan: a dry run"},
    202: {"description": "Started, or started from this plan before"},
}
_REFUSALS = (TableNotWritable, NotIngestionReady, PlanNeeded, PlanChanged)

ServiceDep = Annotated[RunService, provided(RunService)]
ViewsDep = Annotated[RunViews, reads(RunViews)]
EndingsDep = Annotated[RunEndings, writes(RunEndings)]


def _answer(response: Response, found: IngestionRunPlan | IngestionRun) -> IngestionRunPlan | IngestionRun:
    """A plan is answered with 200; of a run the place is said."""
    if isinstance(found, IngestionRunPlan):
        response.status_code = 200
    else:
        response.headers["Location"] = found.links["self"]
    return found


@router.post(
    "/batches/{batch_id}/rollback",
    operation_id="roll_back_batch",
    status_code=202,
    response_model=IngestionRun | IngestionRunPlan,
    responses=_ANSWERS
    | responses(BatchNotFound, NothingToTakeBack, LaterBatches, ImagesMissing, NotAsLeft, UniqueTaken, *_REFUSALS),
)
async def roll_back_batch(
    batch_id: UUID, wanted: RollbackRequest, actor: CanRewrite, service: ServiceDep, response: Response
) -> IngestionRunPlan | IngestionRun:
    """Take a batch back: what it wrote goes, what it overwrote or removed comes back. First as a plan."""
    return _answer(response, await service.ask(actor, Asked(wanted, batch_id)))


@router.post(
    "/batches/{batch_id}/quarantine/replay",
    operation_id="replay_quarantined_rows",
    status_code=202,
    response_model=IngestionRun | IngestionRunPlan,
    responses=_ANSWERS | responses(BatchNotFound, InvalidIngestionRun, NothingToReplay, *_REFUSALS),
)
async def replay_quarantined_rows(
    batch_id: UUID, wanted: QuarantineReplayRequest, actor: CanRewrite, service: ServiceDep, response: Response
) -> IngestionRunPlan | IngestionRun:
    """Take the refused rows of a batch again, as they came, through the newest schema. First as a plan."""
    return _answer(response, await service.ask(actor, Asked(wanted, batch_id)))


@router.post(
    "/replay",
    operation_id="replay_batches",
    status_code=202,
    response_model=IngestionRun | IngestionRunPlan,
    responses=_ANSWERS | responses(ContractNotFound, InvalidIngestionRun, BodyMissing, NothingToReplay, *_REFUSALS),
)
async def replay_batches(
    wanted: ReplayRequest, actor: CanRewrite, service: ServiceDep, response: Response
) -> IngestionRunPlan | IngestionRun:
    """Take stored bodies again, in the order in which they were merged, through the newest schema. First as a plan."""
    return _answer(response, await service.ask(actor, Asked(wanted)))


@router.post(
    "/backfill",
    operation_id="backfill_table",
    status_code=202,
    response_model=IngestionRun | IngestionRunPlan,
    responses=_ANSWERS
    | responses(ContractNotFound, TableNotFound, InvalidIngestionRun, BodyMissing, NothingToReplay, *_REFUSALS),
)
async def backfill_table(
    wanted: BackfillRequest, actor: CanRewrite, service: ServiceDep, response: Response
) -> IngestionRunPlan | IngestionRun:
    """Fill a table from other batches, from objects or from an adopted table, batch by batch. First as a plan."""
    return _answer(response, await service.ask(actor, Asked(wanted)))


async def _run_filter(
    kind: Annotated[RunKind | None, Query(description="Only runs of this kind.")] = None,
    contract_id: Annotated[str | None, Query(max_length=100, description="Only runs under this contract.")] = None,
    status: Annotated[RunStatus | None, Query(description="Only runs that stand so.")] = None,
) -> RunFilter:
    return RunFilter(kind=kind, contract_id=contract_id, status=status)


@router.get("/runs", operation_id="list_ingestion_runs")
async def list_ingestion_runs(
    _: CanRewrite,
    views: ViewsDep,
    wanted: Annotated[RunFilter, Depends(_run_filter)],
    paging: Paging,
    request: Request,
    response: Response,
) -> PageDocument[IngestionRun]:
    """Runs, newest first, without their parts."""
    return show(await views.page(wanted, paging), IngestionRun.model_validate, request, response)


@router.get("/runs/{run_id}", operation_id="get_ingestion_run", responses=responses(RunNotFound))
async def get_ingestion_run(_: CanRewrite, run_id: UUID, views: ViewsDep) -> IngestionRun:
    """How far a run is, or what became of it."""
    return await views.get(run_id)


@router.post(
    "/runs/{run_id}/cancel",
    operation_id="cancel_ingestion_run",
    status_code=200,
    responses=responses(RunNotFound, RunOver),
)
async def cancel_ingestion_run(
    run_id: UUID, wanted: CancelRequest, actor: CanRewrite, endings: EndingsDep
) -> IngestionRun:
    """End a run: the part under way is given up; parts that were done stay, and can be taken back."""
    return await endings.cancel(actor, run_id, wanted.reason)
