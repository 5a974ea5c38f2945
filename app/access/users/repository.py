"""All SQL of people and the roles they hold."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.access.models import User, UserRole
from app.kernel.repository import Writing

FIRST_ADMIN_LOCK = 0x41646D696E
"""Advisory lock ("Admin"): of two first starts one makes the admin."""


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
