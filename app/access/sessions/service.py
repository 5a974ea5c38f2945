"""Opening and ending sessions, each change audited in its own transaction.

What ends here stops counting in every process within a second: authenticators look at the database again that often.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access.sessions.actions import EndReason, SessionAction
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind, begun, refresh_expiry
from app.access.sessions.models import UserSession
from app.access.sessions.repository import RefreshTokens, SessionReads, SessionRepository, times_of
from app.access.sessions.secrets import (
    CSRF_KEY,
    cookie_header,
    csrf_token,
    digest_of,
    fresh_refresh_token,
    fresh_session_secret,
)
from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import NotFound
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind


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


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session and whose it is."""

    session: UserSession
    username: str


class SessionReading:
    """Answers which sessions go on."""

    def __init__(self, session: ReadSession, clock: Clock) -> None:
        self._sessions = SessionReads(session)
        self._clock = clock

    async def page(self, user_id: UUID | None, request: PageRequest) -> Page[SessionView]:
        """One page, newest first: of one user, or of everybody."""
        page = await self._sessions.live(user_id, self._clock(), request)
        names = await self._sessions.usernames([one.user_id for one in page.items])
        return Page([SessionView(one, names[one.user_id]) for one in page.items], page.next_cursor)


class Sessions:
    """Opens and ends sessions within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._sessions = SessionRepository(session)
        self._refresh = RefreshTokens(session)
        self._audit = AuditTrail(session, resources.secret)
        self._csrf_key = resources.secret.key(CSRF_KEY)
        self._clock = resources.clock
        self._policy = resources.policy

    async def open(
        self,
        user_id: UUID,
        kind: SessionKind,
        method: LoginMethod,
        facts: RequestFacts,
        *,
        scope: frozenset[str] | None = None,
        client_id: UUID | None = None,
        epoch: int | None = None,
    ) -> OpenedSession:
        """A session of a person who has just proved to be the user; its id and secrets are fresh.

        Args:
            user_id: who logged in.
            kind: `browser` gives a cookie and a CSRF token, `token` a refresh token.
            method: how it was proved.
            facts: what the request says; sessions whose cookies it brought are ended.
            scope: permissions that the session's tokens are narrowed to.
            client_id: the service client that asked on the person's behalf; it alone may renew the tokens.
            epoch: the credentials epoch of the password that was verified; the current one when absent.

        Raises:
            NotFound: there is no such user.
        """
        policy = self._policy.current().sessions
        now = self._clock()
        times = begun(kind, now, policy)
        user = await self._sessions.user(user_id)
        actor = Actor(ActorKind.USER, user_id, user.username)
        if kind is SessionKind.BROWSER:
            await self._replace(actor, facts.cookies)
        secret = fresh_session_secret() if kind is SessionKind.BROWSER else None
        row = await self._sessions.add(
            UserSession(
                id=new_id(),
                user_id=user_id,
                client_id=client_id,
                kind=kind.value,
                method=method.value,
                digest=digest_of(secret, "session") if secret else None,
                scope=None if scope is None else " ".join(sorted(scope)),
                epoch=user.credentials_epoch if epoch is None else epoch,
                created_at=now,
                last_seen_at=now,
                idle_ends_at=times.idle_ends_at,
                ends_at=times.ends_at,
                client_address=facts.address,
                user_agent=facts.user_agent,
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
        id_, text = new_id(), fresh_refresh_token()
        digest = digest_of(text, "refresh")
        assert digest is not None
        expires_at = refresh_expiry(times_of(session), now, self._policy.current().sessions)
        await self._refresh.add(id_, session.id, digest, now, expires_at)
        return id_, text

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
