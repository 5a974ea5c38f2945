"""From requests to use cases where one operation stands for several."""

from collections.abc import Sequence
from uuid import UUID

from starlette.routing import BaseRoute

from app.kernel.problems import Fault, InvalidRequest
from app.kernel.security.authorization import Actor
from app.operations.security.blocks import BlockService, InvalidTarget, WantedBlock
from app.operations.security.edge.blocking import BlockKind
from app.operations.security.honeypots import HoneypotService, InvalidDecoyPath
from app.operations.security.models import ActionRow
from app.operations.security.responses import ActionService
from app.operations.security.schemas import (
    ActionRequest,
    BlockRequest,
    HoneypotDocument,
    HoneypotRequest,
    LaidOutHoneypot,
)

_SUBJECTS = {"user": BlockKind.USER, "client": BlockKind.CLIENT}


def wanted_block(request: BlockRequest) -> WantedBlock:
    """The block that the request asks for."""
    return WantedBlock(
        kind=request.kind,
        target=request.target,
        reason=request.reason,
        expires_at=request.expires_at,
        force=request.force,
    )


def kind_of(target: str) -> tuple[BlockKind, str]:
    """What an action's target is, and its text alone."""
    prefix, colon, rest = target.partition(":")
    if colon and prefix in _SUBJECTS:
        return _SUBJECTS[prefix], rest
    return (BlockKind.NETWORK if "/" in target else BlockKind.ADDRESS), target


async def dispatch(
    request: ActionRequest, actor: Actor, actions: ActionService, blocks: BlockService, own: str | None
) -> ActionRow:
    """The action. Raises what the use case raises, and `InvalidTarget`."""
    kind, text = kind_of(request.target)
    if request.kind == "disable-user":
        return await actions.disable_user(actor, _user_id(kind, text), request.reason, request.event_kind)
    wanted = WantedBlock(
        kind=kind, target=text, reason=request.reason, expires_at=request.expires_at, force=request.force
    )
    _, action = await blocks.create(actor, wanted, own, request.event_kind)
    return action


def _user_id(kind: BlockKind, text: str) -> UUID:
    if kind is not BlockKind.USER:
        raise InvalidTarget("Name the user as user:<id>.")
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidTarget("This is not the id of a user.") from error


async def laid_out(
    request: HoneypotRequest, actor: Actor, honeypots: HoneypotService, routes: Sequence[BaseRoute]
) -> LaidOutHoneypot:
    """The decoy that the request asks for. Raises what the use case raises, and `InvalidRequest`."""
    if request.kind == "key":
        if request.path is not None:
            message = "A key has no path."
            raise InvalidRequest(message, faults=[Fault(pointer="/path", code="not-of-a-key", message=message)])
        row, key = await honeypots.key(actor, request.label)
        return LaidOutHoneypot(**_shown(row), key=key)
    if request.path is None:
        raise InvalidDecoyPath("A decoy address needs its path.")
    return LaidOutHoneypot(**_shown(await honeypots.route(actor, request.path, request.label, list(routes))))


def _shown(row: object) -> dict[str, object]:
    return HoneypotDocument.model_validate(row).model_dump()
