"""A log-in at the provider, from the browser's first request to its session here.

The identity is issuer and subject, never a name or an e-mail address. No database session is open while the provider
is spoken to: the attempt is ended in one transaction, the person is let in by another.
"""

import hmac
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.access.models import User
from app.access.oidc.attempt import KEY, Attempt, opened, sealed
from app.access.oidc.mapping import mapped_roles, text, usernames
from app.access.oidc.problems import (
    InvalidCallback,
    InvalidIdToken,
    LoginDenied,
    LoginNotBegun,
    PersonRefused,
    ProviderAway,
    ProviderFault,
)
from app.access.oidc.provider import OidcProvider
from app.access.oidc.repository import EndedLoginWrites
from app.access.roles import Role
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind
from app.access.sessions.service import OpenedSession, SessionService
from app.access.users.actions import UserAction
from app.access.users.changes import ACTIVE
from app.access.users.service import LastAdmin, UserService
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import OperationClass, Units, WriteSession
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret

log = logging.getLogger(__name__)

NOBODY = Actor(ActorKind.USER, None, "unknown")
_MOST_NAMES = 100
"""Names that are tried for a new person; each is taken by somebody whom the provider calls the same."""


class ProviderError(StrEnum):
    """Errors that a provider may send the browser back with (RFC 6749 section 4.1.2.1, Core section 3.1.2.6)."""

    ACCESS_DENIED = "access_denied"
    LOGIN_REQUIRED = "login_required"
    INTERACTION_REQUIRED = "interaction_required"
    CONSENT_REQUIRED = "consent_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


@dataclass(frozen=True, slots=True)
class Callback:
    """The parameters that the browser brought back from the provider. All of them may be anybody's."""

    state: str
    code: str | None = None
    issuer: str | None = None
    error: str | None = None


class OidcLogin:
    """Begins and ends log-ins."""

    def __init__(
        self, provider: OidcProvider, units: Units, secret: ServiceSecret, clock: Clock, policy: PolicyInForce
    ) -> None:
        self._provider = provider
        self._units = units
        self._secret, self._clock, self._policy = secret, clock, policy

    async def begin(self, return_to: str) -> tuple[str, str]:
        """Where the browser goes, and the `Set-Cookie` by which it is known when it comes back.

        Args:
            return_to: the path, found local, where it goes after all.

        Raises:
            ProviderFault, ProviderAway, ProviderSlow: the provider's discovery document cannot be had.
        """
        attempt = Attempt.begun(return_to, self._clock())
        return await self._provider.authorization_url(attempt), sealed(attempt, self._secret.key(KEY))

    def attempt(self, headers: list[tuple[bytes, bytes]], state: str) -> Attempt:
        """The attempt that this browser began with this state. Raises `LoginNotBegun`."""
        attempt = opened(headers, self._secret.verifying_keys(KEY))
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise LoginNotBegun
        if attempt.is_over(self._clock()):
            raise LoginNotBegun("The log-in took longer than ten minutes; begin again.")
        return attempt

    async def end(self, attempt: Attempt, callback: Callback, facts: RequestFacts) -> OpenedSession:
        """The session of the person for whom the provider vouches.

        Args:
            attempt: what this browser began.
            callback: what it came back with; its state was found to be the attempt's.
            facts: what else the request says.

        Raises:
            LoginNotBegun: the attempt was ended before.
            InvalidCallback: it names another issuer, or brings no code.
            LoginDenied: the provider did not let the person in.
            CodeRefused, InvalidIdToken, ProviderFault, ProviderAway, ProviderSlow: the provider's part failed.
            PersonRefused: the person is disabled here, or not known and not to be made.
        """
        await self._end_attempt(attempt)
        await self._check(callback)
        assert callback.code is not None
        try:
            claims = await self._provider.redeem(callback.code, attempt, self._clock())
        except InvalidIdToken as refused:
            log.warning("an ID token was refused", extra={"reason": refused.reason})
            await self._note_refusal(f"ID token: {refused.reason}")
            raise
        admitted = await self._units.run(lambda session: self._admitted(session, claims, facts), OperationClass.CONTROL)
        if admitted is None:
            raise PersonRefused
        return admitted

    async def _end_attempt(self, attempt: Attempt) -> None:
        first = await self._units.run(
            lambda session: EndedLoginWrites(session).end(attempt.digest, attempt.ends_at), OperationClass.CONTROL
        )
        if not first:
            raise LoginNotBegun("This log-in has been ended before; begin again.")

    async def _check(self, callback: Callback) -> None:
        metadata = await self._provider.metadata()
        if callback.issuer is None and metadata.names_itself:
            raise InvalidCallback("The answer does not say whose it is.")
        if callback.issuer is not None and not hmac.compare_digest(
            callback.issuer.encode(), self._provider.issuer.encode()
        ):
            raise InvalidCallback("The answer is another provider's.")
        if callback.error is not None:
            raise _refusal(callback.error)
        if not callback.code:
            raise InvalidCallback("The answer brings no code.")

    async def _admitted(
        self, session: WriteSession, claims: dict[str, Any], facts: RequestFacts
    ) -> OpenedSession | None:
        users = UserService(session, self._secret, self._clock, self._policy)
        user = await users.by_identity(self._provider.issuer, claims["sub"])
        if user is None and self._provider.settings.create_users:
            user = await self._made(users, claims)
        if user is None:
            await self._refused(session, NOBODY, "not known here")
            return None
        actor = Actor(ActorKind.USER, user.id, user.username)
        if user.status == ACTIVE:
            await self._follow_roles(users, user, claims)
        if not await users.note_login(user):
            await self._refused(session, actor, "disabled")
            return None
        sessions = SessionService(session, self._secret, self._clock, self._policy)
        opened_session = await sessions.open(user, SessionKind.BROWSER, LoginMethod.OIDC, facts)
        after = {"method": LoginMethod.OIDC, "session": opened_session.id}
        await self._trail(session).append(actor, UserAction.LOGIN, "user", user.id, user.username, after=after)
        return opened_session

    async def _made(self, users: UserService, claims: dict[str, Any]) -> User | None:
        settings = self._provider.settings
        mapped = mapped_roles(claims, settings.roles_claim, settings.role_mapping)
        roles = frozenset(settings.default_roles) if mapped is None else mapped
        values: dict[str, Any] = {
            "email": text(claims, "email"),
            "display_name": text(claims, "name"),
            "auth_provider": "oidc",
            "provider_issuer": self._provider.issuer,
            "provider_subject": claims["sub"],
        }
        for _, name in zip(range(_MOST_NAMES), usernames(claims), strict=False):
            user = await users.admit_from_provider(values | {"username": name}, roles)
            if user is None:  # the name is taken, or another request has made the person meanwhile
                user = await users.by_identity(self._provider.issuer, claims["sub"])
            if user is not None:
                return user
        return None

    async def _follow_roles(self, users: UserService, user: User, claims: dict[str, Any]) -> None:
        settings = self._provider.settings
        wanted = mapped_roles(claims, settings.roles_claim, settings.role_mapping)
        if wanted is None:
            return
        try:
            await users.set_roles(SYSTEM, user.id, wanted)
        except LastAdmin:
            log.warning("the provider takes the last admin away, who stays", extra={"user": user.username})
            await users.set_roles(SYSTEM, user.id, wanted | {Role.ADMIN})

    async def _note_refusal(self, reason: str) -> None:
        await self._units.run(lambda session: self._refused(session, NOBODY, reason), OperationClass.CONTROL)

    async def _refused(self, session: WriteSession, who: Actor, reason: str) -> None:
        after = {"method": LoginMethod.OIDC, "reason": reason}
        await self._trail(session).append(
            who, UserAction.LOGIN, "user", who.id, who.label, after=after, outcome="failure"
        )

    def _trail(self, session: WriteSession) -> AuditTrail:
        return AuditTrail(session, self._secret)


def _refusal(error: str) -> LoginDenied | ProviderAway | ProviderFault:
    """The problem for what the provider says; only codes of the standard are repeated."""
    if error not in set(ProviderError):
        return ProviderFault("The provider could not log the person in.")
    if error == ProviderError.TEMPORARILY_UNAVAILABLE:
        return ProviderAway("The provider cannot log anybody in right now.", retry_after_seconds=5)
    return LoginDenied(reason=error)
