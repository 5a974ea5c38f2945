"""`/system/config`: values that are decided while the service runs. Possible in every maintenance mode."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.operations.configuration.rules import ConfigurationKeyNotFound
from app.operations.configuration.schemas import ConfigDocument, DecisionDocument, RevertRequest, ValueRequest
from app.operations.configuration.service import ConfigurationService, ConfigurationViews, UnreadableDecision
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system/config", tags=["system"], route_class=TransactionalRoute)
CONTROL = operation(OperationClass.CONTROL)
Key = Annotated[str, Path(max_length=128, description="Name of the key.", examples=["query.preview-lifetime-seconds"])]

ViewsDep = Annotated[ConfigurationViews, reads(ConfigurationViews)]
ServiceDep = Annotated[ConfigurationService, controls(ConfigurationService)]


@router.get("", operation_id="list_configuration")
async def list_configuration(
    _: CanSeeSystem,
    views: ViewsDep,
    prefix: Annotated[str | None, Query(max_length=128, description="Keys that begin so.")] = None,
) -> PageDocument[ConfigDocument]:
    """Every key, by name, with what is in force; always on one page."""
    return PageDocument[ConfigDocument](items=await views.all(prefix), next_cursor=None)


@router.get("/{config_key}", operation_id="get_configuration", responses=responses(ConfigurationKeyNotFound))
async def get_configuration(config_key: Key, _: CanSeeSystem, views: ViewsDep, response: Response) -> ConfigDocument:
    """One key with what is in force."""
    return (await views.one(config_key)).put_on(response)


@router.put(
    "/{config_key}",
    operation_id="set_configuration",
    responses=responses(ConfigurationKeyNotFound, PreconditionFailed),
    openapi_extra=CONTROL,
)
async def set_configuration(
    config_key: Key,
    wanted: ValueRequest,
    actor: CanRunSystem,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> ConfigDocument:
    """Decide a value; in force everywhere within a second."""
    return (await service.decide(actor, config_key, wanted.value, wanted.reason, if_match)).put_on(response)


@router.delete(
    "/{config_key}",
    operation_id="reset_configuration",
    responses=responses(ConfigurationKeyNotFound, PreconditionFailed),
    openapi_extra=CONTROL,
)
async def reset_configuration(
    config_key: Key, actor: CanRunSystem, service: ServiceDep, response: Response, if_match: IfMatch = None
) -> ConfigDocument:
    """Go back to the default, the setting of the environment."""
    return (await service.reset(actor, config_key, if_match)).put_on(response)


@router.get(
    "/{config_key}/history", operation_id="list_configuration_history", responses=responses(ConfigurationKeyNotFound)
)
async def list_configuration_history(
    config_key: Key, _: CanSeeSystem, views: ViewsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[DecisionDocument]:
    """Every decision about a key, the last one first."""
    return show(await views.history(config_key, paging), lambda shown: shown, request, response)


@router.post(
    "/{config_key}/revert",
    operation_id="revert_configuration",
    responses=responses(ConfigurationKeyNotFound, NotFound, PreconditionFailed, UnreadableDecision),
    openapi_extra=CONTROL,
)
async def revert_configuration(
    config_key: Key,
    wanted: RevertRequest,
    actor: CanRunSystem,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> ConfigDocument:
    """Decide again what was decided before; a new version like any other."""
    return (await service.revert(actor, config_key, wanted.version, wanted.reason, if_match)).put_on(response)
