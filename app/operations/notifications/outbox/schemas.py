"""Requests and answers of messages."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.kernel.ports.events import KIND_PATTERN
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment
from app.operations.notifications.outbox.announcing import MAX_BODY, MAX_PAYLOAD_BYTES
from app.operations.notifications.outbox.models import MAX_SUBJECT


def _bounded(payload: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(payload))
    except TypeError as error:  # integers beyond 64 bits
        raise ValueError("write numbers beyond 64 bits as text") from error
    if size > MAX_PAYLOAD_BYTES:
        raise ValueError(f"the payload has more than {MAX_PAYLOAD_BYTES} bytes")
    return payload


class MessageStatus(StrEnum):
    """What has become of a message."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


Payload = Annotated[dict[str, Any], AfterValidator(_bounded)]


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
    status: MessageStatus = Field(description="`failed` is tried again, `dead` is not.")
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
