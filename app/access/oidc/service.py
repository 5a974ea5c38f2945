"""A log-in at the provider, from the browser's first request to its session here.

The identity is issuer and subject, never a name or an e-mail address. No database session is open while the provider
is spoken to: the attempt is ended in one transaction, the person is let in by another.
"""

import hmac
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.access.actions import AccessAction
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
from app.access.oidc.repository import EndedLogins, OidcPeople
from app.access.roles import Role
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind
from app.access.sessions.service import OpenedSession, Sessions
from app.access.users.repository import UserRepository
from app.access.users.service import LastAdmin, UserService
from app.audit.log.service import AuditTrail
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind

log = logging.getLogger(__name__)

NOBODY = Actor(ActorKind.USER, None, "unknown")
_MOST_NAMES = 100
"""Names that are tried for a new person; each is taken by somebody whom the provider calls the same."""


class ProviderError(StrEnum):
    """What a provider may send the browser back with (RFC 6749 section 4.1.2.1, Core section 3.1.2.6)."""

    ACCESS_DENIED = "access_denied"
    LOGIN_REQUIRED = "login_required"
    INTERACTION_REQUIRED = "interaction_required"
    CONSENT_REQUIRED = "consent_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser brought back from the provider. All of it may be anybody's."""

    state: str
    code: str | None = None
    issuer: str | None = None
    error: str | None = None


class OidcLogin:
    """Begins and ends log-ins."""

    def __init__(self, provider: OidcProvider, resources: Resources) -> None:
        self._provider = provider
        self._resources = resources
        self._clock = resources.clock

    async def begin(self, return_to: str) -> tuple[str, str]:
        """Where the browser goes, and the `Set-Cookie` by which it is known when it comes back.

        Args:
            return_to: the path, found local, where it goes after all.

        Raises:
            ProviderFault, ProviderAway, ProviderSlow: the provider's discovery document cannot be had.
        """
        attempt = Attempt.begun(return_to, self._clock())
        return await self._provider.authorization_url(attempt), sealed(attempt, self._resources.secret.key(KEY))

    def attempt(self, headers: list[tuple[bytes, bytes]], state: str) -> Attempt:
        """The attempt that this browser began with this state. Raises `LoginNotBegun`."""
        attempt = opened(headers, self._resources.secret.verifying_keys(KEY))
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
        admitted = await self._resources.database.run(
            lambda session: self._admitted(session, claims, facts), OperationClass.CONTROL
        )
        if admitted is None:
            raise PersonRefused
        return admitted

    async def _end_attempt(self, attempt: Attempt) -> None:
        first = await self._resources.database.run(
            lambda session: EndedLogins(session).end(attempt.digest, attempt.ends_at), OperationClass.CONTROL
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
        people = OidcPeople(session)
        user = await people.find(self._provider.issuer, claims["sub"])
        if user is None and self._provider.settings.create_users:
            user = await self._made(session, people, claims)
        if user is None or user.status != "active":
            who = NOBODY if user is None else Actor(ActorKind.USER, user.id, user.username)
            await self._refused(session, who, "not known here" if user is None else "disabled")
            return None
        await self._follow_roles(session, user, claims)
        await people.note_login(user.id, self._clock())
        opened_session = await Sessions(session, self._resources).open(
            user.id, SessionKind.BROWSER, LoginMethod.OIDC, facts
        )
        actor = Actor(ActorKind.USER, user.id, user.username)
        after = {"method": LoginMethod.OIDC, "session": opened_session.id}
        await self._trail(session).append(actor, AccessAction.USER_LOGIN, "user", user.id, user.username, after=after)
        return opened_session

    async def _made(self, session: WriteSession, people: OidcPeople, claims: dict[str, Any]) -> User | None:
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
            user = await people.insert(values | {"username": name})
            if user is None:
                user = await people.find(self._provider.issuer, claims["sub"])  # or made by another request meanwhile
                if user is None:
                    continue
                return user
            await UserRepository(session).replace_roles(user.id, roles)
            after = values | {"username": name, "roles": roles}
            await self._trail(session).append(SYSTEM, AccessAction.USER_CREATE, "user", user.id, name, after=after)
            return user
        return None

    async def _follow_roles(self, session: WriteSession, user: User, claims: dict[str, Any]) -> None:
        settings = self._provider.settings
        wanted = mapped_roles(claims, settings.roles_claim, settings.role_mapping)
        if wanted is None:
            return
        users = UserService(session, self._resources)
        try:
            await users.set_roles(SYSTEM, user.id, wanted)
        except LastAdmin:
            log.warning("the provider takes the last admin away, who stays", extra={"user": user.username})
            await users.set_roles(SYSTEM, user.id, wanted | {Role.ADMIN})

    async def _note_refusal(self, reason: str) -> None:
        await self._resources.database.run(
            lambda session: self._refused(session, NOBODY, reason), OperationClass.CONTROL
        )

    async def _refused(self, session: WriteSession, who: Actor, reason: str) -> None:
        after = {"method": LoginMethod.OIDC, "reason": reason}
        await self._trail(session).append(
            who, AccessAction.USER_LOGIN, "user", who.id, who.label, after=after, outcome="failure"
        )

    def _trail(self, session: WriteSession) -> AuditTrail:
        return AuditTrail(session, self._resources.secret)


def _refusal(error: str) -> LoginDenied | ProviderAway | ProviderFault:
    """The problem for what the provider says; only codes of the standard are told on."""
    if error not in set(ProviderError):
        return ProviderFault("The provider could not log the person in.")
    if error == ProviderError.TEMPORARILY_UNAVAILABLE:
        return ProviderAway("The provider cannot log anybody in right now.", retry_after_seconds=5)
    return LoginDenied(reason=error)
