"""Requests and answers of notifications."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.kernel.ports.events import FILTER_PATTERN, KIND_PATTERN
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment
from app.operations.notifications.channels.receivers import MAX_TARGET, ChannelType
from app.operations.notifications.channels.webhook_signing import DEFAULT_GRACE, MAX_GRACE
from app.operations.notifications.outbox.announcing import MAX_BODY, MAX_PAYLOAD_BYTES
from app.operations.notifications.outbox.models import MAX_NAME, MAX_SUBJECT

MAX_FILTERS = 100


def _bounded(payload: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(payload))
    except TypeError as error:  # integers beyond 64 bits
        raise ValueError("write numbers beyond 64 bits as text") from error
    if size > MAX_PAYLOAD_BYTES:
        raise ValueError(f"the payload has more than {MAX_PAYLOAD_BYTES} bytes")
    return payload


class Status(StrEnum):
    """What has become of a message."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, strip_whitespace=True)]
Target = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TARGET)]
Description = Annotated[str, StringConstraints(max_length=1000)]
Filters = Annotated[
    list[Annotated[str, StringConstraints(pattern=FILTER_PATTERN)]],
    Field(
        max_length=MAX_FILTERS,
        description="Kinds of events that it takes: a name, `subject:*`, or `*` for all; empty for none.",
        examples=[["table:*", "batch:failed"]],
    ),
]
Payload = Annotated[dict[str, Any], AfterValidator(_bounded)]


class NewChannel(StrictModel):
    """A channel to be made."""

    name: Name = Field(description="Unique.", examples=["operations"])
    channel_type: ChannelType = Field(description="How it is reached; `apprise` takes any URL of that library.")
    target: Target = Field(
        description="Webhooks: https URL. Mail: addresses, or a mailtos:// URL. Else the service's webhook or apprise "
        "URL. Kept encrypted; shown by scheme and host.",
        examples=["https://hooks.example.org/spyne"],
    )
    active: bool = Field(default=True, description="Whether messages are sent.")
    description: Description = Field("", description="What it is for.")
    event_filter: Filters = Field(default_factory=lambda: ["*"])


class ChannelChange(StrictModel):
    """What is to change; what is not named stays."""

    name: Name = Field("x", description="Unique.", examples=["operations"])
    target: Target = Field("x", description="As of a new channel.", examples=["https://hooks.example.org/other"])
    active: bool = Field(default=True, description="Off: its messages wait. On: they are sent.")
    description: Description = Field("", description="What it is for.")
    event_filter: Filters = Field(default_factory=list)

    @model_validator(mode="after")
    def _something(self) -> "ChannelChange":
        if not self.model_fields_set:
            raise ValueError("name at least one of name, target, active, description and event_filter")
        return self


class ChannelDocument(BaseModel):
    """A channel, without its secrets."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    name: str = Field(description="Unique.")
    channel_type: ChannelType = Field(description="How it is reached.")
    target: str = Field(validation_alias="shown", description="Scheme and host alone, mostly; the rest is a secret.")
    active: bool = Field(description="Whether messages are sent.")
    description: str = Field(description="What it is for.")
    event_filter: list[str] = Field(description="Kinds of events that it takes.")
    disabled_reason: str | None = Field(description="Why the service has switched it off; null when it has not.")
    failing_since: datetime | None = Field(description="First failure since the last success.")
    created_at: datetime = Field(description="Since when, RFC 3339.")
    updated_at: datetime = Field(description="Last change.")
    created_by: str = Field(description="Who made it.")


class MadeChannel(ChannelDocument):
    """A channel that was just made."""

    signing_secret: str | None = Field(
        None, description="Of a webhook (Standard Webhooks, `whsec_…`); shown this once.", examples=["whsec_…"]
    )


class SecretRotation(StrictModel):
    """A fresh signing secret is wanted."""

    grace_seconds: int = Field(
        int(DEFAULT_GRACE.total_seconds()),
        ge=0,
        le=int(MAX_GRACE.total_seconds()),
        description="For so long the secrets there are sign along; 0 ends them at once.",
    )


class RotatedSecret(BaseModel):
    """A fresh signing secret."""

    channel_id: UUID = Field(description="Of the webhook.")
    signing_secret: str = Field(description="`whsec_…`; shown this once.")


class NewMessage(StrictModel):
    """A message to be sent: to one channel, or to all that take the event."""

    channel_id: UUID | None = Field(None, description="The channel; its filter plays no part.")
    event: Annotated[str, StringConstraints(pattern=KIND_PATTERN)] | None = Field(
        None, description="Kind of event; without `channel_id` every active channel that takes it is told."
    )
    subject: str = Field(
        min_length=1, max_length=MAX_SUBJECT, description="In a line.", examples=["Maintenance at noon"]
    )
    body: str = Field("", max_length=MAX_BODY, description="In words.", examples=["It takes ten minutes."])
    payload: Payload = Field(default_factory=dict, description="For programs; at most 64 KiB as JSON.")


class QueuedMessages(BaseModel):
    """Messages that wait for being sent."""

    ids: list[UUID] = Field(description="One for each channel; none when no active channel takes the event.")


class MessageDocument(BaseModel):
    """A message for one channel."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7; the `webhook-id`, the same on every attempt.")
    channel_id: UUID = Field(description="Where it goes.")
    event: str = Field(description="Kind of event.")
    entity: str | None = Field(description="What it happened to.")
    subject: str = Field(description="In a line.")
    status: Status = Field(description="`failed` is tried again, `dead` is not.")
    attempts: int = Field(description="So far.")
    last_error: str | None = Field(description="Why the last attempt failed.")
    next_attempt_at: datetime | None = Field(
        description="Due from then on; while `sending`, the end of the lease; null: over, or the channel is off."
    )
    created_at: datetime = Field(description="When it was written.")
    sent_at: datetime | None = Field(description="When the other side took it.")


class AttemptDocument(BaseModel):
    """One attempt to send a message."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="From 1.")
    attempted_at: datetime = Field(description="When it began.")
    status_code: int | None = Field(description="What the other side answered; null when it did not, or not by HTTP.")
    latency_ms: int | None = Field(description="How long it took; null when the worker did not live to tell.")
    error: str | None = Field(description="Why it failed; null when it did not.")


class MessageDetail(MessageDocument):
    """A message with all that it says and what became of its attempts."""

    body: str = Field(description="In words.")
    payload: dict[str, Any] = Field(description="For programs.")
    tried: list[AttemptDocument] = Field(description="Every attempt, the first one first.")


class Recovery(StrictModel):
    """What has failed on a channel is to be sent again."""

    channel_id: UUID = Field(description="The channel.")
    since: Moment = Field(description="Messages written since then.", examples=["2026-01-01T00:00:00Z"])


class Recovered(BaseModel):
    """What is sent again."""

    messages: int = Field(description="How many are due again.")
