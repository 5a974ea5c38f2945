"""Requests and answers of identity."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.access.oauth import ErrorCode
from app.access.roles import Role
from app.kernel.authorization import Permission
from app.kernel.moments import Moment


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TokenDocument(_Strict):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`. A secret.")
    token_type: Literal["Bearer"] = Field(description="Always Bearer.")
    expires_in: int = Field(description="Life of the token, seconds.", examples=[3600])
    scope: str = Field(
        description="Permissions that it gives now, separated by spaces.", examples=["query:run tables:read"]
    )


class TokenErrorDocument(_Strict):
    """Why there is no token (RFC 6749 section 5.2)."""

    error: ErrorCode = Field(description="The reason, as the standard names it.")
    error_description: str = Field(description="The reason in words.")


class CredentialDocument(_Strict):
    """What the caller showed."""

    kind: Literal["access_token", "api_key"] = Field(description="What kind of credential.")
    id: str = Field(description="Id of the token (jti) or key.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")


class CallerDocument(_Strict):
    """Who is calling."""

    kind: Literal["user", "api_client", "system"] = Field(description="Person or service.")
    id: UUID | None = Field(description="Id of the user or client.")
    name: str = Field(description="Name of the user or client.", examples=["ada"])
    roles: list[str] = Field(description="Roles held, sorted.", examples=[["ANALYST"]])
    permissions: list[Permission] = Field(description="What this credential may do now, sorted.")
    credential: CredentialDocument = Field(description="What was shown.")


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
