"""All SQL of sessions and refresh tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, insert, select, update, values

from app.access.models import User
from app.access.sessions.lifetimes import NOTED_EVERY, SLACK, SessionKind, SessionTimes
from app.access.sessions.models import RefreshToken, UserSession
from app.kernel.db.database import WriteSession
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest

TIMES = (
    UserSession.kind,
    UserSession.created_at,
    UserSession.last_seen_at,
    UserSession.idle_ends_at,
    UserSession.ends_at,
    UserSession.ended_at,
)
"""What `times_of` needs of a row."""


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as it is known by its cookie."""

    id: UUID
    user_id: UUID
    ends_at: datetime


def times_of(session: Any) -> SessionTimes:
    """The times of a session's row."""
    return SessionTimes(
        session.kind, session.created_at, session.last_seen_at, session.idle_ends_at, session.ends_at, session.ended_at
    )


class SessionReads(Reading[UserSession]):
    """Finds sessions."""

    model = UserSession

    async def live(self, user_id: UUID | None, now: datetime, request: PageRequest) -> Page[UserSession]:
        """One page of the sessions that go on, newest first: of one user, or of everybody."""
        statement = (
            self.base()
            .join(User, User.id == UserSession.user_id)
            .where(User.status == "active", User.credentials_epoch == UserSession.epoch)
            .where(UserSession.ended_at.is_(None), UserSession.ends_at > now, UserSession.idle_ends_at > now - SLACK)
        )
        if user_id is not None:
            statement = statement.where(UserSession.user_id == user_id)
        return await self.page(statement, request)

    async def usernames(self, user_ids: Sequence[UUID]) -> dict[UUID, str]:
        """The names of the users."""
        found = await self.session.execute(select(User.id, User.username).where(User.id.in_(user_ids)))
        return {id_: name for id_, name in found.all()}  # noqa: C416 - typed rows, which dict() does not take

    async def by_digest(self, digest: bytes) -> KnownSession | None:
        """The session whose cookie has the digest, whether it goes on or not, or None."""
        statement = select(UserSession.id, UserSession.user_id, UserSession.ends_at).where(UserSession.digest == digest)
        found = (await self.session.execute(statement)).one_or_none()
        return KnownSession(*found) if found else None


class SessionRepository(Writing[UserSession], SessionReads):
    """Makes, ends and removes sessions."""

    async def user(self, user_id: UUID) -> User:
        """The user. Raises `NotFound`."""
        return await self.one(select(User).where(User.id == user_id))

    async def lock(self, session_id: UUID) -> UserSession | None:
        """The session, which nobody else changes before this transaction ends, or None."""
        return await self.maybe(self.base().where(UserSession.id == session_id).with_for_update())

    async def carry_on(self, session_id: UUID, user: User) -> None:
        """Let a session of the user go on although the credentials' epoch is another now."""
        same = (UserSession.id == session_id, UserSession.user_id == user.id)
        await self.session.execute(update(UserSession).where(*same).values(epoch=user.credentials_epoch))

    async def lock_by_digests(self, digests: Sequence[bytes]) -> Sequence[UserSession]:
        """The sessions with these cookies that were not ended; locked in the order of their ids."""
        statement = self.base().where(UserSession.digest.in_(digests), UserSession.ended_at.is_(None))
        return await self.all(statement.order_by(UserSession.id).with_for_update())

    async def note_seen(self, seen: Mapping[UUID, datetime], idle: Mapping[SessionKind, timedelta]) -> None:
        """Write when the sessions were used last, unless that was written within the last minute.

        Args:
            seen: last uses.
            idle: how long a session of each kind may rest.
        """
        uses = values(column("id", Uuid()), column("at", DateTime(timezone=True)), name="uses").data(list(seen.items()))
        due = (
            select(UserSession.id, uses.c.at)
            .join(uses, uses.c.id == UserSession.id)
            .where(UserSession.ended_at.is_(None), UserSession.last_seen_at <= uses.c.at - NOTED_EVERY)
            .order_by(UserSession.id)
            .with_for_update(of=UserSession, skip_locked=True)
            .cte("due")
        )
        for kind, rest in idle.items():
            await self.session.execute(
                update(UserSession)
                .where(UserSession.id == due.c.id, UserSession.kind == kind.value)
                .values(last_seen_at=due.c.at, idle_ends_at=due.c.at + rest)
                .execution_options(synchronize_session=False)
            )


class RefreshTokens:
    """Refresh tokens, within a transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def add(self, id_: UUID, session_id: UUID, digest: bytes, issued_at: datetime, expires_at: datetime) -> None:
        """Keep a fresh token."""
        row = {"id": id_, "session_id": session_id, "digest": digest, "issued_at": issued_at, "expires_at": expires_at}
        await self._session.execute(insert(RefreshToken).values(row))

    async def session_of(self, digest: bytes) -> UUID | None:
        """The session of the token with this digest, or None."""
        found = await self._session.execute(select(RefreshToken.session_id).where(RefreshToken.digest == digest))
        return found.scalar_one_or_none()

    async def lock(self, digest: bytes) -> RefreshToken | None:
        """The token, which nobody else uses before this transaction ends, or None."""
        statement = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
        return (await self._session.execute(statement)).scalar_one_or_none()
