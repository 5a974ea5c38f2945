"""`/system`: the modes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Controls, Reads, operation
from app.kernel.problems import PreconditionFailed, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.security.authorization import AnyActor
from app.operations.modes.modes import Maintenance, MaintenanceMode
from app.operations.modes.schemas import MaintenanceDocument, MaintenanceInForce, SystemModeDocument
from app.operations.modes.service import Modes, ModesInForce
from app.operations.permissions import CanRunSystem

router = APIRouter(prefix="/system", tags=["system"], route_class=TransactionalRoute)


async def _modes(session: Controls, resources: ResourcesDep) -> Modes:
    return Modes(session, resources)


ModesDep = Annotated[Modes, Depends(_modes)]


def _shown(now: Maintenance) -> MaintenanceInForce:
    return MaintenanceInForce(mode=now.mode, reason=now.reason, until=now.until, window_id=now.window_id)


@router.get("/mode", operation_id="get_system_mode")
async def get_system_mode(_: AnyActor, session: Reads, response: Response) -> SystemModeDocument:
    """What the platform is ready for."""
    mode, tag = await ModesInForce(session).system_mode()
    set_etag(response, tag)
    return SystemModeDocument(mode=mode)


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
    mode, tag = await modes.set_system_mode(wanted.mode, actor, if_match)
    set_etag(response, tag)
    return SystemModeDocument(mode=mode)


@router.get("/maintenance", operation_id="get_maintenance")
async def get_maintenance(_: AnyActor, session: Reads, response: Response) -> MaintenanceInForce:
    """What operations allow now."""
    now, tag = await ModesInForce(session).maintenance()
    set_etag(response, tag)
    return _shown(now)


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
    now, tag = await modes.set_maintenance(target, actor, if_match)
    set_etag(response, tag)
    return _shown(now)
