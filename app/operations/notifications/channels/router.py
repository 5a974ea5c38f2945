"""`/system/notify/channels`: where notifications go."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.kernel.http.caching import NO_STORE
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.operations.notifications.channels.channel_types import ChannelType
from app.operations.notifications.channels.schemas import (
    ChannelChange,
    ChannelDocument,
    MadeChannel,
    NewChannel,
    RotatedSecret,
    SecretRotation,
)
from app.operations.notifications.channels.service import ChannelService, tagged
from app.operations.notifications.outbox.messages import MessageService
from app.operations.notifications.outbox.problems import (
    ChannelInactive,
    ChannelNameTaken,
    InvalidChannel,
    NoSigningSecret,
)
from app.operations.notifications.outbox.repository import ChannelReads
from app.operations.notifications.outbox.schemas import QueuedMessages
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system/notify/channels", tags=["notifications"], route_class=TransactionalRoute)

ChannelListDep = Annotated[ChannelReads, reads(ChannelReads)]
ChannelsDep = Annotated[ChannelService, writes(ChannelService)]
MessagesDep = Annotated[MessageService, writes(MessageService)]


@router.post(
    "",
    operation_id="create_notification_channel",
    status_code=201,
    responses=responses(InvalidChannel, ChannelNameTaken),
)
async def create_notification_channel(
    wanted: NewChannel, actor: CanRunSystem, channels: ChannelsDep, response: Response
) -> MadeChannel:
    """A new channel. Of a webhook, this answer is the only one that shows its signing secret."""
    row, secret = await channels.create(actor, wanted)
    response.headers.update(NO_STORE | {"Location": f"/system/notify/channels/{row.id}"})
    made = MadeChannel.model_validate(tagged(row).put_on(response))
    return made.model_copy(update={"signing_secret": secret.text if secret else None})


SortedPaging = Annotated[PageRequest, sorted_by(*ChannelReads.sorts)]


@router.get("", operation_id="list_notification_channels")
async def list_notification_channels(
    _: CanSeeSystem,
    channels: ChannelListDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    active: Annotated[bool | None, Query(description="Those that are on, or those that are off.")] = None,
    channel_type: Annotated[ChannelType | None, Query(description="How it is reached.")] = None,
) -> PageDocument[ChannelDocument]:
    """Channels, newest first; their targets masked."""
    page = await channels.matching(active=active, channel_type=channel_type, request=paging)
    return show(page, ChannelDocument.model_validate, request, response)


@router.get("/{channel_id}", operation_id="get_notification_channel", responses=responses(NotFound))
async def get_notification_channel(
    channel_id: UUID, _: CanSeeSystem, channels: ChannelListDep, response: Response
) -> ChannelDocument:
    """One channel, its target masked."""
    return ChannelDocument.model_validate(tagged(await channels.get(channel_id)).put_on(response))


@router.patch(
    "/{channel_id}",
    operation_id="change_notification_channel",
    responses=responses(NotFound, ChannelNameTaken, PreconditionFailed, InvalidChannel),
)
async def change_notification_channel(
    channel_id: UUID,
    wanted: ChannelChange,
    actor: CanRunSystem,
    channels: ChannelsDep,
    response: Response,
    if_match: IfMatch = None,
) -> ChannelDocument:
    """Change it, switch it off (its messages wait) or on again (they are sent)."""
    changed = await channels.change(actor, channel_id, wanted.model_dump(include=wanted.model_fields_set), if_match)
    return ChannelDocument.model_validate(changed.put_on(response))


@router.delete(
    "/{channel_id}",
    operation_id="remove_notification_channel",
    status_code=204,
    responses=responses(NotFound, PreconditionFailed),
)
async def remove_notification_channel(
    channel_id: UUID, actor: CanRunSystem, channels: ChannelsDep, if_match: IfMatch = None
) -> None:
    """Remove it with its secrets; what waits for it is given up."""
    await channels.remove(actor, channel_id, if_match)


@router.post(
    "/{channel_id}/test",
    operation_id="test_notification_channel",
    status_code=202,
    responses=responses(NotFound, ChannelInactive),
)
async def test_notification_channel(
    channel_id: UUID, actor: CanRunSystem, messages: MessagesDep, response: Response
) -> QueuedMessages:
    """Send a message that tries the channel; its address tells what became of it."""
    message_id = await messages.test(actor, channel_id)
    response.headers["Location"] = f"/system/notify/{message_id}"
    return QueuedMessages(ids=[message_id])


@router.post(
    "/{channel_id}/rotate-secret",
    operation_id="rotate_notification_secret",
    responses=responses(NotFound, NoSigningSecret, PreconditionFailed),
)
async def rotate_notification_secret(
    channel_id: UUID,
    wanted: SecretRotation,
    actor: CanRunSystem,
    channels: ChannelsDep,
    response: Response,
    if_match: IfMatch = None,
) -> RotatedSecret:
    """A fresh signing secret of a webhook; for the grace, messages carry the signatures of both."""
    grace = timedelta(seconds=wanted.grace_seconds)
    row, secret = await channels.rotate_secret(actor, channel_id, grace, if_match)
    response.headers.update(NO_STORE)
    return RotatedSecret(channel_id=tagged(row).put_on(response).id, signing_secret=secret.text)
