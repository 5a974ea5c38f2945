"""Dates, times and instants from text and from numbers: as PostgreSQL would store them, or refused.

One rule for all formats. PostgreSQL keeps microseconds; what is finer is rounded as its own reader of text does it: to
the nearest, halves to the even one (`rint` in datetime.c, of a double). `tests/ingestion/rows/test_temporal.py`
holds this against the server. Years are 1 to 9999 and a day ends before 24:00, which is what all formats can write.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

SECOND = 1_000_000
"""Microseconds."""
DAY = 86_400 * SECOND

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are counted from it, with and without a zone
EPOCH_DAY = EPOCH.toordinal()

FIRST_DAY, LAST_DAY = date.min.toordinal() - EPOCH_DAY, date.max.toordinal() - EPOCH_DAY
"""0001-01-01 and 9999-12-31, in days since 1970-01-01."""

FIRST_INSTANT, LAST_INSTANT = FIRST_DAY * DAY, (LAST_DAY + 1) * DAY - 1
"""The first and the last of these years in microseconds since 1970."""

ODDLY_ROUNDED = r"\.[0-9]{6}(?:50*+(?![0-9])|5000000|4999999)|23:59:59\.999999[5-9]"
"""Times in a text that msgspec rounds otherwise: it takes halves up, and the end of a day for its beginning."""

MAYBE_ODD = r"\.[0-9]{6}[4-9]"
"""Is found in every text with such a time, at a tenth of the cost."""

_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
"""After so many days the Gregorian calendar repeats."""

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,1000}))?"
    r"(?:([Zz])|([+-])(\d\d)(?::?([0-5]\d)(?::?([0-5]\d))?)?)?",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,1000}))?", re.ASCII)
_LATER_YEAR = re.compile(r"\d{5,}-\d\d-\d\d", re.ASCII)


class NotStorableError(ValueError):
    """It is a date or a time, and none that can be stored here: too early, too late, or the end of a day."""


def rounded_fraction(digits: str) -> int:
    """Microseconds of the digits behind a second's point: from 0 to 1,000,000, rounded as PostgreSQL does."""
    if len(digits) <= 6:  # noqa: PLR2004 - digits of a microsecond
        return int(digits.ljust(6, "0"))
    return round(float(f"0.{digits}") * SECOND)


def rounded_nanoseconds(nanoseconds: int) -> int:
    """Microseconds of nanoseconds since an epoch, rounded as the same time in text would be."""
    seconds, rest = divmod(nanoseconds, 1000 * SECOND)
    return seconds * SECOND + round(rest / (1000 * SECOND) * SECOND)


def read_instant(text: str) -> datetime:
    """The date and time that RFC 3339 or PostgreSQL writes so; with a zone if an offset is written.

    Raises:
        NotStorableError: before year 1 or after year 9999, in UTC, or infinite.
        ValueError: anything else.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise _beyond(text) or ValueError("it is not a date and a time")
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    if year == 0:
        raise NotStorableError("is before year 1")
    base = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone comes with the offset
    try:
        value = base + timedelta(microseconds=rounded_fraction(found.group(7) or ""))
        if found.group(8) or found.group(9):
            zoned = value.replace(tzinfo=_zone(found))
            zoned.astimezone(UTC)
            return zoned
    except OverflowError:
        raise NotStorableError("is before year 1 or after year 9999 in UTC") from None
    return value


def _zone(found: re.Match[str]) -> timezone:
    if found.group(8):
        return UTC
    offset = timedelta(hours=int(found.group(10)), minutes=int(found.group(11) or 0), seconds=int(found.group(12) or 0))
    return timezone(-offset if found.group(9) == "-" else offset)  # a day or more is a ValueError


def read_date(text: str) -> date:
    """The date. Raises as `read_instant`."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise _beyond(text) or ValueError("it is not a date")
    year, month, day = map(int, found.groups())
    if year == 0:
        raise NotStorableError("is before year 1")
    return date(year, month, day)


def read_clock(text: str) -> time:
    """The time of day. Raises as `read_instant`."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("it is not a time of day")
    hour, minute, second = map(int, found.group(1, 2, 3))
    if (hour, minute, second) == (24, 0, 0) and not int(found.group(4) or 0):
        raise NotStorableError("is 24:00:00; a day ends before it")
    whole = time(hour, minute, second)
    return clock_of((whole.hour * 3600 + minute * 60 + second) * SECOND + rounded_fraction(found.group(4) or ""))


def clock_of(microseconds: int) -> time:
    """The time of day, so long after midnight. Raises `NotStorableError`: not within a day."""
    if not 0 <= microseconds < DAY:
        raise NotStorableError("is 24:00:00 when rounded to microseconds; a day ends before it")
    return (EPOCH + timedelta(microseconds=microseconds)).time()


def instant_of(microseconds: int, zone: timezone | None) -> datetime:
    """The instant, so long after 1970 began. Raises `NotStorableError`: not within the years 1 to 9999."""
    if not FIRST_INSTANT <= microseconds <= LAST_INSTANT:
        raise NotStorableError("is before year 1 or after year 9999 in UTC")
    return (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=zone)


def date_of(days: int) -> date:
    """The date, so many days after 1970-01-01. Raises `NotStorableError`: not within the years 1 to 9999."""
    if not FIRST_DAY <= days <= LAST_DAY:
        raise NotStorableError("is before year 1 or after year 9999")
    return date.fromordinal(days + EPOCH_DAY)


def day_text(days: int) -> str:
    """The date, so many days after 1970-01-01, in any year; the year before 1 is 0."""
    cycles, rest = divmod(days - FIRST_DAY, _CYCLE_DAYS)
    within = date.fromordinal(rest + 1)
    return f"{within.year + _CYCLE_YEARS * cycles:04}-{within.month:02}-{within.day:02}"


def instant_text(microseconds: int) -> str:
    """The date and time, so long after 1970 began, in any year."""
    days, rest = divmod(microseconds, DAY)
    return f"{day_text(days)}T{clock_of(rest).isoformat()}"


def _beyond(text: str) -> NotStorableError | None:
    """What to say of a text that PostgreSQL reads as a date or time beyond those that are stored."""
    plain = text.strip().lower()
    if plain.removeprefix("-").removeprefix("+") in {"infinity", "inf"}:
        return NotStorableError("is infinite")
    if plain.endswith(" bc") or _LATER_YEAR.match(plain):
        return NotStorableError("is before year 1 or after year 9999")
    return None
