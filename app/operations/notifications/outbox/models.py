"""Tables of notifications: channels, the outbox, and what became of each attempt."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.db.models import Base, Created, Identified

MAX_NAME = 256
MAX_SUBJECT = 256


class ChannelRow(Identified, Created, Base):
    """Where notifications go. Kept, without its secrets, after its removal: messages refer to it."""

    __tablename__ = "notification_channels"
    __table_args__ = (
        Index("uq_notification_channels_name", "name", unique=True, postgresql_where=text("removed_at IS NULL")),
    )

    name: Mapped[str] = mapped_column(String(MAX_NAME), comment="Unique among the channels there are")
    channel_type: Mapped[str] = mapped_column(Text, comment="webhook, email, slack, teams, …")
    target: Mapped[str] = mapped_column(Text, comment="Address, encrypted; empty after removal")
    shown: Mapped[str] = mapped_column(Text, comment="Address as it may be shown")
    secrets: Mapped[str | None] = mapped_column(Text, comment="Signing secrets of a webhook, encrypted")
    active: Mapped[bool] = mapped_column(server_default=text("true"), comment="Whether messages are sent")
    description: Mapped[str] = mapped_column(Text, server_default="", comment="What it is for")
    event_filter: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="Kinds it takes: name, subject:* or *")
    disabled_reason: Mapped[str | None] = mapped_column(Text, comment="Why the service has switched it off")
    failing_since: Mapped[datetime | None] = mapped_column(comment="First failure since the last success")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last change")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of who made it")
    removed_at: Mapped[datetime | None] = mapped_column(comment="When it was removed")


class MessageRow(Identified, Created, Base):
    """A message for one channel, written in the transaction of what it is about."""

    __tablename__ = "notification_outbox"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'sending', 'sent', 'failed', 'dead')", name="status"),
        CheckConstraint("status NOT IN ('sent', 'dead') OR next_attempt_at IS NULL", name="over"),
        Index("ix_notification_outbox_due", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        Index("ix_notification_outbox_waiting", "created_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
        Index("ix_notification_outbox_open", "status", "id", postgresql_where=text("status <> 'sent'")),
        Index("ix_notification_outbox_channel_id", "channel_id", "id"),
        Index("ix_notification_outbox_event", "event", "created_at"),
    )

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.notification_channels.id"), comment="Where it goes")
    event: Mapped[str] = mapped_column(Text, comment="Kind of what happened")
    entity: Mapped[str | None] = mapped_column(Text, comment="What it happened to, such as table/flights@2")
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT), comment="What happened, in a line")
    body: Mapped[str] = mapped_column(Text, server_default="", comment="What happened, in words")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", comment="What happened, for programs")
    status: Mapped[str] = mapped_column(
        Text, server_default="pending", comment="pending, sending, sent, failed (tried again) or dead (given up)"
    )
    attempts: Mapped[int] = mapped_column(
        server_default="0", comment="Attempts so far; the last one's number guards its outcome"
    )
    tries: Mapped[int] = mapped_column(
        server_default="0", comment="Failures since it was last put back; the schedule's"
    )
    last_error: Mapped[str | None] = mapped_column(Text, comment="Why the last attempt failed")
    next_attempt_at: Mapped[datetime | None] = mapped_column(
        comment="Due from then on; while sending, the end of the lease; null: over, or its channel is off"
    )
    sent_at: Mapped[datetime | None] = mapped_column(comment="When the other side took it")
    correlation_id: Mapped[str | None] = mapped_column(Text, comment="Of the request that caused it")

    tried: Mapped[list["AttemptRow"]] = relationship(lazy="raise", viewonly=True, order_by="AttemptRow.number")
    """What became of each attempt, the first one first; `OutboxReads.detail` loads it."""


class AttemptRow(Base):
    """An attempt to send a message."""

    __tablename__ = "notification_attempts"

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.notification_outbox.id", ondelete="CASCADE"), primary_key=True, comment="The message"
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="From 1")
    attempted_at: Mapped[datetime] = mapped_column(comment="When it began")
    status_code: Mapped[int | None] = mapped_column(comment="What the other side answered")
    latency_ms: Mapped[int | None] = mapped_column(comment="How long it took; null when nobody knows")
    error: Mapped[str | None] = mapped_column(Text, comment="Why it failed; null when it did not")
