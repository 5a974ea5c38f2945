"""Requests and answers of people and roles."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr, model_validator

from app.access.roles import Role
from app.kernel.schemas import StrictModel
from app.kernel.security.authorization import Permission

MAX_PASSWORD = 1024
"""Characters; also the longest that a log-in takes."""

Status = Literal["active", "disabled"]
Provider = Literal["local", "oidc", "saml"]

Email = Annotated[
    str,
    Field(
        max_length=254,  # RFC 5321 section 4.5.3.1.3, less the angle brackets
        pattern=r"^[^@\s\p{Cc}]{1,64}@[^@\s\p{Cc}]+$",
        description="E-mail address.",
        examples=["ada@example.org"],
    ),
]
DisplayName = Annotated[
    str, Field(min_length=1, max_length=200, description="Name to show.", examples=["Ada Lovelace"])
]
Roles = Annotated[
    list[Role], Field(max_length=len(Role), description="Roles that the person holds.", examples=[["ANALYST"]])
]


class UserDocument(StrictModel):
    """A person."""

    id: UUID = Field(description="Id of the user.")
    username: str = Field(description="Name to log in with.", examples=["ada"])
    email: str | None = Field(description="E-mail address.")
    display_name: str | None = Field(description="Name to show.")
    status: Status = Field(description="Whether the person may log in and what was issued to them counts.")
    provider: Provider = Field(description="Where the person logs in.")
    roles: list[str] = Field(description="Roles held, sorted.")
    must_change_password: bool = Field(description="Whether a one-time password waits to be changed.")
    last_login_at: datetime | None = Field(description="Last successful log-in, RFC 3339.")
    created_at: datetime = Field(description="When the user was made, RFC 3339.")
    updated_at: datetime = Field(description="Last change by an administrator, RFC 3339.")


class NewUserDocument(UserDocument):
    """A person who was just made."""

    one_time_password: str | None = Field(
        description="The first password, when none was given. A secret; this answer is the only one that shows it."
    )


class NewUser(StrictModel):
    """A person to be made."""

    username: str = Field(
        min_length=1,
        max_length=64,
        description="Name to log in with; kept in lower case. Letters, digits and `._@+-`.",
        examples=["ada"],
    )
    roles: Roles
    email: Email | None = None
    display_name: DisplayName | None = None
    password: SecretStr | None = Field(
        None,
        min_length=1,
        max_length=MAX_PASSWORD,
        description="When absent, a one-time password is made, answered once, and must be changed at the first log-in.",
    )


class UserChange(StrictModel):
    """What is to change; what is not named stays."""

    email: Email | None = Field(None, description="E-mail address; null removes it.")
    display_name: DisplayName | None = Field(None, description="Name to show; null removes it.")
    status: Status = Field("active", description="`disabled` ends everything that was issued to the person.")

    @model_validator(mode="after")
    def _something(self) -> "UserChange":
        if not self.model_fields_set:
            raise ValueError("name at least one of email, display_name and status")
        return self


class UserRoles(StrictModel):
    """The roles that a person is to hold, and no other."""

    roles: Roles


class NewPassword(StrictModel):
    """A password to be set."""

    password: SecretStr | None = Field(
        None,
        min_length=1,
        max_length=MAX_PASSWORD,
        description="The new password. An admin may leave it out for another: then a one-time password is made.",
    )
    current_password: SecretStr | None = Field(
        None,
        min_length=1,
        max_length=MAX_PASSWORD,
        description="The password in force; needed for one's own. Wrong ones count like failed log-ins.",
    )


class PasswordDocument(StrictModel):
    """A password that was replaced."""

    one_time_password: str | None = Field(
        description="The one-time password, when one was made. A secret; this answer is the only one that shows it."
    )


class PermissionDocument(StrictModel):
    """A permission."""

    name: Permission = Field(description="The permission; also the OAuth2 scope.")
    description: str = Field(description="What it allows.")


class HoldersDocument(StrictModel):
    """How many hold a role."""

    users: int = Field(description="People, disabled ones too.")
    clients: int = Field(description="Service clients, disabled ones too.")


class RoleDocument(StrictModel):
    """A role."""

    name: str = Field(description="Name of the role.", examples=["ANALYST"])
    permissions: list[PermissionDocument] = Field(description="What it allows, sorted.")
    holders: HoldersDocument | None = Field(description="Who holds it; null for callers who may not administer.")


class RolesDocument(StrictModel):
    """The matrix: every role with what it allows."""

    roles: list[RoleDocument] = Field(description="The roles, sorted.")
