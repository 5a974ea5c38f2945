"""`/api/drift`: differences between schemas and what came or is there, and what is done about them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalog.adoption.reshaping import RelationUnusable
from app.catalog.contracts.service import NameTaken, SchemaMoved
from app.catalog.drift.change import Severity
from app.catalog.drift_reports.answers import DECIDED, REPORT, UNDONE
from app.catalog.drift_reports.problems import (
    DriftDecided,
    DriftNotFound,
    InvalidDecision,
    NeedsNewVersionOfContract,
    UndoImpossible,
)
from app.catalog.drift_reports.reports import DriftStatus
from app.catalog.drift_reports.repository import DriftFilter
from app.catalog.drift_reports.schemas import DriftReportDocument, ResolveRequest, UndoRequest, report_document
from app.catalog.drift_reports.service import DriftReading, DriftService
from app.catalog.permissions import CanRegister, CanSeeContracts
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import provided, reads
from app.kernel.paging import InvalidCursor, PageDocument, Paging, show
from app.kernel.problems import PreconditionFailed, responses
from app.operations.modes.modes import NotIngestionReady
from app.warehouse.evolution import RelationBusy
from app.warehouse.publishing import GrantNeeded, RelationGone

router = APIRouter(prefix="/api/drift", tags=["drift"], route_class=TransactionalRoute)

ReadingDep = Annotated[DriftReading, reads(DriftReading)]
ServiceDep = Annotated[DriftService, provided(DriftService)]


async def _filter(
    status: Annotated[DriftStatus | None, Query(description="Only reports that stand so.")] = None,
    contract_id: Annotated[str | None, Query(max_length=128, description="Only reports on this contract.")] = None,
    table: Annotated[str | None, Query(max_length=63, description="Only reports on this logical table.")] = None,
    severity: Annotated[Severity | None, Query(description="Only reports as bad as this.")] = None,
) -> DriftFilter:
    return DriftFilter(status=status, contract_id=contract_id, table=table, severity=severity)


@router.get("", operation_id="list_drift", responses=responses(InvalidCursor))
async def list_drift(
    actor: CanSeeContracts,
    reading: ReadingDep,
    wanted: Annotated[DriftFilter, Depends(_filter)],
    paging: Paging,
    request: Request,
    response: Response,
) -> PageDocument[DriftReportDocument]:
    """Drift in tables that the caller sees, newest first."""
    return show(await reading.page(wanted, paging, actor), report_document, request, response)


@router.get("/{report_id}", operation_id="get_drift", responses=REPORT | responses(DriftNotFound))
async def get_drift(
    report_id: UUID, actor: CanSeeContracts, reading: ReadingDep, response: Response
) -> DriftReportDocument:
    """A report, with every change, its verdict, and what relies on the table now."""
    return (await reading.get(report_id, actor)).put_on(response)


@router.post(
    "/{report_id}/resolve",
    operation_id="resolve_drift",
    status_code=200,
    responses=DECIDED
    | responses(
        DriftNotFound,
        DriftDecided,
        PreconditionFailed,
        NeedsNewVersionOfContract,
        InvalidDecision,
        NameTaken,
        NotIngestionReady,
        RelationBusy,
        SchemaMoved,
        RelationGone,
        RelationUnusable,
        GrantNeeded,
    ),
)
async def resolve_drift(
    report_id: UUID,
    wanted: ResolveRequest,
    actor: CanRegister,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> DriftReportDocument:
    """Take the changes on, refuse them, or carry them into a further version of the contract."""
    report = await service.resolve(report_id, wanted.action, wanted.note, if_match, actor)
    set_etag(response, report.etag)
    return report_document(report)


@router.post(
    "/{report_id}/undo",
    operation_id="undo_drift",
    status_code=200,
    responses=UNDONE | responses(DriftNotFound, PreconditionFailed, UndoImpossible, RelationBusy, SchemaMoved),
)
async def undo_drift(
    report_id: UUID,
    wanted: UndoRequest,
    actor: CanRegister,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> DriftReportDocument:
    """Take an applied change back, while nothing depends on it; what stands in the way is listed."""
    report = await service.undo(report_id, wanted.note, if_match, actor)
    set_etag(response, report.etag)
    return report_document(report)
