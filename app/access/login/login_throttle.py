"""The limits of guesses: decided under locks before a password is looked at, within the log-in's transaction.

A guess that may not be taken is none: the password is not verified, so the refusal says nothing about it. Names that
nobody has count like all others. Locks are taken pair first, then name and address in one order, so that log-ins in
any number of processes wait for each other and never in a circle; a known place takes the pair's lock alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.access.login.lockout import KNOWN_FOR, Bound, Held, full_until, horizon, locked_until
from app.access.login.login_keys import LoginKeyMaker, LoginKeys, Realm, network_of
from app.access.login.repository import LoginWrites
from app.access.subjects import user_subject
from app.access.users.actions import UserAction
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import LockoutPolicy, PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import EventKind, SecurityEvents

UNKNOWN = "unknown"
"""Label of a name that nobody has: it may be a password typed into the wrong field, so it is not written down."""


class LoginThrottle:
    """Takes and counts guesses within one transaction."""

    def __init__(
        self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce, events: SecurityEvents
    ) -> None:
        self._records = LoginWrites(session)
        self._audit = AuditTrail(session, secret)
        self._maker = LoginKeyMaker(secret)
        self._clock, self._policy, self._events = clock, policy, events

    def keys(self, realm: Realm, name: str, address: str | None) -> LoginKeys:
        """The keys by which a normalised name at an address is counted."""
        return self._maker.of(realm, name, address)

    async def admit(self, keys: LoginKeys) -> Held | None:
        """None when a guess may be taken; until the transaction ends no other one is taken there."""
        policy = self._policy.current().lockout
        await self._records.lock_pair(keys)
        until, known = await self._pair(keys, policy)
        if until is not None:
            return Held(Bound.PAIR, until)
        if known:
            return None
        await self._records.lock_widely(keys)
        bounds = {Bound.NAME: policy.failures_per_name, Bound.ADDRESS: policy.failures_per_address}
        return await self._full(keys, bounds, policy)

    async def _pair(self, keys: LoginKeys, policy: LockoutPolicy) -> tuple[datetime | None, bool]:
        """The end of the pair's lock, if there is one, and whether the pair has logged in before."""
        now = self._clock()
        known = await self._records.last_success(keys, now - KNOWN_FOR)
        since = now - policy.window - policy.lock
        failures = await self._records.failures(keys, since if known is None else max(since, known))
        return locked_until(failures, now, policy), known is not None

    async def _full(self, keys: LoginKeys, bounds: Mapping[Bound, int], policy: LockoutPolicy) -> Held | None:
        """The first of the bounds that is reached, or None."""
        now = self._clock()
        for bound, most in bounds.items():
            last = await self._records.nth_failure(bound, keys, most, now - policy.wide_window)
            until = full_until(last, now, policy)
            if until is not None:
                return Held(bound, until)
        return None

    async def refused(self, keys: LoginKeys, held: Held, address: str | None) -> None:
        """Record an attempt that was held up: in the audit log once for each name or address and window."""
        kind = EventKind.LOCK_OUT if held.bound is Bound.PAIR else EventKind.GUESS_LIMIT
        self._events.note(kind, address=address, detail={"bound": held.bound.value})
        if held.bound is Bound.PAIR:  # recorded when the lock arose
            return
        now, window = self._clock(), self._policy.current().lockout.wide_window
        if not await self._records.is_news(getattr(keys, held.bound.value), now, now + window):
            return
        after: dict[str, Any] = {"bound": held.bound, "until": held.until}
        if held.bound is Bound.ADDRESS:
            after["network"] = network_of(address)
        nobody = Actor(ActorKind.USER, None, UNKNOWN)
        await self._audit.append(nobody, UserAction.LOCK_OUT, "user", None, UNKNOWN, after=after, outcome="failure")

    async def failed(self, keys: LoginKeys, who: Actor, address: str | None) -> None:
        """Count a guess that was wrong, and record the lock that it may have brought about."""
        policy, now = self._policy.current().lockout, self._clock()
        await self._records.add_failure(keys, now, now - horizon(policy))
        until, _ = await self._pair(keys, policy)
        if until is None:
            return
        subject = user_subject(who.id) if who.id is not None else None
        self._events.note(EventKind.LOCK_OUT, address=address, subject=subject, detail={"bound": Bound.PAIR.value})
        after = {"bound": Bound.PAIR, "until": until}
        await self._audit.append(who, UserAction.LOCK_OUT, "user", who.id, who.label, after=after, outcome="failure")

    async def succeeded(self, keys: LoginKeys) -> None:
        """Remember that the name has logged in from the address."""
        await self._records.add_success(keys, self._clock())

    async def records_failure(self, keys: LoginKeys) -> bool:
        """Whether the failed authentication of a client is to be written down; it is counted then.

        Its secrets have 256 bits, which nobody guesses: what has bounds here is what a flood can write.
        """
        policy = self._policy.current().lockout
        await self._records.lock_pair(keys)
        await self._records.lock_widely(keys)
        bounds = {
            Bound.PAIR: policy.failures,
            Bound.NAME: policy.failures_per_name,
            Bound.ADDRESS: policy.failures_per_address,
        }
        if await self._full(keys, bounds, policy) is not None:
            return False
        now = self._clock()
        await self._records.add_failure(keys, now, now - horizon(policy))
        return True
