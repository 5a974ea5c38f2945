"""`addon_requests`: a request and where it stands. `addon_request_steps`: every change of that."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.addons.requests.tracking.workflow import RequestStatus
from app.kernel.db.models import Base, Created, Identified

_STATUSES = ", ".join(f"'{status}'" for status in RequestStatus)


class AddonRequest(Identified, Created, Base):
    """A request for an add-on."""

    __tablename__ = "addon_requests"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("requestor_kind IN ('user', 'api_client', 'system')", name="requestor_kind"),
        Index("ix_addon_requests_requestor_id", "requestor_id", "id"),
        Index("ix_addon_requests_waiting", "id", postgresql_where=text("status = 'PENDING_APPROVAL'")),
        Index("ix_addon_requests_status", "status", "id"),
    )

    title: Mapped[str] = mapped_column(Text, comment="What is asked for, in a line")
    source_description: Mapped[str] = mapped_column(Text, comment="What writes the logs, and how they reach Splunk")
    addon_name: Mapped[str] = mapped_column(Text, comment="Folder of the add-on in Splunk")
    wished_index: Mapped[str | None] = mapped_column(
        Text, comment="Index that the events are to go to, if any is wished"
    )
    wished_sourcetype: Mapped[str | None] = mapped_column(Text, comment="Source type of the events, if any is wished")
    extra_metadata: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, server_default="{}", comment="What the requestor adds for own use, such as a ticket"
    )
    status: Mapped[str] = mapped_column(Text, server_default="NEW", comment="See RequestStatus")
    status_since: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="When the status began")
    reason_code: Mapped[str | None] = mapped_column(Text, comment="Why it stands so, for programs")
    reason: Mapped[str | None] = mapped_column(Text, comment="Why it stands so, in words")
    requestor_kind: Mapped[str] = mapped_column(Text, comment="user, api_client or system")
    requestor_id: Mapped[UUID | None] = mapped_column(comment="Id of who filed it")
    requestor: Mapped[str] = mapped_column(Text, comment="Name of who filed it, at that time")
    requestor_people: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default="{}", comment="Users behind who filed it; none of them decides about it"
    )
    submitted_at: Mapped[datetime | None] = mapped_column(comment="When it was submitted")
    decided_at: Mapped[datetime | None] = mapped_column(comment="When it was approved or rejected")
    decided_by_id: Mapped[UUID | None] = mapped_column(comment="Id of who decided")
    decided_by: Mapped[str | None] = mapped_column(Text, comment="Name of who decided, at that time")
    completed_at: Mapped[datetime | None] = mapped_column(comment="When it came to its end, the last time")
    job_id: Mapped[UUID | None] = mapped_column(comment="The job that is on the way, or was the last")
    validation_id: Mapped[UUID | None] = mapped_column(comment="The validation run that decides about the request")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")


class RequestStep(Identified, Created, Base):
    """A change of a request's status."""

    __tablename__ = "addon_request_steps"
    __table_args__ = (Index("ix_addon_request_steps_request_id", "request_id", "id"),)

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.addon_requests.id", ondelete="CASCADE"), comment="The request"
    )
    action: Mapped[str] = mapped_column(Text, comment="See RequestAction")
    from_status: Mapped[str] = mapped_column(Text, comment="Status before")
    to_status: Mapped[str] = mapped_column(Text, comment="Status after")
    seconds: Mapped[float] = mapped_column(comment="Time for which the request had the status before")
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, api_client or system")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who caused it; null for the system")
    actor: Mapped[str] = mapped_column(Text, comment="Name of who caused it, at that time")
    reason_code: Mapped[str | None] = mapped_column(Text, comment="Why, for programs")
    reason: Mapped[str | None] = mapped_column(Text, comment="Why, in words")
