"""`/system/notify`: messages of the outbox, and what became of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.ports.events import KIND_PATTERN
from app.kernel.problems import NotFound, responses
from app.operations.notifications.outbox.messages import MessageService
from app.operations.notifications.outbox.problems import ChannelInactive, InvalidMessage, MessageOver
from app.operations.notifications.outbox.repository import OutboxReads
from app.operations.notifications.outbox.schemas import (
    MessageDetail,
    MessageDocument,
    MessageStatus,
    NewMessage,
    QueuedMessages,
    Recovered,
    Recovery,
)
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system/notify", tags=["notifications"], route_class=TransactionalRoute)


OutboxDep = Annotated[OutboxReads, reads(OutboxReads)]
MessagesDep = Annotated[MessageService, writes(MessageService)]


@router.post(
    "/", operation_id="send_notification", status_code=202, responses=responses(InvalidMessage, ChannelInactive)
)
async def send_notification(
    wanted: NewMessage, actor: CanRunSystem, messages: MessagesDep, response: Response
) -> QueuedMessages:
    """Put a message into the outbox: for one channel, or for every active one that takes the event."""
    ids = await messages.send(actor, wanted)
    one = len(ids) == 1
    response.headers["Location"] = f"/system/notify/{ids[0]}" if one else f"/system/notify/?event={wanted.event}"
    return QueuedMessages(ids=list(ids))


@router.get("/", operation_id="list_notifications")
async def list_notifications(
    _: CanSeeSystem,
    outbox: OutboxDep,
    paging: Paging,
    request: Request,
    response: Response,
    status: Annotated[MessageStatus | None, Query(description="What has become of it.")] = None,
    channel_id: Annotated[UUID | None, Query(description="Where it goes.")] = None,
    event: Annotated[str | None, Query(pattern=KIND_PATTERN, description="Kind of event.")] = None,
) -> PageDocument[MessageDocument]:
    """Messages, newest first."""
    page = await outbox.matching(status=status, channel_id=channel_id, event=event, request=paging)
    return show(page, MessageDocument.model_validate, request, response)


@router.post("/recover", operation_id="recover_notifications", responses=responses(InvalidMessage, ChannelInactive))
async def recover_notifications(wanted: Recovery, actor: CanRunSystem, messages: MessagesDep) -> Recovered:
    """Send again what has failed on a channel since some time, given up or not, from the schedule's beginning."""
    return Recovered(messages=await messages.recover(actor, wanted.channel_id, wanted.since))


@router.get("/{message_id}", operation_id="get_notification", responses=responses(NotFound))
async def get_notification(message_id: UUID, _: CanSeeSystem, outbox: OutboxDep) -> MessageDetail:
    """One message with its attempts: when, what was answered, how long it took, why it failed."""
    return MessageDetail.model_validate(await outbox.detail(message_id))


@router.post(
    "/{message_id}/retry",
    operation_id="retry_notification",
    status_code=202,
    responses=responses(NotFound, MessageOver, ChannelInactive),
)
async def retry_notification(
    message_id: UUID, actor: CanRunSystem, messages: MessagesDep, response: Response
) -> MessageDocument:
    """Try a message again now, from the schedule's beginning, under the same id."""
    message = await messages.retry(actor, message_id)
    response.headers["Location"] = f"/system/notify/{message_id}"
    return MessageDocument.model_validate(message)
