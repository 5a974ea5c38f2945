"""Changing passwords: an admin for others, a person for themself with the current one.

A wrong current password counts like a failed log-in. It is an answer, not an exception: its audit row, and the failure
that counts towards the lock, are committed. Every change ends what was issued with the password before.
"""

from dataclasses import dataclass
from uuid import UUID

from app.access.faults import check_all, faulty
from app.access.login.proof import PasswordProof
from app.access.models import User
from app.access.passwords import passwords
from app.access.sessions.service import SessionService
from app.access.users.actions import UserAction
from app.access.users.changes import LOCAL
from app.access.users.service import UserService
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict, Fault, Forbidden, InvalidRequest, Problem
from app.kernel.security.authorization import Actor, ActorKind, Permission
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents


class WrongPassword(Forbidden):
    """The current password is not the one that was given."""

    code, title = "wrong-password", "The current password is wrong"


class TooManyFailures(Problem):
    """The name is locked at this address."""

    code, title, status = "too-many-failures", "Too many wrong passwords", 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {seconds} seconds.", headers={"Retry-After": str(seconds)})


class NoLocalPassword(Conflict):
    """The person logs in at another provider."""

    code, title = "no-local-password", "The person has no password here"


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """A password that was replaced."""

    user: User
    one_time: str | None
    """The one-time password, when one was made: a secret, shown this once."""


class PasswordChange:
    """Replaces passwords within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, events: SecurityEvents
    ) -> None:
        self._users = UserService(session, secret, clock, policy)
        self._proof = PasswordProof(session, secret, clock, policy, events)
        self._sessions = SessionService(session, secret, clock, policy)

    async def change(
        self,
        actor: Actor,
        user_id: UUID,
        password: str | None,
        current: str | None,
        address: str | None,
        *,
        session_id: UUID | None = None,
    ) -> PasswordChanged | Problem:
        """The new password is in force, or why not.

        Args:
            actor: the person, or an admin.
            user_id: whose password.
            password: the new one; None for a one-time password, which an admin may ask for.
            current: the one in force, which a person must know to change their own.
            address: where the request comes from.
            session_id: the browser session in which a person changes their own; it alone goes on.

        Raises:
            Forbidden: it is somebody else's, and the actor is no admin.
            NotFound: there is no such user.
            NoLocalPassword: the person logs in elsewhere.
            InvalidRequest: the new password is not suitable, or something is missing.
        """
        own = actor.kind is ActorKind.USER and actor.id == user_id
        if not own and not actor.may(Permission.USERS_ADMIN):
            needed = Permission.USERS_ADMIN.value
            raise Forbidden(f"This needs the permission {needed}.", missing=[needed])
        async with passwords.turn():  # before the first statement takes a connection
            user = await self._users.present(user_id)
            if user.auth_provider != LOCAL:
                raise NoLocalPassword(f"The person logs in with {user.auth_provider}.")
            check_all(
                lambda: self._check_complete(password, current, own=own),
                lambda: self._check_new(user, password, current),
            )
            # Proved before the row is locked: log-ins too take the locks of guesses first.
            epoch, refusal = user.credentials_epoch, await self._proved(user, current or "", address) if own else None
            locked = await self._users.lock(user_id)
            if refusal is None and own and locked.credentials_epoch != epoch:
                return WrongPassword()  # changed meanwhile
            if refusal is not None:
                return refusal
            drawn = await self._users.replace_password(actor, locked, password)
            if own and session_id is not None:
                await self._sessions.carry_on(session_id, locked)
            return PasswordChanged(locked, drawn)

    @staticmethod
    def _check_complete(password: str | None, current: str | None, *, own: bool) -> None:
        given = {"/current_password": current, "/password": password}
        message = "To change one's own password, the current and the new one are needed."
        faults = [Fault(pointer=at, code="missing", message=message) for at, text in given.items() if text is None]
        if own and faults:
            raise InvalidRequest(faults=faults)

    def _check_new(self, user: User, password: str | None, current: str | None) -> None:
        if password is None:
            return
        if password == current:
            raise faulty("/password", "unchanged", "The new password is the current one.")
        self._users.check_password(password, (user.username, user.email, user.display_name))

    async def _proved(self, user: User, current: str, address: str | None) -> Problem | None:
        """None when the current password is right; else the refusal, counted and audited."""
        unproved = await self._proof.confirm(user, current, address, UserAction.PASSWORD)
        if unproved is None:
            return None
        seconds = unproved.retry_after_seconds
        return WrongPassword() if seconds is None else TooManyFailures(seconds)
