"""Proving by a password who one is: for log-ins, and for changes that ask for the password again.

A refusal is an answer, not an exception: its audit row, and the failure that counts towards a lock, are committed.
"""

import math
from dataclasses import dataclass

from app.access.actions import AccessAction
from app.access.login.lockout import Held
from app.access.login.login_keys import LoginKeys, Realm
from app.access.login.login_throttle import UNKNOWN, LoginThrottle
from app.access.login.repository import LoginRecords
from app.access.models import User
from app.access.naming import normalised_name
from app.access.passwords import passwords
from app.access.users.repository import UserRepository
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind

WRONG = "The username or the password is wrong."


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why it is not proved, in the same words whether the name exists or not."""

    description: str = WRONG
    retry_after_seconds: int | None = None
    """When no guess was taken: how long none will be."""


class PasswordProof:
    """Checks passwords within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._users = UserRepository(session)
        self._records = LoginRecords(session)
        self._guesses = LoginThrottle(session, resources)
        self._audit = AuditTrail(session, resources.secret)
        self._clock = resources.clock

    async def log_in(self, username: str, password: str, address: str | None) -> User | Unproved:
        """The active user of the name and password, whose log-in is noted."""
        name = normalised_name(username)
        place = self._guesses.place(Realm.PEOPLE, name, address)
        async with passwords.turn():
            held = await self._admitted(place, address)
            if held is not None:
                return held
            user = await self._users.by_username(name)
            right, fresh_hash = await passwords.verify(password, user.password_hash if user else None)
        if user is None or not right or user.status != "active":
            return await self._wrong(user, place, address, AccessAction.USER_LOGIN, right=right)
        if not await self._records.noted_login(user.id, user.credentials_epoch, self._clock(), fresh_hash):
            return Unproved()  # the password was changed, or the user disabled, meanwhile
        await self._guesses.succeeded(place)
        return user

    async def confirm(self, user: User, password: str, address: str | None, action: AccessAction) -> Unproved | None:
        """None when it is the password of the user, who is logged in already. To be called in a `passwords.turn`.

        The user's row must not be locked yet: guesses take their locks first.

        Args:
            user: as found in this transaction.
            password: as it was given.
            address: where the request comes from.
            action: what a failure is called in the audit log.
        """
        place = self._guesses.place(Realm.PEOPLE, user.username, address)
        held = await self._admitted(place, address)
        if held is not None:
            return held
        right, _ = await passwords.verify(password, user.password_hash)
        if not right:
            return await self._wrong(user, place, address, action, right=False)
        await self._guesses.succeeded(place)
        return None

    async def _admitted(self, place: LoginKeys, address: str | None) -> Unproved | None:
        held = await self._guesses.admit(place)
        if held is None:
            return None
        await self._guesses.refused(place, held, address)
        return self._held(held)

    async def _wrong(
        self, user: User | None, place: LoginKeys, address: str | None, action: AccessAction, *, right: bool
    ) -> Unproved:
        label = user.username if user else UNKNOWN
        why = "disabled" if user and right else "wrong password" if user else "unknown name"
        actor = Actor(ActorKind.USER, user.id if user else None, label)
        await self._audit.append(actor, action, "user", actor.id, label, after={"reason": why}, outcome="failure")
        await self._guesses.failed(place, actor, address)
        return Unproved()

    def _held(self, held: Held) -> Unproved:
        seconds = max(1, math.ceil((held.until - self._clock()).total_seconds()))
        return Unproved(f"Too many failed log-ins. Try again in {seconds} seconds.", seconds)
