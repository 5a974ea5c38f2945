"""All SQL of people, the roles they hold, and what the roles allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

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
    """Which people; everything that is given must hold."""

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

    async def by_username(self, username: str) -> User | None:
        """The user of this name, or None."""
        return await self.maybe(select(User).where(User.username == username))

    async def matching(self, wanted: UserFilter, request: PageRequest) -> Page[User]:
        """One page of them, newest first."""
        statement: Select[User] = self.base()
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

    async def roles(self, user_id: UUID) -> frozenset[str]:
        """The roles that the user holds."""
        return frozenset(await self.all(select(UserRole.role).where(UserRole.user_id == user_id)))

    async def roles_of(self, user_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
        """The roles of each user."""
        statement = select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_(user_ids))
        held: dict[UUID, set[str]] = {id_: set() for id_ in user_ids}
        for user_id, role in (await self.session.execute(statement)).all():
            held[user_id].add(role)
        return {id_: frozenset(roles) for id_, roles in held.items()}


class UserRepository(Writing[User], UserReads):
    """Makes and changes people."""

    async def insert(self, values: dict[str, Any]) -> User | None:
        """The new user, or None when the name is taken."""
        statement = insert(User).values(values).on_conflict_do_nothing(index_elements=[User.username]).returning(User)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def present(self, user_id: UUID) -> User:
        """The user. Raises `NotFound`."""
        return await self.one(select(User).where(User.id == user_id))

    async def lock(self, user_id: UUID) -> User:
        """The user, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        statement = select(User).where(User.id == user_id).with_for_update()
        return await self.one(statement.execution_options(populate_existing=True))  # also when it was read before

    async def anyone(self) -> bool:
        """Whether there is a user at all."""
        return (await self.session.execute(select(select(User.id).exists()))).scalar_one()

    async def replace_roles(self, user_id: UUID, roles: frozenset[str]) -> None:
        """Let the user hold exactly these roles."""
        await self.session.execute(delete(UserRole).where(UserRole.user_id == user_id))
        if roles:
            await self.session.execute(insert(UserRole).values([{"user_id": user_id, "role": role} for role in roles]))

    async def remove(self, user_id: UUID) -> None:
        """The user is no more, nor what belongs to them alone."""
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


class RoleReads:
    """What the roles allow and who holds them."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def allowing(self, roles: frozenset[str]) -> dict[str, frozenset[str]]:
        """What each of the roles allows."""
        statement = select(RolePermission.role, RolePermission.permission).where(RolePermission.role.in_(roles))
        allowed: dict[str, set[str]] = {role: set() for role in roles}
        for role, permission in (await self._session.execute(statement)).all():
            allowed[role].add(permission)
        return {role: frozenset(permissions) for role, permissions in allowed.items()}

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
