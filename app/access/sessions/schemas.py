"""Requests and answers of sessions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.kernel.schemas import StrictModel

MAX_LENGTH = 1024
"""Characters of a name or password; the longest password that can be set has as many."""
_TEXT = r"^[^\x00]*$"


class NewSession(StrictModel):
    """A log-in from a browser page."""

    username: str = Field(
        min_length=1, max_length=MAX_LENGTH, pattern=_TEXT, description="Name of the person.", examples=["ada"]
    )
    password: str = Field(
        min_length=1,
        max_length=MAX_LENGTH,
        pattern=_TEXT,
        description="Password of the person. A secret.",
        examples=["correct horse battery staple"],
        json_schema_extra={"format": "password"},
    )


class OpenedSessionDocument(StrictModel):
    """A session that has just begun; the cookie came with it."""

    id: UUID = Field(description="Id of the session.")
    user_id: UUID = Field(description="Who logged in.")
    username: str = Field(description="Name of the person.", examples=["ada"])
    csrf_token: str = Field(
        description="To be sent as `X-CSRF-Token` with every request that changes something. A secret."
    )
    ends_at: datetime = Field(description="The session ends then whatever happens, RFC 3339.")


class SessionDocument(StrictModel):
    """A session that goes on."""

    id: UUID = Field(description="Id of the session.")
    user_id: UUID = Field(description="Who logged in.")
    username: str = Field(description="Name of the person.", examples=["ada"])
    kind: Literal["browser", "token"] = Field(description="With a cookie, or with access and refresh tokens.")
    method: Literal["local", "oidc"] = Field(description="How the log-in was proved.")
    scope: list[str] | None = Field(description="Permissions that its tokens are narrowed to, sorted; null for all.")
    created_at: datetime = Field(description="Time of the log-in, RFC 3339.")
    last_seen_at: datetime = Field(description="Last use; up to a minute late.")
    idle_ends_at: datetime = Field(description="The session ends then without a further use.")
    ends_at: datetime = Field(description="The session ends then whatever happens.")
    client_address: str | None = Field(description="Where the log-in came from.")
    user_agent: str | None = Field(description="What the log-in came from, as it called itself.")
    current: bool = Field(description="Whether this request belongs to it.")
