"""Sessions and refresh tokens. Secrets are kept as digests only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.access.models import User
from app.kernel.db.models import Base, Identified


class UserSession(Identified, Base):
    """A session: all that one log-in of a person left behind."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("digest"),
        Index(None, "user_id"),
        Index(None, "client_id"),
        Index(None, "ends_at"),
        CheckConstraint("kind IN ('browser', 'token')", name="kind"),
        CheckConstraint("method IN ('local', 'oidc')", name="method"),
        CheckConstraint("(kind = 'browser') = (digest IS NOT NULL)", name="digest"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_reason"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.users.id", ondelete="CASCADE"), comment="Who logged in")
    client_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.api_clients.id", ondelete="CASCADE"),
        comment="Client that asked for the tokens and alone may renew them",
    )
    kind: Mapped[str] = mapped_column(Text, comment="browser (cookie) or token (access and refresh tokens)")
    method: Mapped[str] = mapped_column(Text, comment="How the log-in was proved: local or oidc")
    digest: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="SHA-256 of the cookie's secret; null without a cookie"
    )
    scope: Mapped[str | None] = mapped_column(
        Text, comment="Permissions that its tokens are narrowed to, separated by spaces; null for all"
    )
    epoch: Mapped[int] = mapped_column(comment="The person's credentials epoch; another one ends the session")
    created_at: Mapped[datetime] = mapped_column(comment="Time of the log-in")
    last_seen_at: Mapped[datetime] = mapped_column(comment="Last use, written at most once a minute")
    idle_ends_at: Mapped[datetime] = mapped_column(comment="Ends then without a further use")
    ends_at: Mapped[datetime] = mapped_column(comment="Ends then whatever happens")
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was ended before its time")
    end_reason: Mapped[str | None] = mapped_column(Text, comment="Why it was ended")
    client_address: Mapped[str | None] = mapped_column(Text, comment="Where the log-in came from")
    user_agent: Mapped[str | None] = mapped_column(
        Text, comment="What the log-in came from, as it called itself; bounded"
    )

    user: Mapped[User] = relationship(lazy="raise", viewonly=True)


class RefreshToken(Identified, Base):
    """A token that is good for one renewal."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        UniqueConstraint("digest"),
        Index(None, "session_id"),
        CheckConstraint("(used_at IS NULL) = (successor IS NULL)", name="successor"),
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.sessions.id", ondelete="CASCADE"), comment="Session that it renews the tokens of"
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of the whole token")
    issued_at: Mapped[datetime] = mapped_column(comment="When it was issued")
    expires_at: Mapped[datetime] = mapped_column(comment="Not valid from then on")
    used_at: Mapped[datetime | None] = mapped_column(comment="When it was used; a second use ends the session")
    successor: Mapped[UUID | None] = mapped_column(comment="Id of the token that was given for it")
