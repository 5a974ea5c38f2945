"""Refresh tokens: each is good for one renewal, within its session (RFC 6749 section 6, RFC 9700 section 4.14).

Who shows a used one is either its thief or was robbed. Nobody can tell which, so the whole session ends.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access.credentials.repository import DirectoryRepository
from app.access.credentials.tokens import AccessTokens, IssuedToken
from app.access.login.oauth import ErrorCode, GrantRefusal, narrowed
from app.access.sessions.actions import EndReason, SessionAction
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import NOTED_EVERY, ends_at, idle, is_over
from app.access.sessions.models import RefreshToken, UserSession
from app.access.sessions.repository import RefreshTokens, SessionRepository, times_of
from app.access.sessions.secrets import digest_of
from app.access.sessions.service import Sessions
from app.access.subject_status import SubjectStatus
from app.access.subjects import user_subject
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.security_events import EventKind

_NOT_VALID = GrantRefusal(ErrorCode.INVALID_GRANT, "The refresh token is not valid.")
_WIDER = GrantRefusal(ErrorCode.INVALID_SCOPE, "A renewal can only narrow the scope.")


@dataclass(frozen=True, slots=True)
class Renewed:
    """Fresh tokens of a session."""

    token: IssuedToken
    scope: frozenset[str]
    refresh_token: str


class Renewals:
    """Renews the tokens of sessions within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._rows = SessionRepository(session)
        self._refresh = RefreshTokens(session)
        self._sessions = Sessions(session, resources)
        self._directory = DirectoryRepository(session)
        self._audit = AuditTrail(session, resources.secret)
        self._tokens = AccessTokens.of(resources)
        self._events = resources.events
        self._policy = resources.policy
        self._clock = resources.clock

    async def renew(
        self, text: str, wanted: frozenset[str] | None, client_id: UUID | None, facts: RequestFacts
    ) -> Renewed | GrantRefusal:
        """Fresh tokens for a refresh token, which is used up.

        Args:
            text: the token as it was shown.
            wanted: the scope asked for; the session's own when absent.
            client_id: the client that has authenticated, which must be the one that the session was opened by.
            facts: where the request comes from.
        """
        found = await self._found(text)
        standing = await self._standing(found[0]) if found is not None else None
        if found is None or standing is None:
            return _NOT_VALID
        session, token = found
        actor, now = Actor(ActorKind.USER, session.user_id, standing.label), self._clock()
        if token.used_at is not None:
            return await self._reused(actor, session, token, facts)
        if session.client_id != client_id or token.expires_at <= now:
            return _NOT_VALID
        scope = _scope(session, standing, wanted)
        if isinstance(scope, GrantRefusal):
            return scope
        return await self._give(actor, session, token, standing, scope, now)

    async def _found(self, text: str) -> tuple[UserSession, RefreshToken] | None:
        """Session and token, which nobody else uses before the transaction ends."""
        digest = digest_of(text, "refresh")
        session_id = await self._refresh.session_of(digest) if digest is not None else None
        if digest is None or session_id is None:
            return None
        session = await self._rows.lock(session_id)
        token = await self._refresh.lock(digest)
        return None if session is None or token is None else (session, token)

    async def _standing(self, session: UserSession) -> SubjectStatus | None:
        """What the person may do now, or None when the session is over."""
        if is_over(times_of(session), self._clock(), self._policy.current().sessions):
            return None
        standing = await self._directory.user(session.user_id)
        return standing if standing is not None and standing.active and standing.epoch == session.epoch else None

    async def _reused(
        self, actor: Actor, session: UserSession, token: RefreshToken, facts: RequestFacts
    ) -> GrantRefusal:
        assert actor.id is not None
        subject = user_subject(actor.id)
        self._events.note(
            EventKind.REFRESH_REUSE, address=facts.address, subject=subject, detail={"session": str(session.id)}
        )
        after = {"refresh": token.id, "used_at": token.used_at, "user_agent": facts.user_agent}
        await self._audit.append(
            actor, SessionAction.REUSE, "session", session.id, actor.label, after=after, outcome="failure"
        )
        await self._sessions.end(actor, session.id, EndReason.REUSE)
        return _NOT_VALID

    async def _give(
        self,
        actor: Actor,
        session: UserSession,
        used: RefreshToken,
        standing: SubjectStatus,
        scope: frozenset[str] | None,
        now: datetime,
    ) -> Renewed:
        policy = self._policy.current().sessions
        successor, text = await self._sessions.issue_refresh_token(session, now)
        used.used_at, used.successor = now, successor
        if now - session.last_seen_at >= NOTED_EVERY:
            session.last_seen_at, session.idle_ends_at = now, now + idle(session.kind, policy)
        token = self._tokens.issue(
            user_subject(session.user_id),
            now,
            scope=scope,
            epoch=session.epoch,
            session_id=session.id,
            not_after=ends_at(times_of(session), policy),
        )
        after = {"jti": token.claims.jti, "expires_at": token.claims.expires_at}
        await self._audit.append(actor, SessionAction.REFRESH, "session", session.id, actor.label, after=after)
        held = frozenset(permission.value for permission in standing.permissions)
        return Renewed(token, held if scope is None else scope & held, text)


def _scope(
    session: UserSession, standing: SubjectStatus, wanted: frozenset[str] | None
) -> frozenset[str] | GrantRefusal | None:
    """The scope of the fresh access token; that of the session stays as it is (RFC 6749 section 6)."""
    own = None if session.scope is None else frozenset(session.scope.split(" "))
    if wanted is None:
        return own
    if own is not None and not wanted <= own:
        return _WIDER
    scope = narrowed(wanted, standing.permissions)
    return scope or _WIDER
