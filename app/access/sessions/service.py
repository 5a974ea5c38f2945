"""Opening and ending sessions, each change audited in its own transaction.

What ends here stops counting in every process within a second: authenticators look at the database again that often.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from app.access.models import User
from app.access.sessions.actions import EndReason, SessionAction
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind, SessionTimes, begun, is_over, refresh_expiry
from app.access.sessions.models import RefreshToken, UserSession
from app.access.sessions.repository import KnownSession, SessionReads, SessionWrites
from app.access.sessions.secrets import (
    CSRF_KEY,
    cookie_header,
    csrf_token,
    digest_of,
    fresh_refresh_token,
    fresh_session_secret,
)
from app.access.subject_status import SubjectStatus
from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import NotFound
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that has just begun. Cookie and refresh token are secrets, shown this once."""

    id: UUID
    ends_at: datetime
    cookie: str | None = None
    """The value of the `Set-Cookie` header, for a browser."""
    csrf: str | None = None
    """What a browser's changing requests must carry in `X-CSRF-Token`."""
    refresh_token: str | None = None


class SessionReading:
    """Finds sessions that go on, and whom they belong to."""

    def __init__(self, session: ReadSession, clock: Clock, policy: PolicyInForce) -> None:
        self._sessions = SessionReads(session)
        self._clock = clock
        self._policy = policy

    async def page(self, user_id: UUID | None, request: PageRequest) -> Page[UserSession]:
        """The page of sessions with their users, newest first: of one user, or of everybody."""
        return await self._sessions.live(user_id, self._clock(), request)

    async def by_digest(self, digest: bytes) -> KnownSession | None:
        """The session whose cookie has the digest, whether it goes on or not, or None."""
        return await self._sessions.by_digest(digest)

    async def holder(self, user_id: UUID, session_id: UUID) -> SubjectStatus | None:
        """The status of a user in a session of theirs; None when it does not go on."""
        found = await self._sessions.holder(user_id, session_id)
        if found is None or is_over(found[1], self._clock(), self._policy.current().sessions):
            return None
        return found[0]


class SessionService:
    """Opens and ends sessions within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce) -> None:
        self._sessions = SessionWrites(session)
        self._audit = AuditTrail(session, secret)
        self._csrf_key = secret.key(CSRF_KEY)
        self._clock = clock
        self._policy = policy

    async def open(
        self,
        user: User,
        kind: SessionKind,
        method: LoginMethod,
        facts: RequestFacts,
        *,
        scope: frozenset[str] | None = None,
        client_id: UUID | None = None,
    ) -> OpenedSession:
        """A session of a person who has just proved to be the user; its id and secrets are fresh.

        Args:
            user: who logged in, as read for the proof: a change of the password meanwhile ends the session too.
            kind: `browser` gives a cookie and a CSRF token, `token` a refresh token.
            method: how it was proved.
            facts: what the request says; sessions whose cookies it brought are ended.
            scope: permissions that the session's tokens are narrowed to.
            client_id: the service client that asked on the person's behalf; it alone may renew the tokens.
        """
        now = self._clock()
        times = begun(kind, now, self._policy.current().sessions)
        actor = Actor(ActorKind.USER, user.id, user.username)
        if kind is SessionKind.BROWSER:
            await self._replace(actor, facts.cookies)
        secret = fresh_session_secret() if kind is SessionKind.BROWSER else None
        row = await self._sessions.add(
            UserSession(
                id=new_id(),
                user_id=user.id,
                client_id=client_id,
                method=method.value,
                digest=digest_of(secret, "session") if secret else None,
                scope=None if scope is None else " ".join(sorted(scope)),
                epoch=user.credentials_epoch,
                client_address=facts.address,
                user_agent=facts.user_agent,
                **asdict(times),
            )
        )
        after = {"kind": kind, "method": method, "ends_at": times.ends_at, "user_agent": facts.user_agent}
        await self._audit.append(actor, SessionAction.OPEN, "session", row.id, user.username, after=after)
        if secret is not None:
            csrf = csrf_token(self._csrf_key, row.id)
            return OpenedSession(row.id, times.ends_at, cookie=cookie_header(secret), csrf=csrf)
        _, token = await self.issue_refresh_token(row, now)
        return OpenedSession(row.id, times.ends_at, refresh_token=token)

    async def issue_refresh_token(self, session: UserSession, now: datetime) -> tuple[UUID, str]:
        """The id and text of a fresh refresh token of the session."""
        text = fresh_refresh_token()
        digest = digest_of(text, "refresh")
        expires_at = refresh_expiry(SessionTimes.of(session), now, self._policy.current().sessions)
        token = RefreshToken(id=new_id(), session_id=session.id, digest=digest, issued_at=now, expires_at=expires_at)
        await self._sessions.add_token(token)
        return token.id, text

    async def carry_on(self, session_id: UUID, user: User) -> None:
        """Let a session of the user go on although the credentials' epoch is another now."""
        await self._sessions.carry_on(session_id, user)

    async def end(self, actor: Actor, session_id: UUID, reason: EndReason, *, of: UUID | None = None) -> None:
        """End a session; one that was ended before stays as it is.

        Args:
            actor: who ends it.
            session_id: which.
            reason: why.
            of: the user whose session it must be; anybody's when absent.

        Raises:
            NotFound: there is no such session, or it is somebody else's.
        """
        session = await self._sessions.lock(session_id)
        if session is None or (of is not None and session.user_id != of):
            raise NotFound
        await self._end(actor, session, reason)

    async def _replace(self, actor: Actor, cookies: Iterable[str]) -> None:
        digests = [digest for cookie in cookies if (digest := digest_of(cookie, "session")) is not None]
        for session in await self._sessions.lock_by_digests(digests) if digests else ():
            await self._end(actor, session, EndReason.REPLACED)

    async def _end(self, actor: Actor, session: UserSession, reason: EndReason) -> None:
        if session.ended_at is not None:
            return
        session.ended_at, session.end_reason = self._clock(), reason.value
        verb = Verb.LOGOUT if reason is EndReason.LOGOUT else Verb.DELETE
        before, after = {"ended_at": None}, {"ended_at": session.ended_at, "reason": reason, "user": session.user_id}
        await self._audit.append(actor, SessionAction.END, "session", session.id, before=before, after=after, verb=verb)
