"""`/system/deployment` and `/system/routes`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from app.kernel.db.database import OperationClass
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Reads
from app.kernel.paging import PageDocument
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.security.authorization import Permission
from app.operations.deployment.routes import RouteFilter, index
from app.operations.deployment.schemas import DeploymentDocument, RouteDocument
from app.operations.deployment.service import deployment
from app.operations.permissions import CanSeeSystem

router = APIRouter(prefix="/system", tags=["system"], route_class=TransactionalRoute)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@router.get("/deployment", operation_id="get_deployment")
async def get_deployment(_: CanSeeSystem, session: Reads, resources: ResourcesDep) -> DeploymentDocument:
    """What runs here: versions, schema, database, pools, workers, features. No secrets."""
    return await resources.build(deployment, session)


@router.get("/routes", operation_id="list_routes")
async def list_routes(
    _: CanSeeSystem,
    request: Request,
    method: Annotated[Method | None, Query(description="HTTP method.")] = None,
    tag: Annotated[str | None, Query(max_length=64, description="A tag.")] = None,
    permission: Annotated[Permission | None, Query(description="A permission that it needs.")] = None,
    operation_class: Annotated[OperationClass | None, Query(description="What the modes take it for.")] = None,
    deprecated: Annotated[bool | None, Query(description="Whether it is to go away.")] = None,
    search: Annotated[str | None, Query(max_length=128, description="Part of its path or id.")] = None,
) -> PageDocument[RouteDocument]:
    """Every operation of the service, by path; always on one page."""
    wanted = RouteFilter(method, tag, permission, operation_class, deprecated, search)
    return PageDocument[RouteDocument](items=index(request.app.routes, wanted), next_cursor=None)
