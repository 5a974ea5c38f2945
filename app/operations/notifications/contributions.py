"""What notifications contribute: an export source, a retention target, a tile, events."""

from typing import ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import DashboardTile, StatementTile
from app.kernel.ports.export_formats import Format
from app.kernel.ports.exports import FilterParams, Source, Statement, Subject, control_statement
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment
from app.operations.notifications.outbox.repository import outbox_statement
from app.operations.notifications.outbox.schemas import MessageStatus


class OutboxTile(BaseModel):
    """Notifications on their way."""

    pending: int = Field(description="Not tried yet.")
    sending: int = Field(description="On their way.")
    failed: int = Field(description="Tried, and to be tried again.")
    dead: int = Field(description="Given up.")
    oldest_seconds: float = Field(description="Age of the oldest that is not given up.")


class MessageHold(HoldFilter):
    """Also which channel, kind and entity."""

    channel_id: UUID | None = Field(None, description="Where it went.")
    event: str | None = Field(None, max_length=200, description="Kind of event.")
    entity: str | None = Field(None, max_length=512, description="What it happened to.")


NOTIFICATIONS = RowsTarget(
    category="notifications",
    description="Messages that were sent or given up, with their attempts, by when they were written.",
    default=Default(90),
    table="spyne.notification_outbox",
    key=ID,
    time="t.created_at",
    removable="t.status IN ('sent', 'dead')",
    fields={"channel_id": "t.channel_id", "event": "t.event", "entity": "t.entity"},
    hold_filter=MessageHold,
)


class MessageParams(FilterParams):
    """Which messages; all of it narrows."""

    status: MessageStatus | None = Field(None, description="What has become of them.")
    since: Moment | None = Field(None, description="Written not before this time.")
    until: Moment | None = Field(None, description="Written before this time.")


class MessagesSource(Source[MessageParams]):
    """The outbox."""

    name: ClassVar[str] = "notifications"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = MessageParams

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement."""
        wanted = MessageParams.model_validate(subject)
        status = None if wanted.status is None else wanted.status.value
        return control_statement(outbox_statement(status, wanted.since, wanted.until))


TILES: Final[tuple[DashboardTile, ...]] = (
    StatementTile(
        "outbox",
        OutboxTile,
        """
        SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'sending') AS sending,
            count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'dead') AS dead,
            coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE status <> 'dead')), 0) AS oldest_seconds
        FROM spyne.notification_outbox WHERE status <> 'sent'
        """,
    ),
)
