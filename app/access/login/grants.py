"""The grants of `POST /api/auth/token`: password and refresh_token for people, client_credentials for services.

A refusal is an answer, not an exception: its audit row, and the failure that counts towards a lock, are committed.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access.actions import AccessAction
from app.access.credentials.decoys import note_decoy
from app.access.credentials.keys import matches, prefix_of
from app.access.credentials.repository import DirectoryRepository, KnownKey
from app.access.credentials.tokens import AccessTokens, IssuedToken
from app.access.login.login_keys import Realm
from app.access.login.login_throttle import UNKNOWN, LoginThrottle
from app.access.login.oauth import ErrorCode, GrantRefusal, GrantType, TokenRequest, narrowed
from app.access.login.proof import PasswordProof, Unproved
from app.access.login.renewal import Renewals, Renewed
from app.access.models import User
from app.access.naming import normalised_name
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind
from app.access.sessions.service import Sessions
from app.access.subjects import client_subject, user_subject
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind, Permission

_WRONG_CLIENT = GrantRefusal(ErrorCode.INVALID_CLIENT, "The client's id or secret is wrong.")
_NOT_HELD = GrantRefusal(ErrorCode.INVALID_SCOPE, "None of the scopes is held.")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was issued."""

    token: IssuedToken
    scope: frozenset[str]
    """The permissions it gives now."""
    refresh_token: str | None = None
    """Good for one renewal; people have one. A secret."""

    @property
    def lifetime_seconds(self) -> int:
        """How long the token lasts."""
        return int((self.token.claims.expires_at - self.token.claims.issued_at).total_seconds())


class TokenGrants:
    """Answers token requests within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._directory = DirectoryRepository(session)
        self._guesses = LoginThrottle(session, resources)
        self._proof = PasswordProof(session, resources)
        self._renewals = Renewals(session, resources)
        self._sessions = Sessions(session, resources)
        self._audit = AuditTrail(session, resources.secret)
        self._tokens = AccessTokens.of(resources)
        self._clock = resources.clock
        self._decoys, self._events = resources.decoy_keys, resources.events

    async def answer(self, request: TokenRequest | GrantRefusal, facts: RequestFacts) -> Grant | GrantRefusal:
        """The token, or the refusal; either way what is to be kept is in the transaction."""
        if isinstance(request, GrantRefusal):
            return request
        key = None
        if request.client_secret:
            key = await self._client(request, facts.address)
            if key is None:
                return _WRONG_CLIENT
            if request.grant_type is GrantType.CLIENT_CREDENTIALS:
                return await self._grant_to_client(request, key)
        client_id = key.client_id if key is not None else None
        if request.grant_type is GrantType.REFRESH_TOKEN:
            return await self._renewed(request, client_id, facts)
        return await self._password(request, client_id, facts)

    async def _password(
        self, request: TokenRequest, client_id: UUID | None, facts: RequestFacts
    ) -> Grant | GrantRefusal:
        user = await self._proof.log_in(request.username, request.password, facts.address)
        if isinstance(user, Unproved):
            return GrantRefusal(ErrorCode.INVALID_GRANT, user.description, user.retry_after_seconds)
        standing = await self._directory.user(user.id)
        assert standing is not None
        scope = narrowed(request.scope, standing.permissions)
        if scope is not None and not scope:
            return _NOT_HELD
        return await self._open(user, standing.permissions, scope, client_id, facts)

    async def _open(
        self,
        user: User,
        held: frozenset[Permission],
        scope: frozenset[str] | None,
        client_id: UUID | None,
        facts: RequestFacts,
    ) -> Grant:
        # The epoch goes with the password that was verified: a change meanwhile ends the session too.
        opened = await self._sessions.open(
            user.id,
            SessionKind.TOKEN,
            LoginMethod.LOCAL,
            facts,
            scope=scope,
            client_id=client_id,
            epoch=user.credentials_epoch,
        )
        token = self._tokens.issue(
            user_subject(user.id),
            self._clock(),
            scope=scope,
            epoch=user.credentials_epoch,
            session_id=opened.id,
            not_after=opened.ends_at,
        )
        after = {"session": opened.id, "jti": token.claims.jti, "expires_at": token.claims.expires_at, "key": None}
        if scope is not None:
            after["scope"] = scope
        actor = Actor(ActorKind.USER, user.id, user.username)
        await self._audit.append(actor, AccessAction.USER_LOGIN, "user", user.id, user.username, after=after)
        return Grant(token, _names(held) if scope is None else scope, opened.refresh_token)

    async def _renewed(
        self, request: TokenRequest, client_id: UUID | None, facts: RequestFacts
    ) -> Grant | GrantRefusal:
        renewed = await self._renewals.renew(request.refresh_token, request.scope, client_id, facts)
        if not isinstance(renewed, Renewed):
            return renewed
        return Grant(renewed.token, renewed.scope, renewed.refresh_token)

    async def _client(self, request: TokenRequest, address: str | None) -> KnownKey | None:
        """The valid key that the client's secret is, or None; failures are audited, so many and no more."""
        prefix = prefix_of(request.client_secret)
        key = await self._directory.key(prefix) if prefix is not None else None
        standing = await self._directory.client(key.client_id) if key is not None else None
        if (
            key is not None
            and standing is not None
            and _is_client(request, key)
            and matches(request.client_secret, key.digest)
        ):
            if standing.active and key.id in standing.keys:
                return key
            actor, why = Actor(ActorKind.CLIENT, key.client_id, key.client_name), "revoked, expired or disabled"
        else:
            note_decoy(request.client_secret, self._decoys, self._events)
            actor, why = Actor(ActorKind.CLIENT, None, UNKNOWN), "wrong id or secret"
        place = self._guesses.place(Realm.CLIENTS, normalised_name(request.client_id), address)
        if await self._guesses.is_telling(place):
            await self._audit.append(
                actor,
                AccessAction.CLIENT_LOGIN,
                "client",
                actor.id,
                actor.label,
                after={"reason": why},
                outcome="failure",
            )
        return None

    async def _grant_to_client(self, request: TokenRequest, key: KnownKey) -> Grant | GrantRefusal:
        standing = await self._directory.client(key.client_id)
        if standing is None or key.id not in standing.keys:  # ended since it was looked at
            return _WRONG_CLIENT
        held = standing.permitted(key.id)
        scope = narrowed(request.scope, held)
        if scope is not None and not scope:
            return _NOT_HELD
        token = self._tokens.issue(client_subject(key.client_id), self._clock(), scope=scope, key_id=key.id)
        after: dict[str, Any] = {"jti": token.claims.jti, "expires_at": token.claims.expires_at, "key": key.id}
        if scope is not None:
            after["scope"] = scope
        actor = Actor(ActorKind.CLIENT, key.client_id, key.client_name)
        await self._audit.append(actor, AccessAction.CLIENT_LOGIN, "client", actor.id, actor.label, after=after)
        return Grant(token, _names(held) if scope is None else scope)


def _is_client(request: TokenRequest, key: KnownKey) -> bool:
    return request.client_id in {str(key.client_id), key.client_name}


def _names(permissions: frozenset[Permission]) -> frozenset[str]:
    return frozenset(permission.value for permission in permissions)
