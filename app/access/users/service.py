"""Use cases of people, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
There is always an active admin: whoever would take the last one away is refused, also when two try at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access.actions import AccessAction
from app.access.faults import check_all
from app.access.models import User
from app.access.naming import NameTaken, checked_name
from app.access.passwords import passwords
from app.access.passwords.password_policy import check_suitable
from app.access.roles import Role, checked_roles
from app.access.users.changes import CHANGEABLE, DISABLED, step, takes_an_admin
from app.access.users.repository import RoleHolding, RoleReads, UserFilter, UserReads, UserRepository
from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.ids import random_token
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, NotFound
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor

FIRST_ADMIN = "admin"
ONE_TIME_PASSWORD_BYTES = 18
"""144 bits, 24 characters: nothing to guess, short enough to copy by hand."""


class LastAdmin(Conflict):
    """Without this person nobody could administer any more."""

    code, title = "last-admin", "The last active admin stays"

    def __init__(self) -> None:
        super().__init__("Give another active user the role ADMIN first.")


@dataclass(frozen=True, slots=True)
class UserView:
    """A person with the roles held."""

    user: User
    roles: frozenset[str]

    @property
    def tag(self) -> str:
        """The ETag: of what administrators change, not of the last log-in."""
        return etag(self.user.version)


class UserReading:
    """Answers questions about people."""

    def __init__(self, session: ReadSession) -> None:
        self._users = UserReads(session)
        self._roles = RoleReads(session)

    async def page(self, wanted: UserFilter, request: PageRequest) -> Page[UserView]:
        """One page of those who match, newest first."""
        page = await self._users.matching(wanted, request)
        roles = await self._users.roles_of([user.id for user in page.items])
        return Page([UserView(user, roles[user.id]) for user in page.items], page.next_cursor)

    async def get(self, user_id: UUID) -> UserView:
        """The person. Raises `NotFound`."""
        user = await self._users.by_id(user_id)
        if user is None:
            raise NotFound
        return UserView(user, await self._users.roles(user_id))

    async def roles(self) -> Sequence[RoleHolding]:
        """Every role, what it allows and how many hold it."""
        return await self._roles.holdings()


class UserService:
    """Administers people within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._users = UserRepository(session)
        self._audit = AuditTrail(session, resources.secret)
        self._clock = resources.clock
        self._policy = resources.policy

    async def create(
        self,
        actor: Actor,
        username: str,
        password: str,
        roles: Iterable[str],
        *,
        email: str | None = None,
        display_name: str | None = None,
        one_time: bool = False,
    ) -> User:
        """The new local user, who holds the roles; a one-time password must be changed before anything else.

        Raises:
            InvalidName: the name has characters that names may not have.
            UnsuitablePassword: the password is too short, too long or guessed first.
            UnknownRole: one of the roles does not exist.
            InvalidRequest: several of these.
            NameTaken: there is such a user.
        """
        wanted, rules = list(roles), self._policy.current().passwords
        check_all(
            lambda: checked_name(username, "/username"),
            lambda: check_suitable(password, rules, (username, email, display_name)),
            lambda: checked_roles(wanted),
        )
        name, held = checked_name(username, "/username"), checked_roles(wanted)
        shown = {"username": name, "email": email, "display_name": display_name}
        hidden = {"password_hash": await passwords.hashed(password), "must_change_password": one_time}
        user = await self._users.insert(shown | hidden)
        if user is None:
            raise NameTaken(f"There is a user {name} already.")
        await self._users.replace_roles(user.id, held)
        after = shown | {"roles": held, "one_time": one_time}
        await self._audit.append(actor, AccessAction.USER_CREATE, "user", user.id, name, after=after)
        return user

    async def admit(
        self,
        actor: Actor,
        username: str,
        password: str | None,
        roles: Iterable[str],
        *,
        email: str | None = None,
        display_name: str | None = None,
    ) -> tuple[UserView, str | None]:
        """As `create`; without a password a one-time one is made, and answered this once."""
        held = frozenset(roles)
        drawn = None if password is not None else one_time_password()
        user = await self.create(
            actor, username, password or drawn or "", held, email=email, display_name=display_name,
            one_time=drawn is not None,
        )  # fmt: skip
        return UserView(user, held), drawn

    async def change(
        self, actor: Actor, user_id: UUID, wanted: Mapping[str, Any], if_match: str | None = None
    ) -> UserView:
        """The person with the wanted fields of `CHANGEABLE`; disabling ends everything that was issued to them.

        Raises:
            NotFound: there is no such user.
            PreconditionFailed: the user has changed since.
            LastAdmin: nobody else could administer.
        """
        assert wanted.keys() <= CHANGEABLE
        user, roles = await self._locked(user_id, if_match, may_take=wanted.get("status") == DISABLED)
        todo = step({name: getattr(user, name) for name in CHANGEABLE}, wanted)
        if todo.changes_nothing:
            return UserView(user, roles)
        await self._keep_an_admin(user, roles, todo.after.get("status", user.status), roles)
        for name, value in todo.after.items():
            setattr(user, name, value)
        self._touch(user, ends_credentials=todo.ends_credentials)
        await self._audit.append(
            actor, todo.action, "user", user_id, user.username, before=todo.before, after=todo.after
        )
        return UserView(user, roles)

    async def set_roles(
        self, actor: Actor, user_id: UUID, roles: Iterable[str], if_match: str | None = None
    ) -> UserView:
        """Let the user hold exactly these roles. Raises `UnknownRole`, and as `change`."""
        wanted = checked_roles(roles)
        user, before = await self._locked(user_id, if_match, may_take=Role.ADMIN not in wanted)
        if wanted == before:
            return UserView(user, before)
        await self._keep_an_admin(user, before, user.status, wanted)
        await self._users.replace_roles(user_id, wanted)
        self._touch(user)
        was, now = {"roles": before}, {"roles": wanted}
        await self._audit.append(actor, AccessAction.USER_ROLES, "user", user_id, user.username, before=was, after=now)
        return UserView(user, wanted)

    async def delete(self, actor: Actor, user_id: UUID, if_match: str | None = None) -> None:
        """The person is no more; what they did keeps their name. Raises as `change`."""
        user, roles = await self._locked(user_id, if_match, may_take=True)
        await self._keep_an_admin(user, roles, None, frozenset())
        shown = {name: getattr(user, name) for name in ("username", *sorted(CHANGEABLE))} | {"roles": roles}
        await self._users.remove(user_id)
        await self._audit.append(actor, AccessAction.USER_DELETE, "user", user_id, user.username, before=shown)

    async def disable(self, actor: Actor, user_id: UUID) -> None:
        """End every credential of the user. Raises as `change`."""
        await self.change(actor, user_id, {"status": DISABLED})

    async def enable(self, actor: Actor, user_id: UUID) -> None:
        """Let a disabled user log in again. Raises `NotFound`."""
        await self.change(actor, user_id, {"status": "active"})

    async def ensure_first_admin(self) -> tuple[str, str] | None:
        """The name and first password of the first admin, made now; None when there is a user already."""
        await self._users.only_one_at_a_time()
        if await self._users.anyone():
            return None
        return await self.create_admin(FIRST_ADMIN)

    async def create_admin(self, username: str, password: str | None = None) -> tuple[str, str]:
        """The name and password of a new admin; without a password one is made. Raises as `create`."""
        chosen = password if password is not None else one_time_password()
        user = await self.create(SYSTEM, username, chosen, [Role.ADMIN])
        return user.username, chosen

    async def _locked(self, user_id: UUID, if_match: str | None, *, may_take: bool) -> tuple[User, frozenset[str]]:
        if may_take:
            await self._users.keep_the_admins()
        user = await self._users.lock(user_id)
        check_if_match(if_match, etag(user.version))
        return user, await self._users.roles(user_id)

    async def _keep_an_admin(
        self, user: User, roles: frozenset[str], new_status: str | None, new_roles: frozenset[str]
    ) -> None:
        takes = takes_an_admin(user.status, roles, new_status, new_roles)
        if takes and not await self._users.another_active(Role.ADMIN, user.id):
            raise LastAdmin

    def _touch(self, user: User, *, ends_credentials: bool = False) -> None:
        user.version += 1
        user.updated_at = self._clock()
        if ends_credentials:
            user.credentials_epoch += 1


def one_time_password() -> str:
    """A password that nobody has seen."""
    return random_token(ONE_TIME_PASSWORD_BYTES)
