"""The one source of the current time, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, with offset, in UTC."""
    return datetime.now(UTC)
