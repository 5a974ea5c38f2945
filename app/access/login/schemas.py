"""Answers of the token endpoint and of `/api/auth/me`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.access.explain.schemas import ExplanationDocument
from app.access.login.oauth import ErrorCode
from app.kernel.schemas import StrictModel
from app.kernel.security.authorization import Permission


class TokenDocument(StrictModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`. A secret.")
    token_type: Literal["Bearer"] = Field(description="Always Bearer.")
    expires_in: int = Field(description="Life of the token, seconds.", examples=[3600])
    scope: str = Field(
        description="Permissions that it gives now, separated by spaces.", examples=["query:run tables:read"]
    )
    refresh_token: str | None = Field(
        None, description="Good for one renewal (`grant_type=refresh_token`); absent for services. A secret."
    )


class TokenErrorDocument(StrictModel):
    """Why there is no token (RFC 6749 section 5.2)."""

    error: ErrorCode = Field(description="The reason, as the standard names it.")
    error_description: str = Field(description="The reason in words.")


class CredentialDocument(StrictModel):
    """What the caller showed."""

    kind: Literal["access_token", "api_key", "session"] = Field(description="What kind of credential.")
    id: str = Field(description="Id of the token (jti), key or session.")
    expires_at: datetime | None = Field(description="Not valid from then on; null when it does not expire.")


class CallerDocument(StrictModel):
    """Who is calling."""

    kind: Literal["user", "api_client", "system"] = Field(description="Person or service.")
    id: UUID | None = Field(description="Id of the user or client.")
    name: str = Field(description="Name of the user or client.", examples=["ada"])
    roles: list[str] = Field(description="Roles held, sorted.", examples=[["ANALYST"]])
    permissions: list[Permission] = Field(description="What this credential may do now, sorted.")
    credential: CredentialDocument = Field(description="What was shown.")
    explanation: ExplanationDocument | None = Field(description="The answer to `?explain=`; null when nobody asked.")
    csrf_token: str | None = Field(
        None, description="With a session cookie: to be sent as `X-CSRF-Token` by requests that change something."
    )
