"""Use cases of people, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
There is always an active admin: whoever would take the last one away is refused, also when two try at once.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from app.access.faults import check_all
from app.access.models import User
from app.access.naming import NameTaken, checked_name
from app.access.passwords import passwords
from app.access.passwords.password_policy import check_suitable
from app.access.roles import Role, checked_roles
from app.access.users.actions import UserAction
from app.access.users.changes import ACTIVE, CHANGEABLE, DISABLED, action_of, takes_an_admin
from app.access.users.repository import UserWrites
from app.audit.log.diffs import changed_fields
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.ids import random_token
from app.kernel.problems import Conflict
from app.kernel.security.authorization import SYSTEM, Actor
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret

FIRST_ADMIN = "admin"
ONE_TIME_PASSWORD_BYTES = 18
"""144 bits, 24 characters: nothing to guess, short enough to copy by hand."""


class LastAdmin(Conflict):
    """Without this person nobody could administer any more."""

    code, title = "last-admin", "The last active admin stays"

    def __init__(self) -> None:
        super().__init__("Give another active user the role ADMIN first.")


class UserService:
    """Finds and administers people within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce) -> None:
        self._users = UserWrites(session)
        self._audit = AuditTrail(session, secret)
        self._clock = clock
        self._policy = policy

    async def by_username(self, username: str) -> User | None:
        """The user of this name, or None."""
        return await self._users.by_username(username)

    async def by_identity(self, issuer: str, subject: str) -> User | None:
        """The user whom the identity provider calls so, or None."""
        return await self._users.by_identity(issuer, subject)

    async def present(self, user_id: UUID) -> User:
        """The user. Raises `NotFound`."""
        return await self._users.present(user_id)

    async def lock(self, user_id: UUID) -> User:
        """The user, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self._users.lock(user_id)

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
        wanted = list(roles)
        check_all(
            lambda: checked_name(username, "/username"),
            lambda: self.check_password(password, (username, email, display_name)),
            lambda: checked_roles(wanted),
        )
        name, held = checked_name(username, "/username"), checked_roles(wanted)
        shown = {"username": name, "email": email, "display_name": display_name}
        hidden = {"password_hash": await passwords.hashed(password), "must_change_password": one_time}
        user = await self._insert(actor, shown, hidden, held, one_time=one_time)
        if user is None:
            raise NameTaken(f"There is a user {name} already.")
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
    ) -> tuple[User, str | None]:
        """The new user as `create` makes them, and the one-time password that was drawn when none was given."""
        drawn = None if password is not None else one_time_password()
        names = {"email": email, "display_name": display_name}
        chosen = password or drawn or ""
        return await self.create(actor, username, chosen, roles, one_time=drawn is not None, **names), drawn

    async def admit_from_provider(self, values: Mapping[str, Any], roles: frozenset[str]) -> User | None:
        """The new user as the identity provider describes them; None when the name or the identity is taken."""
        return await self._insert(SYSTEM, values, {}, roles)

    async def _insert(
        self, actor: Actor, shown: Mapping[str, Any], hidden: Mapping[str, Any], roles: frozenset[str], **noted: object
    ) -> User | None:
        user = await self._users.insert({**shown, **hidden})
        if user is None:
            return None
        user.roles = roles
        after = {**shown, "roles": roles, **noted}
        await self._audit.append(actor, UserAction.CREATE, "user", user.id, user.username, after=after)
        return user

    async def note_login(self, user: User, fresh_hash: str | None = None) -> bool:
        """Whether the log-in counts and is noted: the user is active and the password the one that was read."""
        return await self._users.note_login(user, self._clock(), fresh_hash)

    async def change(
        self, actor: Actor, user_id: UUID, wanted: Mapping[str, Any], if_match: str | None = None
    ) -> Tagged[User]:
        """The person with the wanted fields of `CHANGEABLE`; disabling ends everything that was issued to them.

        Raises:
            NotFound: there is no such user.
            PreconditionFailed: the user has changed since.
            LastAdmin: nobody else could administer.
        """
        assert wanted.keys() <= CHANGEABLE
        user = await self._locked(user_id, if_match, may_take=wanted.get("status") == DISABLED)
        after = changed_fields({name: getattr(user, name) for name in CHANGEABLE}, wanted)
        if after:
            await self._keep_an_admin(user, after.get("status", user.status), user.roles)
            before = {name: getattr(user, name) for name in after}
            for name, value in after.items():
                setattr(user, name, value)
            self._touch(user, ends_credentials=after.get("status") == DISABLED)
            await self._audit.append(
                actor, action_of(after), "user", user_id, user.username, before=before, after=after
            )
        return Tagged(user, etag(user.version))

    async def set_roles(
        self, actor: Actor, user_id: UUID, roles: Iterable[str], if_match: str | None = None
    ) -> Tagged[User]:
        """The person, who holds exactly these roles now. Raises `UnknownRole`, and as `change`."""
        wanted = checked_roles(roles)
        user = await self._locked(user_id, if_match, may_take=Role.ADMIN not in wanted)
        if wanted != user.roles:
            await self._keep_an_admin(user, user.status, wanted)
            was, now = {"roles": user.roles}, {"roles": wanted}
            user.roles = wanted
            self._touch(user)
            await self._audit.append(actor, UserAction.ROLES, "user", user_id, user.username, before=was, after=now)
        return Tagged(user, etag(user.version))

    def check_password(self, password: str, names: Iterable[str | None]) -> None:
        """Return when a person of these names may have the password. Raises `UnsuitablePassword`."""
        check_suitable(password, self._policy.current().passwords, names)

    async def replace_password(self, actor: Actor, user: User, password: str | None) -> str | None:
        """The one-time password, drawn when no password is given; None else. What was issued before is over.

        Args:
            actor: who replaces it.
            user: whose, locked.
            password: the new one, found suitable.
        """
        drawn = None if password is not None else one_time_password()
        before = {"password": user.password_hash, "one_time": user.must_change_password}
        user.password_hash = await passwords.hashed(password or drawn or "")
        user.must_change_password = drawn is not None
        self._touch(user, ends_credentials=True)
        after = {"password": user.password_hash, "one_time": user.must_change_password}
        await self._audit.append(actor, UserAction.PASSWORD, "user", user.id, user.username, before=before, after=after)
        return drawn

    async def delete(self, actor: Actor, user_id: UUID, if_match: str | None = None) -> None:
        """Remove the person; what they did keeps their name. Raises as `change`."""
        user = await self._locked(user_id, if_match, may_take=True)
        await self._keep_an_admin(user, None, frozenset())
        shown = {name: getattr(user, name) for name in ("username", "roles", *sorted(CHANGEABLE))}
        await self._users.remove(user_id)
        await self._audit.append(actor, UserAction.DELETE, "user", user_id, shown["username"], before=shown)

    async def disable(self, actor: Actor, user_id: UUID) -> None:
        """End every credential of the user. Raises as `change`."""
        await self.change(actor, user_id, {"status": DISABLED})

    async def enable(self, actor: Actor, user_id: UUID) -> None:
        """Let a disabled user log in again. Raises `NotFound`."""
        await self.change(actor, user_id, {"status": ACTIVE})

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

    async def _locked(self, user_id: UUID, if_match: str | None, *, may_take: bool) -> User:
        if may_take:
            await self._users.keep_the_admins()
        user = await self._users.lock_with_roles(user_id)
        check_if_match(if_match, etag(user.version))
        return user

    async def _keep_an_admin(self, user: User, new_status: str | None, new_roles: frozenset[str]) -> None:
        takes = takes_an_admin(user.status, user.roles, new_status, new_roles)
        if takes and not await self._users.another_active(Role.ADMIN, user.id):
            raise LastAdmin

    def _touch(self, user: User, *, ends_credentials: bool = False) -> None:
        user.version += 1
        user.updated_at = self._clock()
        if ends_credentials:
            user.credentials_epoch += 1


def one_time_password() -> str:
    """A fresh password to be changed at the first log-in."""
    return random_token(ONE_TIME_PASSWORD_BYTES)
