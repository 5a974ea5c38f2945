"""Requests and answers of service clients and their keys."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.access.roles import Role
from app.kernel.moments import Moment


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewClient(_Strict):
    """A service client to be made."""

    name: str = Field(
        min_length=1,
        max_length=64,
        description="Lower case; the OAuth2 client_id. Letters, digits and `._@+-`.",
        examples=["nightly-loader"],
    )
    roles: list[Role] = Field(max_length=len(Role), description="Roles that it holds.", examples=[["ENGINEER"]])
    description: str = Field("", max_length=500, description="What it is for.")


class KeyDocument(_Strict):
    """A key, without its secret."""

    id: UUID = Field(description="Id of the key.")
    prefix: str = Field(description="What follows `spy_` in the key.")
    created_at: datetime = Field(description="When it was issued, RFC 3339.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")
    revoked_at: datetime | None = Field(description="When it was revoked; null while it is not.")


class ClientDocument(_Strict):
    """A service client."""

    id: UUID = Field(description="Id of the client; serves as client_id too.")
    name: str = Field(description="Name; the OAuth2 client_id.")
    description: str = Field(description="What it is for.")
    status: Literal["active", "disabled"] = Field(description="Whether its credentials count.")
    roles: list[str] = Field(description="Roles held, sorted.")
    created_at: datetime = Field(description="When it was made, RFC 3339.")
    keys: list[KeyDocument] = Field(description="Its keys, revoked ones too, oldest first.")


class NewKey(_Strict):
    """A key to be issued."""

    expires_at: Moment | None = Field(
        None, description="Not valid from then on, RFC 3339 with offset; never when absent."
    )


class IssuedKeyDocument(_Strict):
    """A fresh key. Its text cannot be shown again."""

    id: UUID = Field(description="Id of the key.")
    key: str = Field(description="Send it as `X-API-Key`, or as the OAuth2 client_secret. A secret.")
    prefix: str = Field(description="What follows `spy_` in the key.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")
