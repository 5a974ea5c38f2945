"""`/system/maintenance/windows`: scheduled stops of writes. Planned and called off in every mode."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, responses
from app.operations.modes.window_repository import WindowReads
from app.operations.modes.window_rules import WindowState
from app.operations.modes.window_schemas import WindowDocument, WindowRequest
from app.operations.modes.window_service import WindowOver, WindowService, WindowsOverlap
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system/maintenance/windows", tags=["system"], route_class=TransactionalRoute)
CONTROL = operation(OperationClass.CONTROL)


ListDep = Annotated[WindowReads, reads(WindowReads)]
WindowsDep = Annotated[WindowService, controls(WindowService)]


@router.get("", operation_id="list_maintenance_windows")
async def list_maintenance_windows(
    _: CanSeeSystem,
    windows: ListDep,
    paging: Paging,
    request: Request,
    response: Response,
    state: Annotated[WindowState | None, Query(description="Where it stands.")] = None,
) -> PageDocument[WindowDocument]:
    """Windows of the past and to come, those planned last first."""
    now = await windows.now()
    page = await windows.matching(state, paging)
    return show(page, lambda row: WindowDocument.of(row, now), request, response)


@router.post(
    "",
    operation_id="plan_maintenance_window",
    status_code=201,
    responses=responses(WindowsOverlap),
    openapi_extra=CONTROL,
)
async def plan_maintenance_window(wanted: WindowRequest, actor: CanRunSystem, windows: WindowsDep) -> WindowDocument:
    """Stop writes from one time to another; begins and ends by itself everywhere within a second."""
    return await windows.plan(actor, wanted)


@router.delete(
    "/{window_id}",
    operation_id="cancel_maintenance_window",
    responses=responses(NotFound, WindowOver),
    openapi_extra=CONTROL,
)
async def cancel_maintenance_window(window_id: UUID, actor: CanRunSystem, windows: WindowsDep) -> WindowDocument:
    """Call a window off; one that runs ends at once."""
    return await windows.cancel(actor, window_id)
