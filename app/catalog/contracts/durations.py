"""How long a dedupe window is: `24h`, or an ISO 8601 duration such as `PT24H`. Pure.

Years and months are refused: they have no fixed length, and the window is laid on event times of any date. What the
window does: `app/warehouse/event_sessions.py`.
"""

import re
from datetime import timedelta
from fractions import Fraction

MAX_WINDOW = timedelta(days=3660)
"""Ten years: longer than data is kept for comparison, and far within PostgreSQL's timestamps."""

MAX_LENGTH = 32

_SHORT = re.compile(r"([0-9]{1,9})(s|m|h|d|w)")
_NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,6})?"
_ISO = re.compile(
    rf"P(?=[0-9T])(?:({_NUMBER})W|(?:({_NUMBER})D)?(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?)"
)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class InvalidDurationError(ValueError):
    """Not a duration of fixed length within bounds; the message says what is asked for."""


def parse_duration(text: str) -> timedelta:
    """The duration, in whole seconds.

    Raises:
        InvalidDurationError: another notation, not a whole number of seconds, zero, or longer than `MAX_WINDOW`.
    """
    seconds = _seconds(text) if len(text) <= MAX_LENGTH else None
    if seconds is None:
        raise InvalidDurationError("Write a duration like 24h or PT24H, in weeks, days, hours, minutes or seconds.")
    if seconds <= 0 or seconds.denominator != 1 or seconds > MAX_WINDOW.total_seconds():
        raise InvalidDurationError(
            f"The duration is a whole number of seconds, above 0 and up to {MAX_WINDOW.days} days."
        )
    return timedelta(seconds=int(seconds))


def _seconds(text: str) -> Fraction | None:
    short = _SHORT.fullmatch(text)
    if short:
        return Fraction(short.group(1)) * _SECONDS[short.group(2)]
    iso = _ISO.fullmatch(text)
    if iso is None:
        return None
    return sum(
        (
            Fraction(part.replace(",", ".")) * _SECONDS[unit]
            for part, unit in zip(iso.groups(), "wdhms", strict=True)
            if part
        ),
        start=Fraction(0),
    )
