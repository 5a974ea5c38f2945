"""What the planes below and this one keep for a limited time: technical leftovers, sessions, events, messages."""

from uuid import UUID

from pydantic import Field

from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import RowsTarget

ID = (("id", "uuid"),)


class CallerHold(HoldFilter):
    """Also whose key it is."""

    scope: str | None = Field(None, max_length=500, description="Caller and operation that the key belongs to.")


class JobHold(HoldFilter):
    """Also which kind of job."""

    name: str | None = Field(None, max_length=200, description="Name of the job.")


class SessionHold(HoldFilter):
    """Also whose session."""

    user_id: UUID | None = Field(None, description="Who logged in.")


class EventHold(HoldFilter):
    """Also what happened, from where and by whom."""

    kind: str | None = Field(None, max_length=200, description="Kind of event.")
    address: str | None = Field(None, max_length=200, description="Client address.")
    subject: str | None = Field(None, max_length=200, description="user:<id> or client:<id>.")


class MessageHold(HoldFilter):
    """Also which channel, kind and entity."""

    channel_id: UUID | None = Field(None, description="Where it went.")
    event: str | None = Field(None, max_length=200, description="Kind of event.")
    entity: str | None = Field(None, max_length=512, description="What it happened to.")


class ExportHold(HoldFilter):
    """Also who asked for it, and of what kind."""

    requested_by_id: UUID | None = Field(None, description="User or client who asked for it.")
    job_type: str | None = Field(None, max_length=100, description="What was exported.")


IDEMPOTENCY_KEYS = RowsTarget(
    category="idempotency_keys",
    description="Stored answers of requests with an Idempotency-Key, by when they were answered.",
    default=Default(7, enabled=True),
    table="spyne.idempotency_keys",
    key=(("scope", "text"), ("key", "text")),
    time="t.created_at",
    fields={"scope": "t.scope"},
    hold_filter=CallerHold,
)
JOB_RUNS = RowsTarget(
    category="job_runs",
    description="Background jobs that are over, by when they ended.",
    default=Default(90, enabled=True),
    table="spyne.job_runs",
    key=ID,
    time="t.finished_at",
    removable="t.state NOT IN ('queued', 'running')",
    fields={"name": "t.name"},
    hold_filter=JobHold,
)
SESSIONS = RowsTarget(
    category="sessions",
    description="Sessions of people with their refresh tokens, by when they ended at the latest.",
    default=Default(7, enabled=True),
    table="spyne.sessions",
    key=ID,
    time="t.ends_at",
    fields={"user_id": "t.user_id"},
    hold_filter=SessionHold,
)
SECURITY_EVENTS = RowsTarget(
    category="security_events",
    description="Security events, by their last time; beyond 200,000 the oldest go whatever their age.",
    default=Default(90, enabled=True),
    table="spyne.security_events",
    key=ID,
    time="t.last_at",
    fields={"kind": "t.kind", "address": "t.address", "subject": "t.subject"},
    hold_filter=EventHold,
)
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

EXPORTS = RowsTarget(
    category="exports",
    description="Exports that are over and whose file has expired, by when they were asked for.",
    default=Default(365),
    table="spyne.export_jobs",
    key=ID,
    time="t.created_at",
    removable="t.object_key IS NULL AND t.status NOT IN ('pending', 'running')",
    fields={"requested_by_id": "t.requested_by_id", "job_type": "t.job_type"},
    hold_filter=ExportHold,
)

TARGETS = (IDEMPOTENCY_KEYS, JOB_RUNS, SESSIONS, SECURITY_EVENTS, NOTIFICATIONS, EXPORTS)
