"""The two grants of `POST /api/auth/token`: password for people, client_credentials for services.

A refusal is an answer, not an exception: its audit row, and the failure that counts towards a lock, are committed.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.access.actions import AccessAction
from app.access.decoys import note_decoy
from app.access.keys import matches, prefix_of
from app.access.login import passwords
from app.access.login.lockout import HORIZON, locked_until
from app.access.login.oauth import ErrorCode, GrantType, Refusal, TokenRequest, narrowed
from app.access.models import User
from app.access.naming import normalised_name
from app.access.repository import DirectoryRepository, KnownKey, LoginAttempts
from app.access.standing import Standing
from app.access.subjects import client_subject, user_subject
from app.access.tokens import AccessTokens, IssuedToken
from app.access.users.repository import UserRepository
from app.audit.service import AuditTrail
from app.kernel.authorization import Actor, ActorKind, Permission
from app.kernel.database import WriteSession
from app.kernel.resources import Resources

UNKNOWN = "unknown"
"""Label of a name that nobody has: it may be a password typed into the wrong field, so it is not written down."""

_WRONG_PASSWORD = Refusal(ErrorCode.INVALID_GRANT, "The username or the password is wrong.")
_WRONG_CLIENT = Refusal(ErrorCode.INVALID_CLIENT, "The client's id or secret is wrong.")
_NOT_HELD = Refusal(ErrorCode.INVALID_SCOPE, "None of the scopes is held.")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was issued."""

    token: IssuedToken
    lifetime_seconds: int
    scope: frozenset[str]
    """The permissions it gives now."""


class TokenGrants:
    """Answers token requests within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._directory = DirectoryRepository(session)
        self._users = UserRepository(session)
        self._attempts = LoginAttempts(session)
        self._audit = AuditTrail(session, resources.secret)
        self._tokens = AccessTokens.of(resources)
        self._pair_key = resources.secret.key("login-pairs:1")
        self._clock = resources.clock
        self._decoys, self._events = resources.decoy_keys, resources.events

    async def answer(self, request: TokenRequest | Refusal, address: str | None) -> Grant | Refusal:
        """The token, or the refusal; either way what is to be kept is in the transaction."""
        if isinstance(request, Refusal):
            return request
        if request.client_secret:
            key = await self._client(request)
            if key is None or request.grant_type is GrantType.CLIENT_CREDENTIALS:
                return _WRONG_CLIENT if key is None else await self._grant_to_client(request, key)
        async with passwords.turn():
            return await self._password(request, address or "")

    async def _password(self, request: TokenRequest, address: str) -> Grant | Refusal:
        name = normalised_name(request.username)
        pair = hmac.new(self._pair_key, f"{name}\x00{address}".encode(), hashlib.sha256).digest()
        await self._attempts.one_at_a_time(pair)
        now = self._clock()
        until = locked_until(await self._attempts.failures(pair, now - HORIZON), now)
        if until is not None:
            return _locked(until, now)
        user = await self._users.by_username(name)
        right, fresh_hash = await passwords.verify(request.password, user.password_hash if user else None)
        if user is None or not right or user.status != "active":
            return await self._refused_login(user, pair, now, right=right)
        if not await self._attempts.noted_login(user.id, user.credentials_epoch, now, fresh_hash):
            return _WRONG_PASSWORD  # changed or disabled while it was verified
        await self._attempts.clear(pair)
        actor = Actor(ActorKind.USER, user.id, user.username)
        standing = await self._directory.user(user.id)
        return await self._grant(
            actor, user_subject(user.id), standing, request.scope, now, epoch=user.credentials_epoch
        )

    async def _refused_login(self, user: User | None, pair: bytes, now: datetime, *, right: bool) -> Refusal:
        await self._attempts.add(pair, now, now - HORIZON)
        label = user.username if user else UNKNOWN
        why = "disabled" if user and right else "wrong password" if user else "unknown name"
        actor = Actor(ActorKind.USER, user.id if user else None, label)
        await self._audit.append(
            actor, AccessAction.USER_LOGIN, "user", actor.id, label, after={"reason": why}, outcome="failure"
        )
        return _WRONG_PASSWORD

    async def _client(self, request: TokenRequest) -> KnownKey | None:
        """The valid key that the client's secret is, or None, which is audited."""
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
        await self._audit.append(
            actor, AccessAction.CLIENT_LOGIN, "client", actor.id, actor.label, after={"reason": why}, outcome="failure"
        )
        return None

    async def _grant_to_client(self, request: TokenRequest, key: KnownKey) -> Grant | Refusal:
        actor = Actor(ActorKind.CLIENT, key.client_id, key.client_name)
        standing = await self._directory.client(key.client_id)
        if standing is None or key.id not in standing.keys:  # ended since it was looked at
            return _WRONG_CLIENT
        return await self._grant(
            actor, client_subject(key.client_id), standing, request.scope, self._clock(), key_id=key.id
        )

    async def _grant(
        self,
        actor: Actor,
        subject: str,
        standing: Standing | None,
        wanted: frozenset[str] | None,
        now: datetime,
        *,
        key_id: UUID | None = None,
        epoch: int = 0,
    ) -> Grant | Refusal:
        assert standing is not None
        held = standing.permitted(key_id)
        scope = narrowed(wanted, held)
        if scope is not None and not scope:
            return _NOT_HELD
        token = self._tokens.issue(subject, now, scope=scope, key_id=key_id, epoch=epoch)
        action, kind = (
            (AccessAction.USER_LOGIN, "user") if actor.kind is ActorKind.USER else (AccessAction.CLIENT_LOGIN, "client")
        )
        after: dict[str, Any] = {"jti": token.claims.jti, "expires_at": token.claims.expires_at, "key": key_id}
        if scope is not None:
            after["scope"] = scope
        await self._audit.append(actor, action, kind, actor.id, actor.label, after=after)
        lifetime = token.claims.expires_at - token.claims.issued_at
        return Grant(token, int(lifetime.total_seconds()), scope if scope is not None else _names(held))


def _is_client(request: TokenRequest, key: KnownKey) -> bool:
    return request.client_id in {str(key.client_id), key.client_name}


def _names(permissions: frozenset[Permission]) -> frozenset[str]:
    return frozenset(permission.value for permission in permissions)


def _locked(until: datetime, now: datetime) -> Refusal:
    seconds = math.ceil((until - now).total_seconds())
    return Refusal(ErrorCode.INVALID_GRANT, f"Too many failed log-ins. Try again in {seconds} seconds.", seconds)
