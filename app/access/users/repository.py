"""All SQL of people, the roles they hold, and what the roles allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from app.access.models import ClientRole, RolePermission, RoleRow, User, UserRole
from app.kernel.db.database import ReadSession
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest

FIRST_ADMIN_LOCK = 0x41646D696E
"""Advisory lock ("Admin"): of two first starts one makes the admin."""

ADMINS_LOCK = FIRST_ADMIN_LOCK + 1
"""Advisory lock: of two changes that take an admin away, the second sees what the first has left."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """A choice of people; everything that is given must hold."""

    text: str | None = None
    """Part of the username, the e-mail address or the name to show, in any case."""
    role: str | None = None
    status: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class RoleHolding:
    """A role, what it allows, and how many hold it."""

    name: str
    permissions: frozenset[str]
    users: int
    clients: int


class UserReads(Reading[User]):
    """Finds people."""

    model = User
    sorts = ("username", "status", "updated_at", "created_at")

    async def by_username(self, username: str) -> User | None:
        """The user of this name, or None."""
        return await self.maybe(self.base().where(User.username == username))

    async def by_identity(self, issuer: str, subject: str) -> User | None:
        """The user whom the identity provider calls so, or None."""
        known = self.base().where(User.provider_issuer == issuer, User.provider_subject == subject)
        return await self.maybe(known.where(User.auth_provider == "oidc"))

    async def present(self, user_id: UUID) -> User:
        """The user. Raises `NotFound`."""
        return await self.one(self.base().where(User.id == user_id))

    async def with_roles(self, user_id: UUID) -> User:
        """The user with the roles held. Raises `NotFound`."""
        return await self.one(self.base().where(User.id == user_id).options(selectinload(User.held)))

    async def matching(self, wanted: UserFilter, request: PageRequest) -> Page[User]:
        """The page of the people who match, with the roles held, newest first."""
        statement: Select[User] = self.base().options(selectinload(User.held))
        if wanted.text:
            columns = (User.username, User.email, User.display_name)
            statement = statement.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
        if wanted.role is not None:
            statement = statement.where(User.id.in_(select(UserRole.user_id).where(UserRole.role == wanted.role)))
        if wanted.status is not None:
            statement = statement.where(User.status == wanted.status)
        if wanted.provider is not None:
            statement = statement.where(User.auth_provider == wanted.provider)
        return await self.page(statement, request)


class UserWrites(Writing[User], UserReads):
    """Makes and changes people."""

    async def insert(self, values: Mapping[str, Any]) -> User | None:
        """The new user, who holds no role, or None when the name or the provider's identity is taken."""
        statement = insert(User).values(values).on_conflict_do_nothing().returning(User)
        user: User | None = (await self.session.execute(statement)).scalar_one_or_none()
        if user is not None:
            set_committed_value(user, "held", [])
        return user

    async def lock(self, user_id: UUID) -> User:
        """The user, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(_locking(user_id))

    async def lock_with_roles(self, user_id: UUID) -> User:
        """The user with the roles held, as `lock` returns the user alone."""
        return await self.one(_locking(user_id).options(selectinload(User.held)))

    async def note_login(self, user: User, at: datetime, password_hash: str | None = None) -> bool:
        """Note the log-in, and the password's hash when it was made afresh.

        False when the password was changed, or the user disabled, since they were read: the log-in is none then.
        """
        values = {"last_login_at": at} | ({} if password_hash is None else {"password_hash": password_hash})
        still = (User.id == user.id, User.credentials_epoch == user.credentials_epoch, User.status == "active")
        noted = await self.session.execute(update(User).where(*still).values(values).returning(User.id))
        return noted.scalar_one_or_none() is not None

    async def anyone(self) -> bool:
        """Whether there is a user at all."""
        return (await self.session.execute(select(select(User.id).exists()))).scalar_one()

    async def remove(self, user_id: UUID) -> None:
        """Delete the user, and what belongs to them alone."""
        await self.session.execute(delete(User).where(User.id == user_id))

    async def only_one_at_a_time(self) -> None:
        """Wait until no other transaction is making the first admin."""
        await self.session.execute(select(func.pg_advisory_xact_lock(FIRST_ADMIN_LOCK)))

    async def keep_the_admins(self) -> None:
        """Wait until no other transaction may be taking an admin away. To be called before the user is locked."""
        await self.session.execute(select(func.pg_advisory_xact_lock(ADMINS_LOCK)))

    async def another_active(self, role: str, but: UUID) -> bool:
        """Whether somebody else who is active holds the role."""
        held = select(UserRole.user_id).where(UserRole.role == role, UserRole.user_id != but)
        others = select(User.id).where(User.id.in_(held), User.status == "active")
        return (await self.session.execute(select(others.exists()))).scalar_one()


def _locking(user_id: UUID) -> Select[User]:
    statement = select(User).where(User.id == user_id).with_for_update()
    return statement.execution_options(populate_existing=True)  # also when the user was read before


class RoleReads:
    """Finds what the roles allow and how many hold them."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def holdings(self) -> Sequence[RoleHolding]:
        """Every role, by name."""
        permissions = select(func.array_agg(RolePermission.permission)).where(RolePermission.role == RoleRow.name)
        statement = select(
            RoleRow.name,
            permissions.scalar_subquery(),
            select(func.count()).where(UserRole.role == RoleRow.name).scalar_subquery(),
            select(func.count()).where(ClientRole.role == RoleRow.name).scalar_subquery(),
        ).order_by(RoleRow.name)
        rows = (await self._session.execute(statement)).all()
        return [RoleHolding(name, frozenset(allowed or ()), users, clients) for name, allowed, users, clients in rows]


SECRET_COLUMNS = frozenset({"password_hash"})


def people_without_secrets() -> Select[*tuple[Any, ...]]:
    """The statement of everybody, the oldest first, with their roles."""
    kept = [column for column in User.__table__.columns if column.name not in SECRET_COLUMNS]
    roles = select(func.string_agg(UserRole.role, aggregate_order_by(literal(" "), UserRole.role)))
    held = roles.where(UserRole.user_id == User.id).scalar_subquery().label("roles")
    return select(*kept, held).order_by(User.id)
