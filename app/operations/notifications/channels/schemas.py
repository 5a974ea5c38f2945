"""Requests and answers of channels."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.kernel.ports.events import FILTER_PATTERN
from app.kernel.schemas import StrictModel
from app.operations.notifications.channels.channel_types import MAX_TARGET, ChannelType
from app.operations.notifications.channels.webhook_signing import DEFAULT_GRACE, MAX_GRACE
from app.operations.notifications.outbox.models import MAX_NAME

MAX_FILTERS = 100

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
