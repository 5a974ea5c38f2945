"""Refresh tokens: each is good for one renewal, within its session (RFC 6749 section 6, RFC 9700 section 4.14).

Whoever shows a used one is either its thief or was robbed. Nobody can know which, so the whole session ends.
The access token that a renewal gives: `app/access/login/grants.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access.sessions.actions import EndReason, SessionAction
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import NOTED_EVERY, SessionTimes, ends_at, idle, is_over
from app.access.sessions.models import RefreshToken, UserSession
from app.access.sessions.repository import SessionWrites
from app.access.sessions.secrets import digest_of
from app.access.sessions.service import SessionService
from app.access.subject_repository import SubjectReads
from app.access.subject_status import SubjectStatus
from app.access.subjects import user_subject
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import EventKind, SecurityEvents


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh token that may be used, and its session; nobody else uses them before the transaction ends."""

    session: UserSession
    token: RefreshToken
    status: SubjectStatus
    """The person's."""
    ends_at: datetime
    """The end of the session that no use puts off."""

    @property
    def actor(self) -> Actor:
        """The person."""
        return Actor(ActorKind.USER, self.session.user_id, self.status.label)


class Renewals:
    """Takes refresh tokens within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, events: SecurityEvents
    ) -> None:
        self._rows = SessionWrites(session)
        self._subjects = SubjectReads(session)
        self._sessions = SessionService(session, secret, clock, policy)
        self._audit = AuditTrail(session, secret)
        self._clock, self._policy, self._events = clock, policy, events

    async def find(self, text: str, client_id: UUID | None, facts: RequestFacts) -> Renewal | None:
        """The renewal that a refresh token is good for, or None. A token that was used before ends its session.

        Args:
            text: the token as it was shown.
            client_id: the client that has authenticated, which must be the one that the session was opened by.
            facts: where the request comes from.
        """
        digest = digest_of(text, "refresh")
        session_id = await self._rows.session_of(digest) if digest is not None else None
        if digest is None or session_id is None:
            return None
        session, token = await self._rows.lock(session_id), await self._rows.lock_token(digest)
        status = await self._status(session) if session is not None else None
        if session is None or token is None or status is None:
            return None
        end = ends_at(SessionTimes.of(session), self._policy.current().sessions)
        renewal = Renewal(session, token, status, end)
        if token.used_at is not None:
            await self._end_reused(renewal, facts)
            return None
        return renewal if session.client_id == client_id and token.expires_at > self._clock() else None

    async def use(self, renewal: Renewal) -> str:
        """The refresh token that is given for the one that is used up now."""
        session, now = renewal.session, self._clock()
        successor, text = await self._sessions.issue_refresh_token(session, now)
        renewal.token.used_at, renewal.token.successor = now, successor
        if now - session.last_seen_at >= NOTED_EVERY:
            rest = idle(session.kind, self._policy.current().sessions)
            session.last_seen_at, session.idle_ends_at = now, now + rest
        return text

    async def _status(self, session: UserSession) -> SubjectStatus | None:
        """The status of the session's user, or None when the session is over."""
        if is_over(SessionTimes.of(session), self._clock(), self._policy.current().sessions):
            return None
        status = await self._subjects.user(session.user_id)
        return status if status is not None and status.active and status.epoch == session.epoch else None

    async def _end_reused(self, renewal: Renewal, facts: RequestFacts) -> None:
        session, token, actor = renewal.session, renewal.token, renewal.actor
        subject, detail = user_subject(session.user_id), {"session": str(session.id)}
        self._events.note(EventKind.REFRESH_REUSE, address=facts.address, subject=subject, detail=detail)
        after = {"refresh": token.id, "used_at": token.used_at, "user_agent": facts.user_agent}
        await self._audit.append(
            actor, SessionAction.REUSE, "session", session.id, actor.label, after=after, outcome="failure"
        )
        await self._sessions.end(actor, session.id, EndReason.REUSE)
