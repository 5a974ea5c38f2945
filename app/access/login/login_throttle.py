"""How many guesses are taken: decided under locks before a password is looked at, within the log-in's transaction.

A guess that may not be taken is none: the password is not verified, so the refusal tells nothing about it. Names that
nobody has count like all others. Locks are taken pair first, then name and address in one order, so that log-ins in
any number of processes wait for each other and never in a circle; a known place takes the pair's lock alone.
"""

from datetime import datetime
from typing import Any

from app.access.actions import AccessAction
from app.access.login.lockout import KNOWN_FOR, Bound, Held, full_until, horizon, locked_until
from app.access.login.login_keys import LoginKeyMaker, LoginKeys, Realm, network_of
from app.access.login.repository import LoginRecords
from app.access.subjects import user_subject
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import LockoutPolicy
from app.kernel.security.security_events import EventKind

UNKNOWN = "unknown"
"""Label of a name that nobody has: it may be a password typed into the wrong field, so it is not written down."""


class LoginThrottle:
    """Takes and counts guesses within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._records = LoginRecords(session)
        self._audit = AuditTrail(session, resources.secret)
        self._places = LoginKeyMaker(resources.secret)
        self._events = resources.events
        self._clock = resources.clock
        self._policy = resources.policy

    def place(self, realm: Realm, name: str, address: str | None) -> LoginKeys:
        """How a normalised name at an address is counted."""
        return self._places.of(realm, name, address)

    async def admit(self, place: LoginKeys) -> Held | None:
        """None when a guess may be taken; until the transaction ends no other one is taken there."""
        policy = self._policy.current().lockout
        await self._records.lock_pair(place)
        now = self._clock()
        known = await self._records.last_success(place, now - KNOWN_FOR)
        since = now - policy.window - policy.lock
        failures = await self._records.failures(place, since if known is None else max(since, known))
        until = locked_until(failures, now, policy)
        if until is not None:
            return Held(Bound.PAIR, until)
        if known is not None:
            return None
        await self._records.lock_widely(place)
        return await self._full(place, self._clock(), policy)

    async def _full(self, place: LoginKeys, now: datetime, policy: LockoutPolicy) -> Held | None:
        since = now - policy.wide_window
        bounds = {Bound.NAME: policy.failures_per_name, Bound.ADDRESS: policy.failures_per_address}
        for bound, most in bounds.items():
            last = await self._records.nth_failure(bound, place, most, since)
            until = full_until(last, now, policy)
            if until is not None:
                return Held(bound, until)
        return None

    async def refused(self, place: LoginKeys, held: Held, address: str | None) -> None:
        """Tell of an attempt that was held up: in the audit log once for each pair, name or address and window."""
        kind = EventKind.LOCK_OUT if held.bound is Bound.PAIR else EventKind.GUESS_LIMIT
        self._events.note(kind, address=address, detail={"bound": held.bound.value})
        if held.bound is Bound.PAIR:  # told when the lock arose
            return
        now, window = self._clock(), self._policy.current().lockout.wide_window
        if not await self._records.is_news(getattr(place, held.bound.value), now, now + window):
            return
        after: dict[str, Any] = {"bound": held.bound, "until": held.until}
        if held.bound is Bound.ADDRESS:
            after["network"] = network_of(address)
        nobody = Actor(ActorKind.USER, None, UNKNOWN)
        await self._audit.append(
            nobody, AccessAction.USER_LOCK_OUT, "user", None, UNKNOWN, after=after, outcome="failure"
        )

    async def failed(self, place: LoginKeys, who: Actor, address: str | None) -> None:
        """Count a guess that was wrong, and tell of the lock that it may have brought about."""
        policy = self._policy.current().lockout
        now = self._clock()
        await self._records.add_failure(place, now, now - horizon(policy))
        known = await self._records.last_success(place, now - KNOWN_FOR)
        since = now - policy.window - policy.lock
        failures = await self._records.failures(place, since if known is None else max(since, known))
        until = locked_until(failures, now, policy)
        if until is None:
            return
        subject = user_subject(who.id) if who.id is not None else None
        self._events.note(EventKind.LOCK_OUT, address=address, subject=subject, detail={"bound": Bound.PAIR.value})
        after = {"bound": Bound.PAIR, "until": until}
        await self._audit.append(
            who, AccessAction.USER_LOCK_OUT, "user", who.id, who.label, after=after, outcome="failure"
        )

    async def succeeded(self, place: LoginKeys) -> None:
        """Know the place from now on."""
        await self._records.add_success(place, self._clock())

    async def is_telling(self, place: LoginKeys) -> bool:
        """Whether the failed authentication of a client is to be written down; it is counted then.

        Its secrets have 256 bits, which nobody guesses: what has bounds here is what a flood can write.
        """
        policy = self._policy.current().lockout
        await self._records.lock_pair(place)
        await self._records.lock_widely(place)
        now = self._clock()
        bounds = {
            Bound.PAIR: policy.failures,
            Bound.NAME: policy.failures_per_name,
            Bound.ADDRESS: policy.failures_per_address,
        }
        for bound, most in bounds.items():
            if await self._records.nth_failure(bound, place, most, now - policy.wide_window) is not None:
                return False
        await self._records.add_failure(place, now, now - horizon(policy))
        return True
