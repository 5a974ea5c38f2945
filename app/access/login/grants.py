"""The grants of `POST /api/auth/token`: password and refresh_token for people, client_credentials for services.

A refusal is an answer, not an exception: its audit row, and the failure that counts towards a lock, are committed.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access.clients.actions import ClientAction
from app.access.credentials.decoys import note_decoy
from app.access.credentials.keys import matches, prefix_of
from app.access.credentials.tokens import AccessTokens, IssuedToken
from app.access.login.login_keys import Realm
from app.access.login.login_throttle import UNKNOWN, LoginThrottle
from app.access.login.oauth import ErrorCode, GrantRefusal, GrantType, TokenRequest, narrowed, renewed_scope
from app.access.login.proof import PasswordProof, Unproved
from app.access.naming import normalised_name
from app.access.sessions.actions import SessionAction
from app.access.sessions.facts import RequestFacts
from app.access.sessions.lifetimes import LoginMethod, SessionKind
from app.access.sessions.renewal import Renewals
from app.access.sessions.service import SessionService
from app.access.subject_repository import KnownKey, SubjectReads
from app.access.subjects import client_subject, user_subject
from app.access.users.actions import UserAction
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor, ActorKind, DecoyKeys, Permission
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents
from app.kernel.security.signing import SigningKeys
from app.settings import Settings

_WRONG_CLIENT = GrantRefusal(ErrorCode.INVALID_CLIENT, "The client's id or secret is wrong.")
_NOT_VALID = GrantRefusal(ErrorCode.INVALID_GRANT, "The refresh token is not valid.")
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

    def __init__(
        self,
        session: WriteSession,
        secret: ServiceSecret,
        clock: Clock,
        policy: PolicyInForce,
        events: SecurityEvents,
        settings: Settings,
        signing_keys: SigningKeys,
        decoys: DecoyKeys,
    ) -> None:
        self._subjects = SubjectReads(session)
        self._throttle = LoginThrottle(session, secret, clock, policy, events)
        self._proof = PasswordProof(session, secret, clock, policy, events)
        self._renewals = Renewals(session, secret, clock, policy, events)
        self._sessions = SessionService(session, secret, clock, policy)
        self._audit = AuditTrail(session, secret)
        self._tokens = AccessTokens(secret, settings.access, signing_keys)
        self._clock = clock
        self._decoys, self._events = decoys, events

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
        status = await self._subjects.user(user.id)
        assert status is not None
        scope = narrowed(request.scope, status.permissions)
        if scope is not None and not scope:
            return _NOT_HELD
        opened = await self._sessions.open(
            user, SessionKind.TOKEN, LoginMethod.LOCAL, facts, scope=scope, client_id=client_id
        )
        token = self._tokens.issue(
            user_subject(user.id),
            self._clock(),
            scope=scope,
            epoch=user.credentials_epoch,  # that of the password: a change meanwhile ends the token too
            session_id=opened.id,
            not_after=opened.ends_at,
        )
        after = {"session": opened.id} | _noted(token, None)
        actor = Actor(ActorKind.USER, user.id, user.username)
        await self._audit.append(actor, UserAction.LOGIN, "user", user.id, user.username, after=after)
        return Grant(token, _names(status.permissions) if scope is None else scope, opened.refresh_token)

    async def _renewed(
        self, request: TokenRequest, client_id: UUID | None, facts: RequestFacts
    ) -> Grant | GrantRefusal:
        renewal = await self._renewals.find(request.refresh_token, client_id, facts)
        if renewal is None:
            return _NOT_VALID
        session, held = renewal.session, _names(renewal.status.permissions)
        scope = renewed_scope(session.scope, request.scope, renewal.status.permissions)
        if isinstance(scope, GrantRefusal):
            return scope
        refresh_token = await self._renewals.use(renewal)
        token = self._tokens.issue(
            user_subject(session.user_id),
            self._clock(),
            scope=scope,
            epoch=session.epoch,
            session_id=session.id,
            not_after=renewal.ends_at,
        )
        actor, after = renewal.actor, {"jti": token.claims.jti, "expires_at": token.claims.expires_at}
        await self._audit.append(actor, SessionAction.REFRESH, "session", session.id, actor.label, after=after)
        return Grant(token, held if scope is None else scope & held, refresh_token)

    async def _client(self, request: TokenRequest, address: str | None) -> KnownKey | None:
        """The valid key that the client's secret is, or None; failures are audited, so many and no more."""
        prefix = prefix_of(request.client_secret)
        key = await self._subjects.key(prefix) if prefix is not None else None
        status = await self._subjects.client(key.client_id) if key is not None else None
        if (
            key is not None
            and status is not None
            and _is_client(request, key)
            and matches(request.client_secret, key.digest)
        ):
            if status.active and key.id in status.keys:
                return key
            actor, why = Actor(ActorKind.CLIENT, key.client_id, key.client_name), "revoked, expired or disabled"
        else:
            note_decoy(request.client_secret, self._decoys, self._events)
            actor, why = Actor(ActorKind.CLIENT, None, UNKNOWN), "wrong id or secret"
        keys = self._throttle.keys(Realm.CLIENTS, normalised_name(request.client_id), address)
        if await self._throttle.records_failure(keys):
            action, after = ClientAction.LOGIN, {"reason": why}
            await self._audit.append(actor, action, "client", actor.id, actor.label, after=after, outcome="failure")
        return None

    async def _grant_to_client(self, request: TokenRequest, key: KnownKey) -> Grant | GrantRefusal:
        status = await self._subjects.client(key.client_id)
        if status is None or key.id not in status.keys:  # ended since it was looked at
            return _WRONG_CLIENT
        held = status.permitted(key.id)
        scope = narrowed(request.scope, held)
        if scope is not None and not scope:
            return _NOT_HELD
        token = self._tokens.issue(client_subject(key.client_id), self._clock(), scope=scope, key_id=key.id)
        after = _noted(token, key.id)
        actor = Actor(ActorKind.CLIENT, key.client_id, key.client_name)
        await self._audit.append(actor, ClientAction.LOGIN, "client", actor.id, actor.label, after=after)
        return Grant(token, _names(held) if scope is None else scope)


def _is_client(request: TokenRequest, key: KnownKey) -> bool:
    return request.client_id in {str(key.client_id), key.client_name}


def _names(permissions: frozenset[Permission]) -> frozenset[str]:
    return frozenset(permission.value for permission in permissions)


def _noted(token: IssuedToken, key_id: UUID | None) -> dict[str, Any]:
    """The fields of a token for the audit log."""
    claims = token.claims
    scope = {} if claims.scope is None else {"scope": claims.scope}
    return {"jti": claims.jti, "expires_at": claims.expires_at, "key": key_id} | scope
