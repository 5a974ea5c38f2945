"""When failed log-ins lock a name at an address: 3 within 2 minutes, for 5 minutes (access.md, section 1)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

FAILURES = 3
WINDOW = timedelta(minutes=2)
LOCK = timedelta(minutes=5)
HORIZON = WINDOW + LOCK
"""Older failures have no effect any more."""


def locked_until(failures: Sequence[datetime], now: datetime) -> datetime | None:
    """The end of the lock, or None when there is no lock now. Any order of failures."""
    ordered = sorted(failures)
    ends = [
        last + LOCK
        for first, last in zip(ordered, ordered[FAILURES - 1 :], strict=False)
        if last - first <= WINDOW and last + LOCK > now
    ]
    return max(ends, default=None)
