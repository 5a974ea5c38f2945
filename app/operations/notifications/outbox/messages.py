"""Use cases of messages: send one, try a channel, try again; and how long the oldest has waited."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.correlation import correlation_id
from app.kernel.db.database import Database, WriteSession
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.problems import Fault
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.notifications.outbox.actions import NotificationAction
from app.operations.notifications.outbox.events import MESSAGE, TEST
from app.operations.notifications.outbox.models import ChannelRow, MessageRow
from app.operations.notifications.outbox.problems import ChannelInactive, InvalidMessage, MessageOver
from app.operations.notifications.outbox.repository import WAITING, ChannelReads, MessageContent, OutboxWrites
from app.operations.notifications.outbox.schemas import NewMessage


class MessageService:
    """Puts messages into the outbox within one transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds, secret: ServiceSecret) -> None:
        self._channels = ChannelReads(session)
        self._outbox = OutboxWrites(session)
        self._kinds = kinds
        self._audit = AuditTrail(session, secret)

    async def send(self, actor: Actor, wanted: NewMessage) -> Sequence[UUID]:
        """Ids of the messages: one for the channel, or one for each active channel that takes the event.

        Raises:
            InvalidMessage: neither channel nor event is named, or there is none such.
            ChannelInactive: the channel sends nothing now.
        """
        kind = self._kind(wanted)
        said = wanted.model_dump(include={"subject", "body", "payload"})
        content = MessageContent(event=kind.name, correlation_id=correlation_id(), **said)
        if wanted.channel_id is None:
            ids = await self._outbox.fan_out(content, kind.patterns)
        else:
            ids = [await self._outbox.put(content, (await self._named(wanted.channel_id)).id)]
        after = {"event": kind.name, "subject": wanted.subject, "messages": len(ids)}
        await self._audit.append(
            actor, NotificationAction.MESSAGE_QUEUED, "notification", next(iter(ids), None), wanted.subject, after=after
        )
        return ids

    async def _named(self, channel_id: UUID) -> ChannelRow:
        """The channel that a request names in its body. Raises `InvalidMessage`, `ChannelInactive`."""
        channel = await self._channels.by_id(channel_id)
        if channel is None:
            message = "There is no such channel."
            raise InvalidMessage(faults=[Fault(pointer="/channel_id", code="unknown-channel", message=message)])
        return _active(channel)

    def _kind(self, wanted: NewMessage) -> EventKind:
        if wanted.event is None:
            if wanted.channel_id is None:
                message = "Name a channel, or an event whose channels are to be told."
                raise InvalidMessage(faults=[Fault(pointer="/channel_id", code="no-receiver", message=message)])
            return MESSAGE
        kind = self._kinds.get(wanted.event)
        if kind is None:
            message = f"The kinds of events are {', '.join(sorted(each.name for each in self._kinds))}."
            raise InvalidMessage(faults=[Fault(pointer="/event", code="unknown-event", message=message)])
        return kind

    async def test(self, actor: Actor, channel_id: UUID) -> UUID:
        """The id of a message that tries the channel. Raises `NotFound`, `ChannelInactive`."""
        channel = await self._channels.get(channel_id)
        content = MessageContent(
            event=TEST.name,
            subject="Spyne tries this channel",
            body=f"{actor.label} has asked for this message, which tells of nothing else.",
            correlation_id=correlation_id(),
        )
        message_id = await self._outbox.put(content, _active(channel).id)
        await self._audit.append(
            actor, NotificationAction.CHANNEL_TESTED, "notification-channel", channel.id, channel.name
        )
        return message_id

    async def retry(self, actor: Actor, message_id: UUID) -> MessageRow:
        """The message, due now and with all its tries before it.

        Raises:
            NotFound
            MessageOver: it was sent, or is being sent.
            ChannelInactive: its channel sends nothing now.
        """
        message = await self._outbox.lock_by_id(message_id)
        if message.status in {"sent", "sending"}:
            raise MessageOver(f"The message is {message.status}.")
        channel = await self._channels.by_id(message.channel_id)
        if channel is None:
            raise ChannelInactive("The channel was removed.")
        _active(channel)
        await self._outbox.put_back(message)
        await self._audit.append(actor, NotificationAction.MESSAGE_RETRIED, "notification", message.id, message.subject)
        return message

    async def recover(self, actor: Actor, channel_id: UUID, since: datetime) -> int:
        """How many messages of the channel, failed or given up since then, are due again.

        Raises:
            InvalidMessage: there is no such channel.
            ChannelInactive: it sends nothing now.
        """
        channel = await self._named(channel_id)
        count = await self._outbox.recover(channel.id, since)
        after = {"since": since, "messages": count}
        await self._audit.append(
            actor, NotificationAction.MESSAGES_RECOVERED, "notification-channel", channel.id, channel.name, after=after
        )
        return count


def _active(channel: ChannelRow) -> ChannelRow:
    if not channel.active:
        raise ChannelInactive(f"{channel.name} is switched off; switch it on first.")
    return channel


async def oldest_waiting_seconds(database: Database) -> float:
    """The age of the oldest message that waits or is on its way; 0 when there is none. Raises what lookups raise."""
    row = await database.lookups.one(WAITING, {})
    return max(0.0, float(row[0])) if row is not None else 0.0
