"""`GET /system/dashboard`."""

from fastapi import APIRouter

from app.kernel.http.routes import TransactionalRoute
from app.kernel.runtime.resources import ResourcesDep
from app.operations.dashboard.service import Dashboard, DashboardDocument
from app.operations.permissions import CanSeeSystem

router = APIRouter(prefix="/system", tags=["system"], route_class=TransactionalRoute)


@router.get("/dashboard", operation_id="get_dashboard")
async def get_dashboard(_: CanSeeSystem, resources: ResourcesDep) -> DashboardDocument:
    """Everything at a glance: a tile of every domain."""
    return await resources.extensions.of(Dashboard).look(resources.database, resources.clock)
