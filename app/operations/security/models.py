"""Tables of edge protection. All are small or bounded; what the door needs of them is held in memory."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class RateRuleRow(Base):
    """How many requests of a class are taken."""

    __tablename__ = "security_rate_rules"
    __table_args__ = (
        CheckConstraint("scope IN ('caller', 'address')", name="scope"),
        CheckConstraint("amount > 0 AND window_seconds > 0", name="positive"),
    )

    route_class: Mapped[str] = mapped_column(Text, primary_key=True, comment="Class of routes")
    scope: Mapped[str] = mapped_column(Text, primary_key=True, comment="Counted by caller or by address")
    amount: Mapped[int] = mapped_column(comment="Requests that are taken within a window")
    window_seconds: Mapped[int] = mapped_column(comment="Length of the window")
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), comment="Whether the rule is in force")


class BlockRow(Identified, Created, Base):
    """Somebody who is shut out; kept as history when that is over."""

    __tablename__ = "security_blocks"
    __table_args__ = (
        CheckConstraint("kind IN ('address', 'network', 'user', 'client')", name="kind"),
        CheckConstraint("made_by IN ('admin', 'rule')", name="made_by"),
        Index("uq_security_blocks_open", "kind", "target", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    kind: Mapped[str] = mapped_column(Text, comment="address, network, user or client")
    target: Mapped[str] = mapped_column(Text, comment="The address or network, or the id of the user or client")
    reason: Mapped[str] = mapped_column(Text, comment="Why; never told to who is blocked")
    made_by: Mapped[str] = mapped_column(Text, comment="admin or rule")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of the admin, or the kind of event of the rule")
    expires_at: Mapped[datetime | None] = mapped_column(comment="Over from then on; null: until it is ended")
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was ended before its time, or found expired")
    ended_by: Mapped[str | None] = mapped_column(Text, comment="Label of who ended it")


class EventRow(Identified, Base):
    """What happened from one address and by one subject within one minute."""

    __tablename__ = "security_events"
    __table_args__ = (
        UniqueConstraint("kind", "address", "subject", "minute", postgresql_nulls_not_distinct=True),
        Index(None, "last_at"),
        Index(None, "address", "last_at"),
    )

    kind: Mapped[str] = mapped_column(Text, comment="What happened, such as honeypot-hit")
    address: Mapped[str | None] = mapped_column(Text, comment="Client address")
    subject: Mapped[str | None] = mapped_column(Text, comment="user:<id> or client:<id>")
    minute: Mapped[datetime] = mapped_column(comment="Start of the minute that is counted together")
    first_at: Mapped[datetime] = mapped_column(comment="First time")
    last_at: Mapped[datetime] = mapped_column(comment="Last time")
    count: Mapped[int] = mapped_column(BigInteger, comment="How often")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Of the first time; without secrets")


class ActionRow(Identified, Created, Base):
    """What an admin or a rule did in response to events."""

    __tablename__ = "security_actions"
    __table_args__ = (
        CheckConstraint("kind IN ('block', 'disable-user', 'end-sessions')", name="kind"),
        CheckConstraint("made_by IN ('admin', 'rule')", name="made_by"),
        Index(None, "block_id"),
    )

    kind: Mapped[str] = mapped_column(Text, comment="block, disable-user or end-sessions")
    target: Mapped[str] = mapped_column(Text, comment="Address, network, user:<id> or client:<id>")
    reason: Mapped[str] = mapped_column(Text, comment="Why")
    made_by: Mapped[str] = mapped_column(Text, comment="admin or rule")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of the admin, or the kind of event of the rule")
    event_kind: Mapped[str | None] = mapped_column(Text, comment="Kind of the events responded to")
    block_id: Mapped[UUID | None] = mapped_column(ForeignKey("spyne.security_blocks.id"), comment="The block made")
    undone_at: Mapped[datetime | None] = mapped_column(comment="When it was undone")
    undone_by: Mapped[str | None] = mapped_column(Text, comment="Label of who undid it")


class ResponseRow(Base):
    """What is done by itself when a kind of event comes too often from one address."""

    __tablename__ = "security_responses"
    __table_args__ = (CheckConstraint("threshold > 0 AND window_seconds > 0 AND block_seconds > 0", name="positive"),)

    event_kind: Mapped[str] = mapped_column(Text, primary_key=True, comment="Kind of event")
    threshold: Mapped[int] = mapped_column(comment="Events from one address within the window which call for it")
    window_seconds: Mapped[int] = mapped_column(comment="Length of the window")
    block_seconds: Mapped[int] = mapped_column(comment="How long the address is blocked")
    enabled: Mapped[bool] = mapped_column(comment="Whether the rule is in force")


class HoneypotRow(Identified, Created, Base):
    """A decoy: an address or an API key that nobody has a reason to use."""

    __tablename__ = "security_honeypots"
    __table_args__ = (
        CheckConstraint("kind IN ('route', 'key')", name="kind"),
        CheckConstraint(
            "(kind = 'route') = (path IS NOT NULL) AND (kind = 'key') = (digest IS NOT NULL)", name="shape"
        ),
        Index("uq_security_honeypots_path", "path", unique=True, postgresql_where=text("removed_at IS NULL")),
    )

    kind: Mapped[str] = mapped_column(Text, comment="route or key")
    label: Mapped[str] = mapped_column(Text, comment="What it is, and where it was laid out")
    path: Mapped[str | None] = mapped_column(Text, comment="The address, in lower case, without a slash at its end")
    prefix: Mapped[str | None] = mapped_column(Text, comment="Public part of the key")
    digest: Mapped[bytes | None] = mapped_column(LargeBinary, comment="SHA-256 of the whole key")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of who laid it out")
    removed_at: Mapped[datetime | None] = mapped_column(comment="When it was removed")
    removed_by: Mapped[str | None] = mapped_column(Text, comment="Label of who removed it")
