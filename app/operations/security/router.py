"""`/system/security`: policy, limits, blocks, events, actions and decoys. For whoever holds `security:admin`.

Its changes are possible in every maintenance mode: attacks do not wait for one to end.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.users.service import LastAdmin, UserService
from app.kernel.db.database import OperationClass
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Controls, controls, operation, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.timestamps import Moment
from app.operations.security.administration import SecurityAdministration, SecurityReading, WouldLockOut
from app.operations.security.blocks import AlreadyBlocked, BlockService, NotBlocked, OwnBlock, ProtectedTarget
from app.operations.security.documents import PolicyDocument
from app.operations.security.edge.blocking import BlockKind
from app.operations.security.honeypots import DecoyInPlace, HoneypotService, RealRoute
from app.operations.security.origin import OwnAddress
from app.operations.security.permissions import CanAdministerSecurity
from app.operations.security.repository import ActionReads, BlockReads, EventReads, HoneypotReads
from app.operations.security.responses import ActionService, AlreadyUndone
from app.operations.security.schemas import (
    ActionDocument,
    ActionRequest,
    BlockDocument,
    BlockRequest,
    EventDocument,
    HoneypotDocument,
    HoneypotRequest,
    LaidOutHoneypot,
    RateLimitsDocument,
    ResponsesDocument,
)

router = APIRouter(prefix="/system/security", tags=["security"], route_class=TransactionalRoute)
CONTROL = operation(OperationClass.CONTROL)
BLOCK_REFUSALS = responses(AlreadyBlocked, OwnBlock, LastAdmin, ProtectedTarget)


async def _actions(session: Controls, resources: ResourcesDep) -> ActionService:
    users, blocks = resources.build(UserService, session), resources.build(BlockService, session)
    return resources.build(ActionService, session, users, blocks)


ReadingDep = Annotated[SecurityReading, reads(SecurityReading)]
AdministrationDep = Annotated[SecurityAdministration, controls(SecurityAdministration)]
BlocksDep = Annotated[BlockService, controls(BlockService)]
BlockListDep = Annotated[BlockReads, reads(BlockReads)]
EventListDep = Annotated[EventReads, reads(EventReads)]
ActionsDep = Annotated[ActionService, Depends(_actions)]
ActionListDep = Annotated[ActionReads, reads(ActionReads)]
HoneypotsDep = Annotated[HoneypotService, controls(HoneypotService)]
HoneypotListDep = Annotated[HoneypotReads, reads(HoneypotReads)]


@router.get("/policy", operation_id="get_security_policy")
async def get_security_policy(_: CanAdministerSecurity, stored: ReadingDep, response: Response) -> PolicyDocument:
    """Password rules, session lifetimes, lock-out, upload bounds, allowed networks."""
    return (await stored.policy()).put_on(response)


@router.put(
    "/policy",
    operation_id="set_security_policy",
    responses=responses(PreconditionFailed, WouldLockOut),
    openapi_extra=CONTROL,
)
async def set_security_policy(
    wanted: PolicyDocument,
    actor: CanAdministerSecurity,
    administration: AdministrationDep,
    own: OwnAddress,
    response: Response,
    if_match: IfMatch = None,
    force: Annotated[bool, Query(description="Even if it shuts out the caller.")] = False,
) -> PolicyDocument:
    """Replace the policy; in force everywhere within a second."""
    return (await administration.set_policy(actor, wanted, if_match, address=own, force=force)).put_on(response)


@router.get("/rate-limits", operation_id="get_rate_limits")
async def get_rate_limits(_: CanAdministerSecurity, stored: ReadingDep, response: Response) -> RateLimitsDocument:
    """How many requests are taken, by class, from callers and from addresses."""
    return (await stored.rates()).put_on(response)


@router.put(
    "/rate-limits", operation_id="set_rate_limits", responses=responses(PreconditionFailed), openapi_extra=CONTROL
)
async def set_rate_limits(
    wanted: RateLimitsDocument,
    actor: CanAdministerSecurity,
    administration: AdministrationDep,
    response: Response,
    if_match: IfMatch = None,
) -> RateLimitsDocument:
    """Replace all rules; in force everywhere within a second."""
    return (await administration.set_rates(actor, wanted, if_match)).put_on(response)


@router.get("/responses", operation_id="get_security_responses")
async def get_security_responses(_: CanAdministerSecurity, stored: ReadingDep, response: Response) -> ResponsesDocument:
    """What is done by itself when events come too often."""
    return (await stored.responses()).put_on(response)


@router.put(
    "/responses", operation_id="set_security_responses", responses=responses(PreconditionFailed), openapi_extra=CONTROL
)
async def set_security_responses(
    wanted: ResponsesDocument,
    actor: CanAdministerSecurity,
    administration: AdministrationDep,
    response: Response,
    if_match: IfMatch = None,
) -> ResponsesDocument:
    """Replace all rules of automatic response."""
    return (await administration.set_responses(actor, wanted, if_match)).put_on(response)


@router.get("/blocks", operation_id="list_blocks")
async def list_blocks(
    _: CanAdministerSecurity,
    blocks: BlockListDep,
    resources: ResourcesDep,
    paging: Paging,
    request: Request,
    response: Response,
    state: Annotated[Literal["active", "past"] | None, Query(description="In force, or over.")] = None,
    kind: Annotated[BlockKind | None, Query(description="What is blocked.")] = None,
) -> PageDocument[BlockDocument]:
    """Who is shut out, and who was."""
    active = None if state is None else state == "active"
    page = await blocks.matching(now=resources.clock(), active=active, kind=kind, request=paging)
    return show(page, BlockDocument.model_validate, request, response)


@router.post("/blocks", operation_id="create_block", status_code=201, responses=BLOCK_REFUSALS, openapi_extra=CONTROL)
async def create_block(
    wanted: BlockRequest, actor: CanAdministerSecurity, blocks: BlocksDep, own: OwnAddress
) -> BlockDocument:
    """Shut out an address, a network, a user or a client; in force everywhere within a second."""
    block, _ = await blocks.create(actor, wanted, own)
    return BlockDocument.model_validate(block)


@router.delete(
    "/blocks/{block_id}", operation_id="end_block", responses=responses(NotFound, NotBlocked), openapi_extra=CONTROL
)
async def end_block(block_id: UUID, actor: CanAdministerSecurity, blocks: BlocksDep) -> BlockDocument:
    """Let them in again; the block is kept as history."""
    return BlockDocument.model_validate(await blocks.end(actor, block_id))


@router.get("/events", operation_id="list_security_events")
async def list_security_events(
    _: CanAdministerSecurity,
    events: EventListDep,
    paging: Paging,
    request: Request,
    response: Response,
    kind: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z0-9-]+$", description="What happened.")] = None,
    address: Annotated[
        str | None, Query(max_length=64, pattern=r"^[0-9A-Za-z.:%]+$", description="From where.")
    ] = None,
    subject: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z]+:[0-9a-f-]+$", description="By whom.")] = None,
    since: Annotated[Moment | None, Query(description="Not before.")] = None,
    until: Annotated[Moment | None, Query(description="Before.")] = None,
) -> PageDocument[EventDocument]:
    """What happened, newest first; floods are counted together by minute."""
    page = await events.matching(paging, kind=kind, address=address, subject=subject, since=since, until=until)
    return show(page, EventDocument.model_validate, request, response)


@router.get("/actions", operation_id="list_security_actions")
async def list_security_actions(
    _: CanAdministerSecurity,
    actions: ActionListDep,
    paging: Paging,
    request: Request,
    response: Response,
    undone: Annotated[bool | None, Query(description="Those that were undone, or those that were not.")] = None,
) -> PageDocument[ActionDocument]:
    """What admins and rules did about events."""
    page = await actions.matching(undone=undone, request=paging)
    return show(page, ActionDocument.model_validate, request, response)


@router.post(
    "/actions",
    operation_id="take_security_action",
    status_code=201,
    responses=responses(NotFound) | BLOCK_REFUSALS,
    openapi_extra=CONTROL,
)
async def take_security_action(
    wanted: ActionRequest, actor: CanAdministerSecurity, actions: ActionsDep, own: OwnAddress
) -> ActionDocument:
    """Block an address or a subject, or disable a user, in response to events."""
    return ActionDocument.model_validate(await actions.take(actor, wanted, own))


@router.post(
    "/actions/{action_id}/undo",
    operation_id="undo_security_action",
    responses=responses(NotFound, AlreadyUndone),
    openapi_extra=CONTROL,
)
async def undo_security_action(action_id: UUID, actor: CanAdministerSecurity, actions: ActionsDep) -> ActionDocument:
    """Put back what the action did; once."""
    return ActionDocument.model_validate(await actions.undo(actor, action_id))


@router.get("/honeypots", operation_id="list_honeypots")
async def list_honeypots(
    _: CanAdministerSecurity, decoys: HoneypotListDep, paging: Paging, request: Request, response: Response
) -> PageDocument[HoneypotDocument]:
    """The decoys in place."""
    return show(await decoys.page(decoys.base(), paging), HoneypotDocument.model_validate, request, response)


@router.post(
    "/honeypots",
    operation_id="create_honeypot",
    status_code=201,
    responses=responses(RealRoute, DecoyInPlace),
    openapi_extra=CONTROL,
)
async def create_honeypot(
    wanted: HoneypotRequest, actor: CanAdministerSecurity, honeypots: HoneypotsDep, request: Request
) -> LaidOutHoneypot:
    """Lay out a decoy address or a decoy key; its use is an event."""
    row, key = await honeypots.lay_out(actor, wanted, request.app.routes)
    return LaidOutHoneypot(**HoneypotDocument.model_validate(row).model_dump(), key=key)


@router.delete(
    "/honeypots/{honeypot_id}",
    operation_id="remove_honeypot",
    status_code=204,
    responses=responses(NotFound),
    openapi_extra=CONTROL,
)
async def remove_honeypot(honeypot_id: UUID, actor: CanAdministerSecurity, honeypots: HoneypotsDep) -> None:
    """Remove a decoy."""
    await honeypots.remove(actor, honeypot_id)
