"""Use cases of people, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
"""

from collections.abc import Iterable
from uuid import UUID

from app.access.actions import AccessAction
from app.access.login import passwords
from app.access.models import User
from app.access.naming import NameTaken, checked_name
from app.access.roles import Role, checked_roles
from app.access.users.repository import UserRepository
from app.audit.service import AuditTrail
from app.kernel.authorization import SYSTEM, Actor
from app.kernel.database import WriteSession
from app.kernel.ids import random_token
from app.kernel.resources import Resources

FIRST_ADMIN = "admin"
ONE_TIME_PASSWORD_BYTES = 18
"""144 bits, 24 characters: nothing to guess, short enough to copy by hand."""


class UserService:
    """Administers people within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._users = UserRepository(session)
        self._audit = AuditTrail(session, resources.secret)

    async def create(
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
        name, held = checked_name(username, "/username"), checked_roles(roles)
        values = {"username": name, "email": email, "display_name": display_name}
        user = await self._users.insert(values | {"password_hash": await passwords.hashed(password)})
        if user is None:
            raise NameTaken(f"There is a user {name} already.")
        await self._users.replace_roles(user.id, held)
        await self._audit.append(actor, AccessAction.USER_CREATE, "user", user.id, name, after=values | {"roles": held})
        return user

    async def set_roles(self, actor: Actor, user_id: UUID, roles: Iterable[str]) -> None:
        """Let the user hold exactly these roles. Raises `NotFound` and `UnknownRole`."""
        wanted = checked_roles(roles)
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

    async def disable(self, actor: Actor, user_id: UUID) -> None:
        """End every credential of the user. Raises `NotFound`."""
        await self._set_status(actor, AccessAction.USER_DISABLE, user_id, "disabled")

    async def enable(self, actor: Actor, user_id: UUID) -> None:
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
        """The name and password of a new admin; without a password a one-time one is made. Raises as `create`."""
        chosen = password if password is not None else random_token(ONE_TIME_PASSWORD_BYTES)
        user = await self.create(SYSTEM, username, chosen, [Role.ADMIN])
        return user.username, chosen
