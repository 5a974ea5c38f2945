"""Requests and answers of service clients and their keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.access.clients.rules import DEFAULT_GRACE, MAX_GRACE
from app.access.roles import Role
from app.kernel.schemas import StrictModel
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment

MAX_REQUESTS_PER_MINUTE = 1_000_000
"""More than one process answers; a larger bound would be none."""

Status = Literal["active", "disabled"]
Description = Annotated[str, Field(max_length=500, description="What it is for.")]
Roles = Annotated[list[Role], Field(max_length=len(Role), description="Roles that it holds.", examples=[["ENGINEER"]])]
RequestsPerMinute = Annotated[
    int, Field(ge=1, le=MAX_REQUESTS_PER_MINUTE, description="Its own rate limit; null for the usual one.")
]


class NewClient(StrictModel):
    """A service client to be made."""

    name: str = Field(
        min_length=1,
        max_length=64,
        description="Lower case; the OAuth2 client_id. Letters, digits and `._@+-`.",
        examples=["nightly-loader"],
    )
    roles: Roles
    description: Description = ""
    requests_per_minute: RequestsPerMinute | None = None


class ClientChange(StrictModel):
    """What is to change; what is not named stays."""

    description: Description = ""
    roles: Roles = Field(default_factory=list)
    status: Status = Field("active", description="While it is `disabled`, none of its credentials counts.")
    requests_per_minute: RequestsPerMinute | None = None

    @model_validator(mode="after")
    def _something(self) -> "ClientChange":
        if not self.model_fields_set:
            raise ValueError("name at least one of description, roles, status and requests_per_minute")
        return self


class KeyDocument(StrictModel):
    """A key, without its secret."""

    id: UUID = Field(description="Id of the key.")
    prefix: str = Field(description="What follows `spy_` in the key.")
    label: str = Field(description="What it is for.")
    scopes: list[str] | None = Field(
        description="Permissions that it is narrowed to, sorted; null for all that the client's roles give."
    )
    created_at: datetime = Field(description="When it was issued, RFC 3339.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")
    revoked_at: datetime | None = Field(description="When it was revoked; null while it is not.")
    last_used_at: datetime | None = Field(description="Last use, to the minute, seen up to a minute later.")
    rotated_to: UUID | None = Field(description="The key that takes its place; null while there is none.")


class ClientDocument(StrictModel):
    """A service client."""

    id: UUID = Field(description="Id of the client; serves as client_id too.")
    name: str = Field(description="Name; the OAuth2 client_id.")
    description: str = Field(description="What it is for.")
    status: Status = Field(description="Whether its credentials count.")
    requests_per_minute: int | None = Field(description="Its own rate limit; null for the usual one.")
    roles: list[str] = Field(description="Roles held, sorted.")
    created_at: datetime = Field(description="When it was made, RFC 3339.")
    updated_at: datetime = Field(description="Last change by an administrator, RFC 3339.")
    keys: list[KeyDocument] = Field(description="Its keys, revoked ones too, oldest first.")


class NewKey(StrictModel):
    """A key to be issued."""

    expires_at: Moment | None = Field(
        None, description="Not valid from then on, RFC 3339 with offset; never when absent."
    )
    scopes: list[Permission] | None = Field(
        None,
        min_length=1,
        max_length=len(Permission),
        description="Narrows the key to these permissions, which the client must hold; all of its roles' when absent.",
        examples=[["ingestion:write"]],
    )
    label: str = Field("", max_length=100, description="What it is for.", examples=["loader on host 7"])


class KeyRotation(StrictModel):
    """How a key is to be replaced."""

    grace_seconds: int = Field(
        int(DEFAULT_GRACE.total_seconds()),
        ge=0,
        le=int(MAX_GRACE.total_seconds()),
        description="How long the old key goes on, never beyond its own expiry.",
    )
    expires_at: Moment | None = Field(
        None,
        description="End of the new key, RFC 3339 with offset; when absent it lasts as long as the old one was to.",
    )


class IssuedKeyDocument(StrictModel):
    """A fresh key. Its text cannot be shown again."""

    id: UUID = Field(description="Id of the key.")
    key: str = Field(description="Send it as `X-API-Key`, or as the OAuth2 client_secret. A secret.")
    prefix: str = Field(description="What follows `spy_` in the key.")
    label: str = Field(description="What it is for.")
    scopes: list[str] | None = Field(description="Permissions that it is narrowed to, sorted; null for all.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")


class ReplacedKeyDocument(StrictModel):
    """A key that another one replaces."""

    id: UUID = Field(description="Id of the old key.")
    expires_at: datetime = Field(description="Not valid from then on.")


class RotatedKeyDocument(IssuedKeyDocument):
    """A fresh key, and the one that it replaces."""

    replaces: ReplacedKeyDocument = Field(description="The old key.")
