"""Logging out: what was shown stops counting, and the session that it belongs to ends."""

from app.access.credentials.revocation import TokenRevocation
from app.access.sessions.actions import EndReason
from app.access.sessions.service import SessionService
from app.access.subject_status import Credential
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict
from app.kernel.security.authorization import Actor
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret


class NothingToLeave(Conflict):
    """An API key is no log-in."""

    code, title = "no-session", "The credential has no session"


class Logout:
    """Logs callers out within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce) -> None:
        self._sessions = SessionService(session, secret, clock, policy)
        self._tokens = TokenRevocation(session, secret)

    async def leave(self, actor: Actor, credential: Credential) -> None:
        """End what the caller has shown. Raises `NothingToLeave` for an API key."""
        if credential.kind == "api_key":
            raise NothingToLeave("An API key is not logged in. An administrator can revoke it.")
        if credential.jti is not None and credential.expires_at is not None:
            assert actor.id is not None
            await self._tokens.revoke(actor, actor.kind, actor.id, credential.jti, credential.expires_at)
        if credential.session_id is not None:
            await self._sessions.end(actor, credential.session_id, EndReason.LOGOUT)
