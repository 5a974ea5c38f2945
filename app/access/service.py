"""Use cases of identity: people, service clients and keys, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.access import passwords
from app.access.keys import fresh_key
from app.access.models import ApiClient, ApiKey, User
from app.access.repository import ClientReads, ClientRepository, RevokedTokens, UserRepository
from app.access.roles import Role, unknown_roles
from app.access.subjects import client_subject, user_subject
from app.audit.service import AuditTrail
from app.kernel.authorization import SYSTEM, Actor, ActorKind
from app.kernel.database import ReadSession, WriteSession
from app.kernel.ids import random_token
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.resources import Resources

NAME_PATTERN = r"^[a-z0-9][a-z0-9._@+-]{0,63}$"
_NAME = re.compile(NAME_PATTERN)
FIRST_ADMIN = "admin"
ONE_TIME_PASSWORD_BYTES = 18
"""144 bits, 24 characters: nothing to guess, short enough to copy by hand."""


class AccessAction(StrEnum):
    """What the audit log calls the changes made here."""

    USER_CREATE = "user:create"
    USER_ROLES = "user:set-roles"
    USER_DISABLE = "user:disable"
    USER_ENABLE = "user:enable"
    USER_PASSWORD = "user:set-password"  # noqa: S105 - the name of an action
    USER_LOGIN = "user:login"
    CLIENT_CREATE = "client:create"
    CLIENT_DISABLE = "client:disable"
    CLIENT_LOGIN = "client:login"
    KEY_ISSUE = "key:issue"
    KEY_REVOKE = "key:revoke"
    TOKEN_REVOKE = "token:revoke"  # noqa: S105 - the name of an action


class NameTaken(Conflict):
    """There is a user or client of this name already."""

    code, title = "name-taken", "The name is taken"


class InvalidName(InvalidRequest):
    """The name is not one that users and clients may have."""

    code, title = "invalid-name", "The name is not valid"

    def __init__(self, pointer: str) -> None:
        message = "Use 1 to 64 of a-z, 0-9, '.', '_', '@', '+' and '-', beginning with a letter or digit."
        super().__init__(message, faults=[Fault(pointer=pointer, code=self.code, message=message)])


class UnknownRole(InvalidRequest):
    """A role that does not exist."""

    code, title = "unknown-role", "There is no such role"

    def __init__(self, names: list[str]) -> None:
        message = f"The roles are {', '.join(Role)}."
        super().__init__(message, faults=[Fault(pointer="/roles", code=self.code, message=message) for _ in names])


class KeyRevoked(Conflict):
    """The key was revoked before."""

    code, title = "key-revoked", "The key is revoked already"


def normalised_name(name: str) -> str:
    """The form in which names are kept and compared: NFKC, case folded, without space around."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client with what belongs to it."""

    client: ApiClient
    roles: frozenset[str]
    keys: Sequence[ApiKey]


class ClientReading:
    """Answers questions about clients."""

    def __init__(self, session: ReadSession) -> None:
        self._clients = ClientReads(session)

    async def page(self, request: PageRequest) -> Page[ClientView]:
        """One page of the clients, newest first."""
        page = await self._clients.page(self._clients.base(), request)
        ids = [client.id for client in page.items]
        roles, keys = await self._clients.roles(ids), await self._clients.keys(ids)
        views = [ClientView(c, roles[c.id], [key for key in keys if key.client_id == c.id]) for c in page.items]
        return Page(items=views, next_cursor=page.next_cursor)


class AccessService:
    """Administers identities within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._users = UserRepository(session)
        self._clients = ClientRepository(session)
        self._revoked = RevokedTokens(session)
        self._session = session
        self._audit = AuditTrail(session, resources.secret)
        self._clock = resources.clock

    async def create_user(
        self,
        actor: Actor,
        username: str,
        password: str,
        roles: Iterable[str],
        *,
        email: str | None = None,
        display_name: str | None = None,
    ) -> User:
        """The new local user, who holds the roles.

        Raises:
            InvalidName: the name has characters that names may not have.
            UnsuitablePassword: the password is too short or too long.
            UnknownRole: one of the roles does not exist.
            NameTaken: there is such a user.
        """
        name, held = _checked_name(username, "/username"), _checked_roles(roles)
        values = {"username": name, "email": email, "display_name": display_name}
        user = await self._users.insert(values | {"password_hash": await passwords.hashed(password)})
        if user is None:
            raise NameTaken(f"There is a user {name} already.")
        await self._users.replace_roles(user.id, held)
        await self._audit.append(actor, AccessAction.USER_CREATE, "user", user.id, name, after=values | {"roles": held})
        return user

    async def set_roles(self, actor: Actor, user_id: UUID, roles: Iterable[str]) -> None:
        """Let the user hold exactly these roles. Raises `NotFound` and `UnknownRole`."""
        wanted = _checked_roles(roles)
        user = await self._users.lock(user_id)
        before = await self._users.roles(user_id)
        await self._users.replace_roles(user_id, wanted)
        await self._audit.append(
            actor,
            AccessAction.USER_ROLES,
            "user",
            user_id,
            user.username,
            before={"roles": before},
            after={"roles": wanted},
        )

    async def set_password(self, actor: Actor, user_id: UUID, password: str) -> None:
        """Replace the user's password. Raises `NotFound` and `UnsuitablePassword`."""
        encoded = await passwords.hashed(password)
        user = await self._users.lock(user_id)
        before, user.password_hash = user.password_hash, encoded
        await self._audit.append(
            actor,
            AccessAction.USER_PASSWORD,
            "user",
            user_id,
            user.username,
            before={"password": before},
            after={"password": encoded},
        )

    async def disable_user(self, actor: Actor, user_id: UUID) -> None:
        """End every credential of the user. Raises `NotFound`."""
        await self._set_status(actor, AccessAction.USER_DISABLE, user_id, "disabled")

    async def enable_user(self, actor: Actor, user_id: UUID) -> None:
        """Let a disabled user in again. Raises `NotFound`."""
        await self._set_status(actor, AccessAction.USER_ENABLE, user_id, "active")

    async def _set_status(self, actor: Actor, action: AccessAction, user_id: UUID, status: str) -> None:
        user = await self._users.lock(user_id)
        before, user.status = user.status, status
        was, now = {"status": before}, {"status": status}
        await self._audit.append(actor, action, "user", user_id, user.username, before=was, after=now)

    async def ensure_first_admin(self) -> tuple[str, str] | None:
        """The name and one-time password of the first admin, made now; None when there is a user already."""
        await self._users.only_one_at_a_time()
        if await self._users.anyone():
            return None
        return await self.create_admin(FIRST_ADMIN)

    async def create_admin(self, username: str, password: str | None = None) -> tuple[str, str]:
        """The name and password of a new admin; without a password a one-time one is made. Raises as `create_user`."""
        chosen = password if password is not None else random_token(ONE_TIME_PASSWORD_BYTES)
        user = await self.create_user(SYSTEM, username, chosen, [Role.ADMIN])
        return user.username, chosen

    async def create_client(self, actor: Actor, name: str, roles: Iterable[str], description: str = "") -> ApiClient:
        """The new service client, who holds the roles. Raises `InvalidName`, `UnknownRole` and `NameTaken`."""
        name, held = _checked_name(name, "/name"), _checked_roles(roles)
        client = await self._clients.insert(name, description)
        if client is None:
            raise NameTaken(f"There is a client {name} already.")
        await self._clients.replace_roles(client.id, held)
        after = {"name": name, "description": description, "roles": held}
        await self._audit.append(actor, AccessAction.CLIENT_CREATE, "client", client.id, name, after=after)
        return client

    async def find_client(self, name: str) -> ApiClient | None:
        """The service client of that name, or None."""
        return await self._clients.by_name(normalised_name(name))

    async def disable_client(self, actor: Actor, client_id: UUID) -> None:
        """End every credential of the client. Raises `NotFound`."""
        client = await self._clients.lock(client_id)
        before, client.status = client.status, "disabled"
        action, was, now = AccessAction.CLIENT_DISABLE, {"status": before}, {"status": client.status}
        await self._audit.append(actor, action, "client", client_id, client.name, before=was, after=now)

    async def issue_key(self, actor: Actor, client_id: UUID, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
        """A fresh key of the client and its text, which cannot be shown again.

        Raises:
            NotFound: there is no such client.
            InvalidRequest: the expiry is not in the future.
        """
        if expires_at is not None and expires_at <= self._clock():
            message = "The expiry is not in the future."
            raise InvalidRequest(message, faults=[Fault(pointer="/expires_at", code="past", message=message)])
        client = await self._clients.lock(client_id)
        key = None
        while key is None:  # a prefix that is taken is drawn again
            fresh = fresh_key()
            key = await self._clients.add_key(client_id, fresh.prefix, fresh.digest, expires_at)
        after = {"prefix": key.prefix, "client": client.name, "expires_at": expires_at}
        await self._audit.append(actor, AccessAction.KEY_ISSUE, "api_key", key.id, key.prefix, after=after)
        return key, fresh.text

    async def revoke_key(self, actor: Actor, client_id: UUID, key_id: UUID) -> None:
        """End a key, and every token that was issued for it. Raises `NotFound` and `KeyRevoked`."""
        key = await self._clients.lock_key(client_id, key_id)
        if key.revoked_at is not None:
            raise KeyRevoked(f"It was revoked at {key.revoked_at.isoformat()}.")
        key.revoked_at = self._clock()
        action, was, now = AccessAction.KEY_REVOKE, {"revoked_at": None}, {"revoked_at": key.revoked_at}
        await self._audit.append(actor, action, "api_key", key_id, key.prefix, before=was, after=now)

    async def revoke_token(
        self, actor: Actor, kind: ActorKind, owner_id: UUID, jti: UUID, expires_at: datetime
    ) -> None:
        """End one access token before its time.

        Args:
            actor: who ends it.
            kind: whether it is a user's or a client's.
            owner_id: the user's or client's id.
            jti: the token's id.
            expires_at: the end of the token itself.
        """
        subject = user_subject(owner_id) if kind is ActorKind.USER else client_subject(owner_id)
        await self._revoked.add(jti, subject, expires_at)
        await self._audit.append(
            actor, AccessAction.TOKEN_REVOKE, "access_token", jti, subject, before={"expires_at": expires_at}
        )


def _checked_name(name: str, pointer: str) -> str:
    normalised = normalised_name(name)
    if _NAME.match(normalised) is None:
        raise InvalidName(pointer)
    return normalised


def _checked_roles(roles: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(str(role) for role in roles)
    unknown = unknown_roles(wanted)
    if unknown:
        raise UnknownRole(unknown)
    return wanted
