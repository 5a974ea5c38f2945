"""Users, roles, service clients and their credentials. Secrets are kept as hashes only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, Uuid, false, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.db.models import Base, Created, Identified


class User(Identified, Created, Base):
    """A person."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        UniqueConstraint("provider_issuer", "provider_subject"),
        CheckConstraint("username = lower(username)", name="username"),
        CheckConstraint("auth_provider IN ('local', 'oidc', 'saml')", name="auth_provider"),
        CheckConstraint("auth_provider = 'local' OR provider_subject IS NOT NULL", name="provider_subject"),
        CheckConstraint("status IN ('active', 'disabled')", name="status"),
    )

    username: Mapped[str] = mapped_column(Text, comment="Name to log in with, lower case")
    email: Mapped[str | None] = mapped_column(Text, comment="E-mail address")
    display_name: Mapped[str | None] = mapped_column(Text, comment="Name to show")
    password_hash: Mapped[str | None] = mapped_column(
        Text, comment="argon2id, encoded; null when another provider logs in"
    )
    auth_provider: Mapped[str] = mapped_column(Text, server_default="local", comment="local, oidc or saml")
    provider_issuer: Mapped[str | None] = mapped_column(Text, comment="Issuer that vouches for the subject")
    provider_subject: Mapped[str | None] = mapped_column(Text, comment="The provider's id of the person")
    status: Mapped[str] = mapped_column(Text, server_default="active", comment="active or disabled")
    last_login_at: Mapped[datetime | None] = mapped_column(comment="Last successful log-in")
    must_change_password: Mapped[bool] = mapped_column(
        server_default=false(), comment="The password is a one-time one: nothing else may be done before it is changed"
    )
    credentials_epoch: Mapped[int] = mapped_column(
        server_default="0", comment="Tokens of another epoch count no more; raised to end them all"
    )
    version: Mapped[int] = mapped_column(server_default="1", comment="Raised by every change of an administrator")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last such change")

    held: Mapped[list["UserRole"]] = relationship(lazy="raise", cascade="all, delete-orphan", passive_deletes=True)

    @property
    def roles(self) -> frozenset[str]:
        """The names of the roles held, which were loaded with the user; setting them replaces them."""
        return frozenset(each.role for each in self.held)

    @roles.setter
    def roles(self, wanted: frozenset[str]) -> None:
        kept = [each for each in self.held if each.role in wanted]
        self.held = kept + [UserRole(role=role) for role in sorted(wanted - self.roles)]


class RoleRow(Base):
    """A role, as the database knows it."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(Text, primary_key=True, comment="Name of the role")


class RolePermission(Base):
    """A permission that a role allows."""

    __tablename__ = "role_permissions"

    role: Mapped[str] = mapped_column(ForeignKey("spyne.roles.name"), primary_key=True, comment="Role")
    permission: Mapped[str] = mapped_column(Text, primary_key=True, comment="Permission that it allows")


class UserRole(Base):
    """A role that a user holds."""

    __tablename__ = "user_roles"
    __table_args__ = (Index(None, "role"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.users.id", ondelete="CASCADE"), primary_key=True, comment="User"
    )
    role: Mapped[str] = mapped_column(ForeignKey("spyne.roles.name"), primary_key=True, comment="Role held")


class ApiClient(Identified, Created, Base):
    """A service account."""

    __tablename__ = "api_clients"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("status IN ('active', 'disabled')", name="status"),
        CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
    )

    name: Mapped[str] = mapped_column(Text, comment="Name; also the OAuth2 client_id")
    description: Mapped[str] = mapped_column(Text, server_default="", comment="What the client is for")
    status: Mapped[str] = mapped_column(Text, server_default="active", comment="active or disabled")
    requests_per_minute: Mapped[int | None] = mapped_column(comment="The client's own rate limit; null for the usual")
    version: Mapped[int] = mapped_column(server_default="1", comment="Raised by every change of an administrator")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last such change")
    made_by: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default="{}", comment="Users behind who made the client; empty where none is known"
    )

    held: Mapped[list["ClientRole"]] = relationship(lazy="raise", cascade="all, delete-orphan", passive_deletes=True)
    keys: Mapped[list["ApiKey"]] = relationship(lazy="raise", viewonly=True, order_by="ApiKey.id")
    """Revoked ones too, the oldest first."""

    @property
    def roles(self) -> frozenset[str]:
        """The names of the roles held, which were loaded with the client; setting them replaces them."""
        return frozenset(each.role for each in self.held)

    @roles.setter
    def roles(self, wanted: frozenset[str]) -> None:
        kept = [each for each in self.held if each.role in wanted]
        self.held = kept + [ClientRole(role=role) for role in sorted(wanted - self.roles)]


class ClientRole(Base):
    """A role that a client holds."""

    __tablename__ = "client_roles"

    client_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.api_clients.id", ondelete="CASCADE"), primary_key=True, comment="Client"
    )
    role: Mapped[str] = mapped_column(ForeignKey("spyne.roles.name"), primary_key=True, comment="Role held")


class ApiKey(Identified, Created, Base):
    """A key of a client, which is its OAuth2 client_secret too."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("prefix"), Index(None, "client_id"))

    client_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.api_clients.id", ondelete="CASCADE"), comment="Client")
    prefix: Mapped[str] = mapped_column(Text, comment="Public part, by which the key is found")
    digest: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of the whole key")
    expires_at: Mapped[datetime | None] = mapped_column(comment="Not valid from then on")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="When it was revoked")
    label: Mapped[str] = mapped_column(Text, server_default="", comment="What the key is for")
    scopes: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Permissions that it is narrowed to; null for all that the client's roles give"
    )
    last_used_at: Mapped[datetime | None] = mapped_column(comment="Last use, to the minute; written later")
    rotated_to: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.api_keys.id", ondelete="SET NULL"), comment="The key that takes its place"
    )
    made_by: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default="{}", comment="Users behind who issued the key; empty where none is known"
    )


class RevokedToken(Base):
    """An access token that was ended before its time."""

    __tablename__ = "revoked_tokens"
    __table_args__ = (Index(None, "subject"), Index(None, "expires_at"))

    jti: Mapped[UUID] = mapped_column(primary_key=True, comment="Id of the token")
    subject: Mapped[str] = mapped_column(Text, comment="Whose token, as in its sub")
    expires_at: Mapped[datetime] = mapped_column(comment="End of the token itself; the row is of no use after it")
    revoked_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was revoked")
