"""Proving by a password who one is: for log-ins, and for changes that ask for the password again.

A refusal is an answer, not an exception: its audit row, and the failure that counts towards a lock, are committed.
"""

import math
from dataclasses import dataclass

from app.access.login.lockout import Held
from app.access.login.login_keys import LoginKeys, Realm
from app.access.login.login_throttle import UNKNOWN, LoginThrottle
from app.access.models import User
from app.access.naming import normalised_name
from app.access.passwords import passwords
from app.access.users.actions import UserAction
from app.access.users.service import UserService
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents

WRONG = "The username or the password is wrong."


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why it is not proved, in the same words whether the name exists or not."""

    description: str = WRONG
    retry_after_seconds: int | None = None
    """When no guess was taken: how long none will be."""


class PasswordProof:
    """Checks passwords within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, events: SecurityEvents
    ) -> None:
        self._users = UserService(session, secret, clock, policy)
        self._throttle = LoginThrottle(session, secret, clock, policy, events)
        self._audit = AuditTrail(session, secret)
        self._clock = clock

    async def log_in(self, username: str, password: str, address: str | None) -> User | Unproved:
        """The active user of the name and password, whose log-in is noted."""
        name = normalised_name(username)
        keys = self._throttle.keys(Realm.PEOPLE, name, address)
        async with passwords.turn():
            held = await self._admitted(keys, address)
            if held is not None:
                return held
            user = await self._users.by_username(name)
            right, fresh_hash = await passwords.verify(password, user.password_hash if user else None)
        if user is None or not right or user.status != "active":
            return await self._wrong(user, keys, address, UserAction.LOGIN, right=right)
        if not await self._users.note_login(user, fresh_hash):
            return Unproved()  # the password was changed, or the user disabled, meanwhile
        await self._throttle.succeeded(keys)
        return user

    async def confirm(self, user: User, password: str, address: str | None, action: UserAction) -> Unproved | None:
        """None when it is the password of the user, who is logged in already. To be called in a `passwords.turn`.

        The user's row must not be locked yet: guesses take their locks first.

        Args:
            user: as found in this transaction.
            password: as it was given.
            address: where the request comes from.
            action: what a failure is called in the audit log.
        """
        keys = self._throttle.keys(Realm.PEOPLE, user.username, address)
        held = await self._admitted(keys, address)
        if held is not None:
            return held
        right, _ = await passwords.verify(password, user.password_hash)
        if not right:
            return await self._wrong(user, keys, address, action, right=False)
        await self._throttle.succeeded(keys)
        return None

    async def _admitted(self, keys: LoginKeys, address: str | None) -> Unproved | None:
        held = await self._throttle.admit(keys)
        if held is None:
            return None
        await self._throttle.refused(keys, held, address)
        return self._held(held)

    async def _wrong(
        self, user: User | None, keys: LoginKeys, address: str | None, action: UserAction, *, right: bool
    ) -> Unproved:
        label = user.username if user else UNKNOWN
        why = "disabled" if user and right else "wrong password" if user else "unknown name"
        actor = Actor(ActorKind.USER, user.id if user else None, label)
        await self._audit.append(actor, action, "user", actor.id, label, after={"reason": why}, outcome="failure")
        await self._throttle.failed(keys, actor, address)
        return Unproved()

    def _held(self, held: Held) -> Unproved:
        seconds = max(1, math.ceil((held.until - self._clock()).total_seconds()))
        return Unproved(f"Too many failed log-ins. Try again in {seconds} seconds.", seconds)
