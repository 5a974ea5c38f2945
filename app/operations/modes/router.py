"""`/system`: the modes, and the maintenance windows, which are planned and called off in every mode."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.kernel.security.authorization import AnyActor
from app.operations.modes.modes import Maintenance, MaintenanceMode
from app.operations.modes.repository import WindowReads
from app.operations.modes.schemas import (
    MaintenanceDocument,
    MaintenanceInForce,
    SystemModeDocument,
    WindowDocument,
    WindowRequest,
)
from app.operations.modes.service import Modes, ModesInForce
from app.operations.modes.window_rules import WindowState
from app.operations.modes.window_service import WindowOver, WindowService, WindowsOverlap
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system", tags=["system"], route_class=TransactionalRoute)
window_router = APIRouter(prefix="/system/maintenance/windows", tags=["system"], route_class=TransactionalRoute)
CONTROL = operation(OperationClass.CONTROL)


InForceDep = Annotated[ModesInForce, reads(ModesInForce)]
ModesDep = Annotated[Modes, controls(Modes)]
WindowListDep = Annotated[WindowReads, reads(WindowReads)]
WindowsDep = Annotated[WindowService, controls(WindowService)]


@router.get("/mode", operation_id="get_system_mode")
async def get_system_mode(_: AnyActor, modes: InForceDep, response: Response) -> SystemModeDocument:
    """What the platform is ready for."""
    return SystemModeDocument(mode=(await modes.system_mode()).put_on(response))


@router.put("/mode", operation_id="set_system_mode", responses=responses(PreconditionFailed), openapi_extra=CONTROL)
async def set_system_mode(
    wanted: SystemModeDocument, actor: CanRunSystem, modes: ModesDep, response: Response, if_match: IfMatch = None
) -> SystemModeDocument:
    """Open the platform for data, or close it again."""
    switched = await modes.set_system_mode(wanted.mode, actor, if_match)
    return SystemModeDocument(mode=switched.put_on(response))


@router.get("/maintenance", operation_id="get_maintenance")
async def get_maintenance(_: AnyActor, modes: InForceDep, response: Response) -> MaintenanceInForce:
    """What operations allow now."""
    return MaintenanceInForce.model_validate((await modes.maintenance()).put_on(response))


@router.put(
    "/maintenance", operation_id="set_maintenance", responses=responses(PreconditionFailed), openapi_extra=CONTROL
)
async def set_maintenance(
    wanted: MaintenanceDocument, actor: CanRunSystem, modes: ModesDep, response: Response, if_match: IfMatch = None
) -> MaintenanceInForce:
    """Stop writes, or let them go on again. Always possible for an admin."""
    normal = wanted.mode is MaintenanceMode.NORMAL
    target = Maintenance(wanted.mode, None if normal else wanted.reason, None if normal else wanted.until)
    switched = await modes.set_maintenance(target, actor, if_match)
    return MaintenanceInForce.model_validate(switched.put_on(response))


@window_router.get("", operation_id="list_maintenance_windows")
async def list_maintenance_windows(
    _: CanSeeSystem,
    windows: WindowListDep,
    paging: Paging,
    request: Request,
    response: Response,
    state: Annotated[WindowState | None, Query(description="Where it stands.")] = None,
) -> PageDocument[WindowDocument]:
    """Windows of the past and to come, those planned last first."""
    now = await windows.now()
    page = await windows.matching(state, paging)
    return show(page, lambda row: WindowDocument.of(row, now), request, response)


@window_router.post(
    "",
    operation_id="plan_maintenance_window",
    status_code=201,
    responses=responses(WindowsOverlap),
    openapi_extra=CONTROL,
)
async def plan_maintenance_window(wanted: WindowRequest, actor: CanRunSystem, windows: WindowsDep) -> WindowDocument:
    """Stop writes from one time to another; begins and ends by itself everywhere within a second."""
    return await windows.plan(actor, wanted)


@window_router.delete(
    "/{window_id}",
    operation_id="cancel_maintenance_window",
    responses=responses(NotFound, WindowOver),
    openapi_extra=CONTROL,
)
async def cancel_maintenance_window(window_id: UUID, actor: CanRunSystem, windows: WindowsDep) -> WindowDocument:
    """Call a window off; one that runs ends at once."""
    return await windows.cancel(actor, window_id)
