"""The moment that the parts of a time stand for: what is missing is filled in, what cannot be is no moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.addons.timestamps.parsed import ParsedTime

LATEST_AFTER_REFERENCE = timedelta(days=1)
"""A time without a year belongs to the last year in which it is not later than this after the reference."""
LATEST_CLOCK_AFTER_REFERENCE = timedelta(hours=3)
"""A time without a date is of the day before if later than this (props.conf.spec, DETERMINE_TIMESTAMP_DATE_...)."""
_LONGEST_LEAP_GAP = 8
"""Years between two leap days around 1900 and 2100."""
_CENTURY_PIVOT = 69
"""POSIX strptime, %y: 69 to 99 are of the twentieth century, 00 to 68 of the twenty-first."""
_NOON = 12


@dataclass(frozen=True)
class TimeParts:
    """What a text says of a time; None where the text is silent. `epoch` stands for all but the fraction.

    `fraction` are the digits behind the decimal point. `offset` is the zone that the text names. `afternoon` stands
    beside an hour of twelve alone.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    day_of_year: int | None = None
    hour: int | None = None
    minute: int = 0
    second: int = 0
    fraction: str = ""
    afternoon: bool | None = None
    epoch: int | None = None
    offset: tzinfo | None = None


def full_year(two_digits: int) -> int:
    """The year of two digits, by POSIX's pivot."""
    return two_digits + (1900 if two_digits >= _CENTURY_PIVOT else 2000)


def parsed_time(parts: TimeParts, span: tuple[int, int], reference: datetime, zone: tzinfo) -> ParsedTime | None:
    """The time of those parts, read from that span; None where no such moment exists (30 February).

    `reference` is aware; `zone` holds where the text names none.
    """
    try:
        moment = _moment(parts, reference, parts.offset or zone)
    except (ValueError, OverflowError, OSError):  # no such date; outside of the years 1 to 9999
        return None
    if moment is None:
        return None
    known = parts.epoch is not None
    return ParsedTime(moment, *span, known or parts.offset is not None, known or parts.year is not None)


def _moment(parts: TimeParts, reference: datetime, zone: tzinfo) -> datetime | None:
    microsecond = int(parts.fraction[:6].ljust(6, "0"))
    if parts.epoch is not None:
        return datetime.fromtimestamp(parts.epoch, UTC).replace(microsecond=microsecond)
    now = reference.astimezone(zone)
    second = min(parts.second, 59)  # a leap second is read as the second before
    clock = (_hour(parts), parts.minute, second, microsecond)
    for (year, month, day), latest in _dates(parts, now):
        moment = _on_date(year, month, day, clock, zone)
        if moment is not None and (latest is None or moment - now <= latest):
            moment.astimezone(UTC)  # raises where the moment lies outside of what can be compared
            return moment
    return None


def _on_date(year: int, month: int, day: int, clock: tuple[int, int, int, int], zone: tzinfo) -> datetime | None:
    try:
        return datetime(year, month, day, *clock, tzinfo=zone)
    except ValueError:
        return None


def _hour(parts: TimeParts) -> int:
    """The hour of 24 by `afternoon`, where that is known."""
    hour = parts.hour or 0
    if parts.afternoon is None or parts.hour is None:
        return hour
    return hour % _NOON + (_NOON if parts.afternoon else 0)


def _dates(parts: TimeParts, now: datetime) -> Iterator[tuple[tuple[int, int, int], timedelta | None]]:
    """The dates that may be meant, the likeliest first, each with how much later than now the moment may be."""
    if parts.day_of_year is not None:
        yield from _by_day_of_year(parts.year, parts.day_of_year, now)
    elif parts.year is not None:
        yield (parts.year, parts.month or 1, parts.day or 1), None
    elif parts.month is not None:
        for year in range(now.year + 1, now.year - _LONGEST_LEAP_GAP - 1, -1):
            yield (year, parts.month, parts.day or 1), LATEST_AFTER_REFERENCE
    elif parts.day is not None:
        for back in range(-1, 3):
            months = now.year * 12 + now.month - 1 - back
            yield (months // 12, months % 12 + 1, parts.day), LATEST_AFTER_REFERENCE
    else:
        for days in (0, 1):
            date = (now - timedelta(days=days)).date()
            yield (date.year, date.month, date.day), LATEST_CLOCK_AFTER_REFERENCE


def _by_day_of_year(
    year: int | None, ordinal: int, now: datetime
) -> Iterator[tuple[tuple[int, int, int], timedelta | None]]:
    years = (year,) if year is not None else range(now.year + 1, now.year - _LONGEST_LEAP_GAP - 1, -1)
    for each in years:
        date = datetime(each, 1, 1, tzinfo=UTC) + timedelta(days=ordinal - 1)
        if ordinal > 0 and date.year == each:
            yield (each, date.month, date.day), None if year is not None else LATEST_AFTER_REFERENCE
