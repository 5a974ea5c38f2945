"""Logging in from a browser page: a password for a session cookie."""

from dataclasses import dataclass

from app.access.login.proof import WRONG, PasswordProof, Unproved
from app.access.models import User
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind
from app.access.sessions.service import OpenedSession, SessionService
from app.access.users.actions import UserAction
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents


class WrongPassword(Problem):
    """There is no such pair of name and password."""

    code, title, status = "wrong-password", WRONG, 401


class TooManyGuesses(Problem):
    """No password is looked at for now."""

    code, title, status = "too-many-guesses", "Too many failed log-ins", 429


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person whose browser has a session now."""

    user: User
    opened: OpenedSession


class BrowserLogin:
    """Logs people in within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, events: SecurityEvents
    ) -> None:
        self._proof = PasswordProof(session, secret, clock, policy, events)
        self._sessions = SessionService(session, secret, clock, policy)
        self._audit = AuditTrail(session, secret)

    async def log_in(self, username: str, password: str, facts: RequestFacts) -> LoggedIn | Problem:
        """The session, or the refusal: an answer, since the failure that it counts as must be committed."""
        user = await self._proof.log_in(username, password, facts.address)
        if isinstance(user, Unproved):
            return problem_of(user)
        opened = await self._sessions.open(user, SessionKind.BROWSER, LoginMethod.LOCAL, facts)
        actor = Actor(ActorKind.USER, user.id, user.username)
        after = {"session": opened.id, "expires_at": opened.ends_at}
        await self._audit.append(actor, UserAction.LOGIN, "user", user.id, user.username, after=after)
        return LoggedIn(user, opened)


def problem_of(unproved: Unproved) -> Problem:
    """The refusal as a problem of RFC 9457."""
    if unproved.retry_after_seconds is None:
        return WrongPassword()
    return TooManyGuesses(unproved.description, headers={"Retry-After": str(unproved.retry_after_seconds)})
