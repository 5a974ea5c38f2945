"""All SQL of access: people, clients, keys, what they may do now, and failed log-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.access.models import ApiClient, ApiKey, ClientRole, LoginAttempt, RevokedToken, RolePermission, User, UserRole
from app.access.standing import Standing, known_permissions
from app.access.subjects import client_subject, user_subject
from app.kernel.database import ReadSession, WriteSession
from app.kernel.repository import Reading, Writing

FIRST_ADMIN_LOCK = 0x41646D696E
"""Advisory lock ("Admin"): of two first starts one makes the admin."""

PURGE_AT_ONCE = 100
"""Old failures removed with each new one: more than come in, so the table stays small without a schedule."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is kept of a key, for comparing."""

    id: UUID
    client_id: UUID
    client_name: str
    digest: bytes
    expires_at: datetime | None


class DirectoryRepository:
    """Answers what a subject may do now."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def user(self, user_id: UUID) -> Standing | None:
        """The standing of a user, or None when there is no such one."""
        held = select(UserRole.role).where(UserRole.user_id == user_id)
        statement = select(
            User.username.label("label"),
            User.status,
            _gathered(UserRole.role, UserRole.user_id == user_id).label("roles"),
            _gathered(RolePermission.permission, RolePermission.role.in_(held)).label("permissions"),
            _revoked(user_subject(user_id)).label("revoked"),
        ).where(User.id == user_id)
        return _standing((await self._session.execute(statement)).one_or_none())

    async def client(self, client_id: UUID) -> Standing | None:
        """The standing of a client with its valid keys, or None when there is no such one."""
        held = select(ClientRole.role).where(ClientRole.client_id == client_id)
        statement = select(
            ApiClient.name.label("label"),
            ApiClient.status,
            _gathered(ClientRole.role, ClientRole.client_id == client_id).label("roles"),
            _gathered(RolePermission.permission, RolePermission.role.in_(held)).label("permissions"),
            _revoked(client_subject(client_id)).label("revoked"),
            _gathered(ApiKey.id, ApiKey.client_id == client_id, *_valid_key()).label("keys"),
        ).where(ApiClient.id == client_id)
        return _standing((await self._session.execute(statement)).one_or_none())

    async def key(self, prefix: str) -> KnownKey | None:
        """The key with this prefix, whether it is valid or not, or None."""
        statement = (
            select(ApiKey.id, ApiKey.client_id, ApiClient.name, ApiKey.digest, ApiKey.expires_at)
            .join(ApiClient, ApiClient.id == ApiKey.client_id)
            .where(ApiKey.prefix == prefix)
        )
        found = (await self._session.execute(statement)).one_or_none()
        return KnownKey(*found) if found else None


def _gathered(column: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.array_agg(column.distinct())).where(*conditions).scalar_subquery()


def _revoked(subject: str) -> ScalarSelect[Any]:
    return _gathered(RevokedToken.jti, RevokedToken.subject == subject, RevokedToken.expires_at > func.now())


def _valid_key() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())


def _standing(row: Any) -> Standing | None:
    if row is None:
        return None
    return Standing(
        label=row.label,
        active=row.status == "active",
        roles=frozenset(row.roles or ()),
        permissions=known_permissions(frozenset(row.permissions or ())),
        revoked=frozenset(row.revoked or ()),
        keys=frozenset(getattr(row, "keys", None) or ()) if "keys" in row._mapping else frozenset(),  # noqa: SLF001 - the public mapping of a Row
    )


class UserRepository(Writing[User]):
    """Makes, finds and changes people."""

    model = User

    async def insert(self, values: dict[str, Any]) -> User | None:
        """The new user, or None when the name is taken."""
        statement = insert(User).values(values).on_conflict_do_nothing(index_elements=[User.username]).returning(User)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def by_username(self, username: str) -> User | None:
        """The user of this name, or None."""
        return await self.maybe(select(User).where(User.username == username))

    async def lock(self, user_id: UUID) -> User:
        """The user, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(select(User).where(User.id == user_id).with_for_update())

    async def anyone(self) -> bool:
        """Whether there is a user at all."""
        return (await self.session.execute(select(select(User.id).exists()))).scalar_one()

    async def roles(self, user_id: UUID) -> frozenset[str]:
        """The roles that the user holds."""
        return frozenset(await self.all(select(UserRole.role).where(UserRole.user_id == user_id)))

    async def replace_roles(self, user_id: UUID, roles: frozenset[str]) -> None:
        """Let the user hold exactly these roles."""
        await self.session.execute(delete(UserRole).where(UserRole.user_id == user_id))
        if roles:
            await self.session.execute(insert(UserRole).values([{"user_id": user_id, "role": role} for role in roles]))

    async def only_one_at_a_time(self) -> None:
        """Wait until no other transaction is making the first admin."""
        await self.session.execute(select(func.pg_advisory_xact_lock(FIRST_ADMIN_LOCK)))


class ClientReads(Reading[ApiClient]):
    """Finds service clients and what belongs to them."""

    model = ApiClient

    async def roles(self, client_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
        """The roles of each client."""
        statement = select(ClientRole.client_id, ClientRole.role).where(ClientRole.client_id.in_(client_ids))
        held: dict[UUID, set[str]] = {id_: set() for id_ in client_ids}
        for client_id, role in (await self.session.execute(statement)).all():
            held[client_id].add(role)
        return {id_: frozenset(roles) for id_, roles in held.items()}

    async def keys(self, client_ids: Sequence[UUID]) -> Sequence[ApiKey]:
        """The clients' keys, revoked ones too, oldest first."""
        return await self.all(select(ApiKey).where(ApiKey.client_id.in_(client_ids)).order_by(ApiKey.id))


class ClientRepository(Writing[ApiClient], ClientReads):
    """Makes, finds and changes service clients and their keys."""

    async def by_name(self, name: str) -> ApiClient | None:
        """The client of that name, or None."""
        return await self.maybe(self.base().where(ApiClient.name == name))

    async def insert(self, name: str, description: str) -> ApiClient | None:
        """The new client, or None when the name is taken."""
        statement = (
            insert(ApiClient)
            .values(name=name, description=description)
            .on_conflict_do_nothing(index_elements=[ApiClient.name])
            .returning(ApiClient)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock(self, client_id: UUID) -> ApiClient:
        """The client, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(select(ApiClient).where(ApiClient.id == client_id).with_for_update())

    async def replace_roles(self, client_id: UUID, roles: frozenset[str]) -> None:
        """Let the client hold exactly these roles."""
        await self.session.execute(delete(ClientRole).where(ClientRole.client_id == client_id))
        if roles:
            rows = [{"client_id": client_id, "role": role} for role in roles]
            await self.session.execute(insert(ClientRole).values(rows))

    async def add_key(self, client_id: UUID, prefix: str, digest: bytes, expires_at: datetime | None) -> ApiKey | None:
        """The new key, or None when its prefix is taken."""
        statement = (
            insert(ApiKey)
            .values(client_id=client_id, prefix=prefix, digest=digest, expires_at=expires_at)
            .on_conflict_do_nothing(index_elements=[ApiKey.prefix])
            .returning(ApiKey)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_key(self, client_id: UUID, key_id: UUID) -> ApiKey:
        """The client's key, which nobody else changes before this transaction ends. Raises `NotFound`."""
        statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.client_id == client_id).with_for_update()
        return await self.one(statement)


class RevokedTokens:
    """Tokens that were ended before their time."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def add(self, jti: UUID, subject: str, expires_at: datetime) -> None:
        """End the token; once is enough. Rows of tokens that are over are removed on the way."""
        await self._session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))
        row = insert(RevokedToken).values(jti=jti, subject=subject, expires_at=expires_at)
        await self._session.execute(row.on_conflict_do_nothing(index_elements=[RevokedToken.jti]))


class LoginAttempts:
    """Failed log-ins by pair of name and address."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def one_at_a_time(self, pair: bytes) -> None:
        """Wait until no other log-in of the pair is under way, in any process; the lock ends with the transaction."""
        key = int.from_bytes(pair[:8], "big", signed=True)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def failures(self, pair: bytes, since: datetime) -> Sequence[datetime]:
        """When the pair failed."""
        statement = select(LoginAttempt.failed_at).where(LoginAttempt.pair == pair, LoginAttempt.failed_at >= since)
        return (await self._session.execute(statement)).scalars().all()

    async def add(self, pair: bytes, failed_at: datetime, forget_before: datetime) -> None:
        """Keep a failure, and forget some that have no effect any more."""
        old = (
            select(LoginAttempt.id)
            .where(LoginAttempt.failed_at < forget_before)
            .limit(PURGE_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(old)))
        await self._session.execute(insert(LoginAttempt).values(pair=pair, failed_at=failed_at))

    async def clear(self, pair: bytes) -> None:
        """Forget the pair's failures."""
        await self._session.execute(delete(LoginAttempt).where(LoginAttempt.pair == pair))

    async def noted_login(self, user_id: UUID, at: datetime, password_hash: str | None) -> None:
        """Note the log-in, and the password's hash when it was made afresh."""
        values: dict[str, Any] = {"last_login_at": at}
        if password_hash is not None:
            values["password_hash"] = password_hash
        await self._session.execute(update(User).where(User.id == user_id).values(values))
