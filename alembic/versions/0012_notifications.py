"""Channels and the outbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, default: str | None = None) -> Any:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, kind, nullable=nullable, comment=comment, server_default=server_default)


def _time(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.DateTime(timezone=True), comment, **options)


def upgrade() -> None:
    _channels()
    _outbox()
    _attempts()


def _channels() -> None:
    op.create_table(
        "notification_channels",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _column("name", sa.String(256), "Unique among the channels there are"),
        _column("channel_type", sa.Text(), "webhook, email, slack, teams, …"),
        _column("target", sa.Text(), "Address, encrypted; empty after removal"),
        _column("shown", sa.Text(), "Address as it may be shown"),
        _column("secrets", sa.Text(), "Signing secrets of a webhook, encrypted", nullable=True),
        _column("active", sa.Boolean(), "Whether messages are sent", default="true"),
        _column("description", sa.Text(), "What it is for", default="''"),
        _column("event_filter", postgresql.ARRAY(sa.Text()), "Kinds it takes: name, subject:* or *"),
        _column("disabled_reason", sa.Text(), "Why the service has switched it off", nullable=True),
        _time("failing_since", "First failure since the last success", nullable=True),
        _column("version", sa.Integer(), "Counts changes; the ETag", default="1"),
        _time("updated_at", "Time of the last change", default="now()"),
        _column("created_by", sa.Text(), "Label of who made it"),
        _time("removed_at", "When it was removed", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notification_channels"),
        schema="spyne",
    )
    op.create_index(
        "uq_notification_channels_name",
        "notification_channels",
        ["name"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        schema="spyne",
    )
    grant("notification_channels", "SELECT, INSERT, UPDATE")


def _outbox() -> None:
    op.create_table(
        "notification_outbox",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _column("channel_id", sa.Uuid(), "Where it goes"),
        _column("event", sa.Text(), "Kind of what happened"),
        _column("entity", sa.Text(), "What it happened to, such as table/flights@2", nullable=True),
        _column("subject", sa.String(256), "What happened, in a line"),
        _column("body", sa.Text(), "What happened, in words", default="''"),
        _column("payload", postgresql.JSONB(), "What happened, for programs", default="'{}'"),
        _column(
            "status", sa.Text(), "pending, sending, sent, failed (tried again) or dead (given up)", default="'pending'"
        ),
        _column("attempts", sa.Integer(), "Attempts so far; the last one's number guards its outcome", default="0"),
        _column("tries", sa.Integer(), "Failures since it was last put back; the schedule's", default="0"),
        _column("last_error", sa.Text(), "Why the last attempt failed", nullable=True),
        _time(
            "next_attempt_at",
            "Due from then on; while sending, the end of the lease; null: over, or its channel is off",
            nullable=True,
        ),
        _time("sent_at", "When the other side took it", nullable=True),
        _column("correlation_id", sa.Text(), "Of the request that caused it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notification_outbox"),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["spyne.notification_channels.id"],
            name="fk_notification_outbox_channel_id_notification_channels",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'sent', 'failed', 'dead')", name="ck_notification_outbox_status"
        ),
        sa.CheckConstraint(
            "status NOT IN ('sent', 'dead') OR next_attempt_at IS NULL", name="ck_notification_outbox_over"
        ),
        schema="spyne",
    )
    due = sa.text("next_attempt_at IS NOT NULL")
    for name, columns, where in (
        ("due", ["next_attempt_at"], due),
        ("waiting", ["created_at"], due),
        ("open", ["status", "id"], sa.text("status <> 'sent'")),
        ("channel_id", ["channel_id", "id"], None),
        ("event", ["event", "created_at"], None),
    ):
        op.create_index(
            f"ix_notification_outbox_{name}", "notification_outbox", columns, postgresql_where=where, schema="spyne"
        )
    grant("notification_outbox", "SELECT, INSERT, UPDATE, DELETE")


def _attempts() -> None:
    op.create_table(
        "notification_attempts",
        _column("message_id", sa.Uuid(), "The message"),
        _column("number", sa.Integer(), "From 1"),
        _time("attempted_at", "When it began"),
        _column("status_code", sa.Integer(), "What the other side answered", nullable=True),
        _column("latency_ms", sa.Integer(), "How long it took; null when nobody knows", nullable=True),
        _column("error", sa.Text(), "Why it failed; null when it did not", nullable=True),
        sa.PrimaryKeyConstraint("message_id", "number", name="pk_notification_attempts"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["spyne.notification_outbox.id"],
            name="fk_notification_attempts_message_id_notification_outbox",
            ondelete="CASCADE",
        ),
        schema="spyne",
    )
    grant("notification_attempts", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    for table in ("notification_attempts", "notification_outbox", "notification_channels"):
        op.drop_table(table, schema="spyne")
