"""`/system`: the modes."""

from typing import Annotated

from fastapi import APIRouter, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation, reads
from app.kernel.problems import PreconditionFailed, responses
from app.kernel.security.authorization import AnyActor
from app.operations.modes.modes import Maintenance, MaintenanceMode
from app.operations.modes.schemas import MaintenanceDocument, MaintenanceInForce, SystemModeDocument
from app.operations.modes.service import Modes, ModesInForce
from app.operations.permissions import CanRunSystem

router = APIRouter(prefix="/system", tags=["system"], route_class=TransactionalRoute)


InForceDep = Annotated[ModesInForce, reads(ModesInForce)]
ModesDep = Annotated[Modes, controls(Modes)]


@router.get("/mode", operation_id="get_system_mode")
async def get_system_mode(_: AnyActor, modes: InForceDep, response: Response) -> SystemModeDocument:
    """What the platform is ready for."""
    return SystemModeDocument(mode=(await modes.system_mode()).put_on(response))


@router.put(
    "/mode",
    operation_id="set_system_mode",
    responses=responses(PreconditionFailed),
    openapi_extra=operation(OperationClass.CONTROL),
)
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
    "/maintenance",
    operation_id="set_maintenance",
    responses=responses(PreconditionFailed),
    openapi_extra=operation(OperationClass.CONTROL),
)
async def set_maintenance(
    wanted: MaintenanceDocument, actor: CanRunSystem, modes: ModesDep, response: Response, if_match: IfMatch = None
) -> MaintenanceInForce:
    """Stop writes, or let them go on again. Always possible for an admin."""
    normal = wanted.mode is MaintenanceMode.NORMAL
    target = Maintenance(wanted.mode, None if normal else wanted.reason, None if normal else wanted.until)
    switched = await modes.set_maintenance(target, actor, if_match)
    return MaintenanceInForce.model_validate(switched.put_on(response))
