"""When failed log-ins hold further ones up. Rules only, no I/O; the numbers are the policy's.

A name at an address (a pair) is locked after a few failures in a short time. Over all addresses a name, and over all
names an address, has a bound within a wide window; pairs that have logged in before do not ask for it, so that nobody
can lock a person out of their usual place (OWASP Authentication Cheat Sheet, device cookies).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.kernel.security.policy import LockoutPolicy

KNOWN_FOR = timedelta(days=30)
"""Time for which a name and an address stay known after the last log-in."""


class Bound(StrEnum):
    """The bound that holds an attempt up."""

    PAIR = "pair"
    NAME = "name"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Held:
    """A hold: no guess is taken before `until`."""

    bound: Bound
    until: datetime


def horizon(policy: LockoutPolicy) -> timedelta:
    """Older failures have no effect any more."""
    return max(policy.window + policy.lock, policy.wide_window)


def locked_until(failures: Sequence[datetime], now: datetime, policy: LockoutPolicy) -> datetime | None:
    """The end of a pair's lock, or None when there is no lock now. Any order of failures."""
    ordered = sorted(failures)
    ends = [
        last + policy.lock
        for first, last in zip(ordered, ordered[policy.failures - 1 :], strict=False)
        if last - first <= policy.window and last + policy.lock > now
    ]
    return max(ends, default=None)


def full_until(last_that_fits: datetime | None, now: datetime, policy: LockoutPolicy) -> datetime | None:
    """The end of the time in which a name or address has reached its bound, or None when it has not.

    Args:
        last_that_fits: the n-th failure counted from the newest one, n being the bound; None when there are fewer.
        now: the time of the attempt.
        policy: gives the window.
    """
    if last_that_fits is None or last_that_fits + policy.wide_window <= now:
        return None
    return last_that_fits + policy.wide_window
