"""When a message is tried again, and what an answer means for it. Pure.

The schedule is the one that Standard Webhooks recommends: now, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

SCHEDULE: Final = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
"""Pauses before each try."""
JITTER: Final = 0.2
"""A pause is lengthened by up to this share, so that what failed together is not tried together again."""
MAX_RETRY_AFTER: Final = timedelta(hours=10)
"""A receiver may ask for a longer pause than the schedule's, up to the schedule's longest."""
FAILING_FOR: Final = timedelta(days=5)
"""A channel on which nothing has succeeded for so long is switched off (Standard Webhooks: about five days)."""

Random = Callable[[float, float], float]
"""A number between two others, as `random.uniform`."""


class Result(StrEnum):
    """How an attempt ended."""

    SENT = "sent"
    FAILED = "failed"
    GONE = "gone"
    """The receiver wants nothing more: its channel is switched off."""
    HELD = "held"
    """Nothing was tried, as the channel is off."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What became of an attempt."""

    result: Result
    status_code: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None


def pause_after(tries: int, outcome: AttemptOutcome, random: Random) -> timedelta | None:
    """How long to wait after so many tries, of which the last one failed so; None when there is no next one."""
    if tries >= len(SCHEDULE):
        return None
    pause = SCHEDULE[tries] * random(1.0, 1.0 + JITTER)
    if outcome.retry_after is not None:
        pause = max(pause, min(outcome.retry_after, MAX_RETRY_AFTER))
    return pause


def judge(status: int, headers: Mapping[str, str], now: datetime) -> AttemptOutcome:
    """What an HTTP answer means. A redirect is a failure: a target is where its admin says, nowhere else."""
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15.3
        return AttemptOutcome(Result.SENT, status)
    if status == 410:  # noqa: PLR2004 - Gone
        return AttemptOutcome(Result.GONE, status, "The receiver answered 410 Gone: it wants no more messages.")
    redirected = "; redirects are not followed" if 300 <= status < 400 else ""  # noqa: PLR2004 - RFC 9110 section 15.4
    after = retry_after(headers.get("retry-after"), now) if status in {429, 503} else None
    return AttemptOutcome(Result.FAILED, status, f"The receiver answered {status}{redirected}.", after)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The pause that a `Retry-After` field asks for (RFC 9110 section 10.2.3); None when it says nothing sensible."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
