"""All SQL of sessions and refresh tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, select, update, values
from sqlalchemy.orm import contains_eager

from app.access.models import User
from app.access.sessions.lifetimes import NOTED_EVERY, SLACK, SessionKind, SessionTimes
from app.access.sessions.models import RefreshToken, UserSession
from app.access.subject_repository import status_of_user, user_status
from app.access.subject_status import SubjectStatus
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest

_TIMES = [getattr(UserSession, each.name) for each in fields(SessionTimes)]


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as it is known by its cookie."""

    id: UUID
    user_id: UUID
    ends_at: datetime


class SessionReads(Reading[UserSession]):
    """Finds sessions."""

    model = UserSession

    async def live(self, user_id: UUID | None, now: datetime, request: PageRequest) -> Page[UserSession]:
        """The page of sessions that go on, newest first, each with its user: of one user, or of everybody."""
        statement = (
            self.base()
            .join(UserSession.user)
            .options(contains_eager(UserSession.user))
            .where(User.status == "active", User.credentials_epoch == UserSession.epoch)
            .where(UserSession.ended_at.is_(None), UserSession.ends_at > now, UserSession.idle_ends_at > now - SLACK)
        )
        if user_id is not None:
            statement = statement.where(UserSession.user_id == user_id)
        return await self.page(statement, request)

    async def by_digest(self, digest: bytes) -> KnownSession | None:
        """The session whose cookie has the digest, whether it goes on or not, or None."""
        statement = select(UserSession.id, UserSession.user_id, UserSession.ends_at).where(UserSession.digest == digest)
        found = (await self.session.execute(statement)).one_or_none()
        return KnownSession(*found) if found else None

    async def holder(self, user_id: UUID, session_id: UUID) -> tuple[SubjectStatus, SessionTimes] | None:
        """The status of a user and the times of the session; None when it is none of the user's that counts.

        The status without a session: `app/access/subject_repository.py`.
        """
        statement = (
            select(*status_of_user(user_id), *_TIMES)
            .join(UserSession, UserSession.user_id == User.id)
            .where(User.id == user_id, UserSession.id == session_id, UserSession.epoch == User.credentials_epoch)
        )
        row = (await self.session.execute(statement)).one_or_none()
        return None if row is None else (user_status(row), SessionTimes.of(row))


class SessionWrites(Writing[UserSession], SessionReads):
    """Makes, ends and removes sessions and their refresh tokens."""

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

    async def note_last_used(self, used: Mapping[UUID, datetime], idle: Mapping[SessionKind, timedelta]) -> None:
        """Write when the sessions were used last, unless that was written within the last minute.

        Args:
            used: last uses.
            idle: how long a session of each kind may rest.
        """
        uses = values(column("id", Uuid()), column("at", DateTime(timezone=True)), name="uses").data(list(used.items()))
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

    async def add_token(self, token: RefreshToken) -> None:
        """Keep a fresh refresh token."""
        self.session.add(token)
        await self.session.flush()

    async def session_of(self, digest: bytes) -> UUID | None:
        """The session of the refresh token with this digest, or None."""
        return await self.maybe(select(RefreshToken.session_id).where(RefreshToken.digest == digest))

    async def lock_token(self, digest: bytes) -> RefreshToken | None:
        """The refresh token, which nobody else uses before this transaction ends, or None."""
        return await self.maybe(select(RefreshToken).where(RefreshToken.digest == digest).with_for_update())
