"""SQL of channels and of the outbox, as its readers and writers see it; delivery has `delivery/repository.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from app.kernel.db.lookups import Lookup
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.operations.notifications.outbox.models import ChannelRow, MessageRow

WAKE_CHANNEL = "spyne_outbox"
"""Channel of NOTIFY: something is due."""

WAITING = Lookup.of(
    select(
        func.coalesce(
            func.extract("epoch", func.clock_timestamp() - func.min(MessageRow.created_at)), literal_column("0")
        ).label("age")
    ).where(MessageRow.next_attempt_at.is_not(None))
)
"""Age of the oldest message that waits or is on its way, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """What a message says."""

    event: str
    subject: str
    body: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    entity: str | None = None
    correlation_id: str | None = None


class ChannelReads(Reading[ChannelRow]):
    """Reads channels."""

    model = ChannelRow
    sorts = ("name", "channel_type", "created_at")

    def base(self) -> Select[ChannelRow]:
        """The channels that were not removed."""
        return select(ChannelRow).where(ChannelRow.removed_at.is_(None))

    async def get(self, channel_id: UUID) -> ChannelRow:
        """The channel. Raises `NotFound`."""
        return await self.one(self.base().where(ChannelRow.id == channel_id))

    async def matching(
        self, *, active: bool | None, channel_type: str | None, request: PageRequest
    ) -> Page[ChannelRow]:
        """A page of channels, newest first."""
        statement = self.base()
        if active is not None:
            statement = statement.where(ChannelRow.active.is_(active))
        if channel_type is not None:
            statement = statement.where(ChannelRow.channel_type == channel_type)
        return await self.page(statement, request)


class ChannelWrites(Writing[ChannelRow], ChannelReads):
    """Makes and changes channels."""

    async def lock_active(self, channel_id: UUID) -> ChannelRow | None:
        """The channel, which nobody else changes before this transaction ends; None when it is off."""
        return await self.maybe(self.base().where(ChannelRow.id == channel_id, ChannelRow.active).with_for_update())

    async def other_of_name(self, name: str, channel_id: UUID) -> bool:
        """Whether another channel has this name."""
        statement = self.base().where(ChannelRow.name == name, ChannelRow.id != channel_id)
        return await self.count(statement) > 0


class OutboxReads(Reading[MessageRow]):
    """Reads messages."""

    model = MessageRow

    async def matching(
        self, *, status: str | None, channel_id: UUID | None, event: str | None, request: PageRequest
    ) -> Page[MessageRow]:
        """A page of messages, newest first."""
        wanted = {"status": status, "channel_id": channel_id, "event": event}
        named = {name: value for name, value in wanted.items() if value is not None}
        return await self.page(self.base().filter_by(**named), request)

    async def detail(self, message_id: UUID) -> MessageRow:
        """The message with what became of its attempts. Raises `NotFound`."""
        return await self.one(self.base().where(MessageRow.id == message_id).options(selectinload(MessageRow.tried)))

    async def any_since(self, event: str, since: datetime) -> bool:
        """Whether there was a message of this kind since then."""
        statement = select(MessageRow.id).where(MessageRow.event == event, MessageRow.created_at >= since).limit(1)
        return (await self.session.execute(statement)).first() is not None

    async def any_about(self, event: str, entity: str) -> bool:
        """Whether there was a message of this kind about this entity."""
        statement = select(MessageRow.id).where(MessageRow.event == event, MessageRow.entity == entity).limit(1)
        return (await self.session.execute(statement)).first() is not None


class OutboxWrites(Writing[MessageRow], OutboxReads):
    """Puts messages into the outbox, and back into it."""

    async def fan_out(self, content: MessageContent, patterns: Sequence[str]) -> Sequence[UUID]:
        """Ids of the messages: one for each active channel whose filter has one of these entries."""
        types = MessageRow.__table__.c
        said = {each.name: literal(getattr(content, each.name), types[each.name].type) for each in fields(content)}
        chosen = select(ChannelRow.id, *said.values(), func.now()).where(
            ChannelRow.active, ChannelRow.removed_at.is_(None), ChannelRow.event_filter.overlap(list(patterns))
        )
        columns = ["channel_id", *said, "next_attempt_at"]
        made = insert(MessageRow).from_select(columns, chosen, include_defaults=False).returning(MessageRow.id)
        ids = (await self.session.scalars(made)).all()
        if ids:
            await self.wake()
        return ids

    async def put(self, content: MessageContent, channel_id: UUID) -> UUID:
        """The id of a new message for one channel."""
        said = {each.name: getattr(content, each.name) for each in fields(content)}
        row = await self.add(MessageRow(channel_id=channel_id, next_attempt_at=func.now(), **said))
        await self.wake()
        return row.id

    async def wake(self) -> None:
        """Let workers look at once when this transaction has committed."""
        await self.session.execute(select(func.pg_notify(WAKE_CHANNEL, "")))

    async def put_back(self, message: MessageRow) -> None:
        """Let it be tried from the beginning of the schedule."""
        message.status, message.tries, message.next_attempt_at = "pending", 0, func.now()
        await self.session.flush()
        await self.session.refresh(message)
        await self.wake()

    async def recover(self, channel_id: UUID, since: datetime) -> int:
        """The number of messages put back, of those that have failed on the channel since then."""
        failed = MessageRow.status.in_(("failed", "dead")) & (MessageRow.created_at >= since)
        return await self._change(channel_id, failed, status="pending", tries=0, next_attempt_at=func.now())

    async def hold(self, channel_id: UUID) -> int:
        """The number of messages that now wait until the channel is on again."""
        return await self._change(channel_id, MessageRow.status.in_(("pending", "failed")), next_attempt_at=None)

    async def release(self, channel_id: UUID) -> int:
        """The number of held messages that are due now."""
        held = MessageRow.status.in_(("pending", "failed")) & MessageRow.next_attempt_at.is_(None)
        return await self._change(channel_id, held, next_attempt_at=func.now())

    async def give_up(self, channel_id: UUID, reason: str) -> int:
        """The number of messages given up, of those that wait for the channel."""
        waiting = MessageRow.status.in_(("pending", "sending", "failed"))
        return await self._change(channel_id, waiting, status="dead", last_error=reason, next_attempt_at=None)

    async def _change(self, channel_id: UUID, condition: ColumnElement[bool], **values: Any) -> int:
        statement = update(MessageRow).where(MessageRow.channel_id == channel_id, condition).values(values)
        result: Any = await self.session.execute(statement.execution_options(synchronize_session=False))
        if result.rowcount:
            await self.wake()
        return int(result.rowcount)


def outbox_statement(status: str | None, since: datetime | None, until: datetime | None) -> Select[*tuple[Any, ...]]:
    """The statement of all messages that satisfy every condition, oldest first, with the names of their channels."""
    kept = select(*MessageRow.__table__.columns, ChannelRow.name.label("channel"))
    statement = kept.join_from(MessageRow, ChannelRow, ChannelRow.id == MessageRow.channel_id)
    for condition in (
        None if status is None else MessageRow.status == status,
        None if since is None else MessageRow.created_at >= since,
        None if until is None else MessageRow.created_at < until,
    ):
        if condition is not None:
            statement = statement.where(condition)
    return statement.order_by(MessageRow.id)
