"""Dates and ranges of dates in a question, as half-open ranges of days, relative to a day that is given. Pure.

`last month` is the calendar month before; `past month` and `last 3 months` reach back from today. A range that ends
`now` has no end: a row of tomorrow is an assumption that the caller states.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from app.query.language.reading.calendar import MONTHS, first_of, shifted, start_of
from app.query.language.reading.date_forms import Bounds, Rule, guessed, rules

_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:19|20)\d\d"
_UNIT: Final = r"(day|week|month|quarter|year)s?"
_COUNT: Final = r"(\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a|an|couple of|few)"
_SMALL: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "a": 1, "an": 1, "couple of": 2, "few": 3,
}  # fmt: skip
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}

_DAYS_FROM_NOW: Final = {"yesterday": -1, "today": 0, "now": 0, "tomorrow": 1}
_BOUND: Final = r"since|after|before|until|prior to"

POINT: Final = (
    rf"(?:\d{{4}}-\d\d?-\d\d?(?:[ t]\d\d:\d\d(?::\d\d)?)?|(?:{_MONTH})\.?\s+{_DAY}(?:\s*,?\s*{_YEAR})"
    rf"|{_DAY}\s+(?:of\s+)?(?:{_MONTH})\.?,?\s+{_YEAR}|(?:{_MONTH})\.?,?\s+(?:of\s+)?{_YEAR}"
    rf"|q[1-4]\s+(?:of\s+)?{_YEAR}|(?:the\s+)?(?:first|second|third|fourth|1st|2nd|3rd|4th)\s+quarter\s+of\s+{_YEAR}"
    rf"|(?:the\s+)?(?:year\s+)?(?<!\d){_YEAR}(?![\d-]|/\d)|today|yesterday|tomorrow|now|\d{{1,2}}/\d{{1,2}}/{_YEAR})"
)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `low` on and before `high`; None where there is no bound."""

    low: date | None
    high: date | None
    said: str
    start: int
    """Where in the question the words begin."""
    end: int
    relative: bool = False
    """Whether it depends on what day it is."""
    bare: bool = False
    """Whether it is a mere number that may be a year, with nothing before it that says so."""
    calendar: str | None = None
    """The unit of a whole calendar period: `month` of `April 2021`."""
    guessed: bool = False
    """Whether the words leave open what the range is: of which year."""


def dates_in(question: str, today: date) -> tuple[DateRange, ...]:
    """The ranges of dates that the question speaks of, in order, none within another."""
    text = question.lower()
    found: list[DateRange] = []
    for pattern, read in _RULES:
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            try:
                bounds = read(match, today)
            except (ValueError, OverflowError):
                continue  # the 30th of February is no date
            if bounds is None:
                continue
            low, high, relative, bare = bounds
            said = match.group().strip()
            guess = relative and guessed(said)
            found.append(
                DateRange(low, high, said, match.start(), match.end(), relative, bare, _whole(low, high), guess)
            )
    return tuple(sorted(found, key=lambda each: each.start))


def _whole(low: date | None, high: date | None) -> str | None:
    if low is None or high is None:
        return None
    for unit in ("year", "quarter", "month", "day"):
        if start_of(low, unit) == low and shifted(low, unit, 1) == high:
            return unit
    return None


def point(text: str, today: date) -> tuple[date, date]:
    """The first day of a date, month, quarter or year as written, and the day after its last one."""
    text = re.sub(r"^(the\s+)?(year\s+)?", "", text.strip().lower())
    day = _day(text, today)
    if day is not None:
        return day, day + timedelta(days=1)
    year = int(re.findall(_YEAR, text)[-1])
    if quarter := re.match(r"q([1-4])|(first|second|third|fourth|1st|2nd|3rd|4th)\s+quarter", text):
        low = date(year, 3 * (int(quarter[1] or _ORDINALS.get(quarter[2], 1)) - 1) + 1, 1)
        return low, shifted(low, "quarter", 1)
    if month := re.search(_MONTH, text):
        low = date(year, MONTHS[month.group()], 1)
        if number := re.search(r"\d{1,2}", text.removesuffix(str(year))):
            low = low.replace(day=int(number.group()))
            return low, low + timedelta(days=1)
        return low, shifted(low, "month", 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def _day(text: str, today: date) -> date | None:
    """The day that the text is, as numbers or relative to today."""
    if text in _DAYS_FROM_NOW:
        return today + timedelta(days=_DAYS_FROM_NOW[text])
    if iso := re.match(r"(\d{4})-(\d\d?)-(\d\d?)", text):
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    if slashed := re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        return date(int(slashed[3]), int(slashed[1]), int(slashed[2]))
    return None


def _count(text: str | None) -> int:
    return 1 if not text else _SMALL[text] if text in _SMALL else int(text)


def _between(match: re.Match[str], today: date) -> Bounds | None:
    """From one date to another; None of two periods that `and` joins and that do not meet: in 2021 and 2024."""
    (low, high), (last, after) = point(match["a"], today), point(match["b"], today)
    joint = match.string[match.end("a") : match.start("b")]
    if "and" in joint and not match.group().lstrip().startswith("between") and last != high:
        return None
    exclusive = "exclusive" in (match["how"] or "")
    return low, last if exclusive else after, False, False


def _since(match: re.Match[str], today: date) -> Bounds:
    """From a day on; `from 2024` is the year itself."""
    low, high = point(match["a"], today)
    period = match["how"] == "from" and not match["on"] and high - low > timedelta(days=1)
    return low, high if period else None, match["a"] in _DAYS_FROM_NOW, False


def _after(match: re.Match[str], today: date) -> Bounds:
    return point(match["a"], today)[1], None, match["a"] in _DAYS_FROM_NOW, False


def _before(match: re.Match[str], today: date) -> Bounds:
    return None, point(match["a"], today)[0], match["a"] in _DAYS_FROM_NOW, False


def _until(match: re.Match[str], today: date) -> Bounds:
    return None, point(match["a"], today)[1], match["a"] in _DAYS_FROM_NOW, False


def _at(match: re.Match[str], today: date) -> Bounds:
    low, high = point(match["a"], today)
    bare = re.fullmatch(_YEAR, match["a"].strip()) is not None and not match["lead"]
    return low, high, match["a"].strip() in _DAYS_FROM_NOW, bare


def _back(match: re.Match[str], today: date) -> Bounds:
    """`past 6 months`, `last 7 days`; whole calendar units where the present one is excluded."""
    count, unit = _count(match["count"]), match["unit"]
    if match["without"]:
        return shifted(start_of(today, unit), unit, -count), start_of(today, unit), True, False
    if match["count"] is None and match["which"] in {"last", "previous", "prior"}:
        return shifted(start_of(today, unit), unit, -1), start_of(today, unit), True, False
    return shifted(today, unit, -count), None, True, False


def _present(match: re.Match[str], today: date) -> Bounds:
    """`this month`, `next month`."""
    unit = match["unit"]
    low = shifted(start_of(today, unit), unit, 1 if match["which"] == "next" else 0)
    return low, shifted(low, unit, 1), True, False


def _ahead(match: re.Match[str], today: date) -> Bounds:
    """`in the next 7 days`: from today on."""
    return today, shifted(today, match["unit"], _count(match["count"])), True, False


def _beside(match: re.Match[str], today: date) -> Bounds:
    """`since last month`, `before this year`: open on one side of a calendar unit."""
    unit = match["unit"]
    low = shifted(start_of(today, unit), unit, {"last": -1, "previous": -1, "next": 1}.get(match["which"], 0))
    high = shifted(low, unit, 1)
    how = {"since": (low, None), "after": (high, None), "until": (None, high)}
    return *how.get(match["how"], (None, low)), True, False


def _to_date(match: re.Match[str], today: date) -> Bounds:
    unit = {"ytd": "year", "mtd": "month", "qtd": "quarter"}.get(match.group().strip()) or match["unit"]
    return start_of(today, unit), today + timedelta(days=1), True, False


def _ago(match: re.Match[str], today: date) -> Bounds:
    day = shifted(today, match["unit"], -_count(match["count"]))
    how = (match["how"] or "").strip()
    if how in {"since", "after", "from"}:
        return day, None, True, False
    if how in {"before", "until"} or "more than" in how or "over" in how:
        return None, day, True, False
    return day, day + timedelta(days=1), True, False


def _month(match: re.Match[str], today: date) -> Bounds:
    """A month without a year: the last one that has begun."""
    number = MONTHS[match["month"]]
    low = date(today.year if number <= today.month else today.year - 1, number, 1)
    how = match["how"].split()[0]
    if how == "since":
        return low, None, True, False
    if how == "before":
        return None, low, True, False
    if how == "after":
        return shifted(low, "month", 1), None, True, False
    return low, shifted(low, "month", 1), True, False


_RANGE: Final = (
    rf"(?:between|from)?\s*(?P<a>{POINT})(?:\s*\(?inclusive\)?)?\s*(?:and|to|until|through|till|-|\u2013)\s*"
    rf"(?P<b>{POINT})(?P<how>\s*\(?(?:inclusive|exclusive)"
    r"(?:\s+of\s+(?:both|start)(?:\s+and\s+end)?(?:\s+dates?)?)?\)?)?"
)


def _units() -> Iterator[Rule]:
    """Units of the calendar, counted from today."""
    tail = (
        r"(?:,?\s*\(?(?:inclusive of (?:today|\d+ \w+ ago|a \w+ ago)|including today|"
        r"inclusive of both(?: dates)?|inclusive)\)?)?"
        r"(?P<without>,?\s*\(?(?:excluding|not including|exclusive of|except)\s+(?:the\s+|this\s+)?"
        r"(?:current|present)\s+\w+\)?)?"
    )
    yield (
        re.compile(r"\b(?:year|month|quarter|week)[ -]to[ -]date\b|\b[ymq]td\b".replace("(?:year", "(?P<unit>year", 1)),
        _to_date,
    )
    yield (
        re.compile(
            rf"\b(?P<how>{_BOUND})\s+(?P<which>last|previous|this|the current|next)\s+"
            r"(?P<unit>week|month|quarter|year)\b(?!\s+(?:and|to|until)\b)"
        ),
        _beside,
    )
    yield (
        re.compile(
            rf"\b(?:(?:in|over|during|within|for)\s+)?(?:the\s+)?(?:next|coming|following)\s+(?P<count>{_COUNT[1:-1]})\s+"
            r"(?P<unit>day|week|month|quarter|year)s?\b"
        ),
        _ahead,
    )
    yield (
        re.compile(
            rf"\b(?:(?:in|over|during|within|for|of|from)\s+)?(?:the\s+)?(?P<which>last|past|previous|prior)\s+"
            rf"(?:(?P<count>{_COUNT[1:-1]})\s+)?(?:full\s+|calendar\s+)?(?P<unit>day|week|month|quarter|year)s?\b{tail}"
        ),
        _back,
    )
    yield (
        re.compile(
            r"\b(?:(?:in|during|for|of)\s+)?(?:the\s+)?(?P<which>this|current|next)\s+(?P<unit>day|week|month|quarter|year)\b"
        ),
        _present,
    )
    yield (
        re.compile(
            rf"\b(?P<how>(?:since|after|before|until|from|more than|over)\s+)?(?P<count>{_COUNT[1:-1]})\s+"
            rf"(?P<unit>day|week|month|quarter|year)s?\s+ago\b"
        ),
        _ago,
    )


def _points() -> Iterator[Rule]:
    """Days, months, quarters and years as written, and what goes from them on or up to them."""
    yield (
        re.compile(
            rf"\b(?P<how>since|starting(?:\s+from)?|from|on or after|as of)\s+(?P<a>{POINT})(?P<on>\s+(?:on|onwards?))?"
        ),
        _since,
    )
    yield re.compile(rf"\b(?:after|later than|following|newer than)\s+(?P<a>{POINT})"), _after
    yield re.compile(rf"\b(?:before|prior to|earlier than|older than)\s+(?P<a>{POINT})"), _before
    yield re.compile(rf"\b(?:until|till|up to|through|on or before|by the end of)\s+(?P<a>{POINT})"), _until
    yield (
        re.compile(
            rf"\b(?P<how>(?:in|during|since|from|before|after|until|of)(?:\s+the\s+month\s+of)?)\s+(?P<month>{_MONTH})\b"
            rf"(?!\.?,?\s+(?:of\s+)?\d)"
        ),
        _month,
    )
    yield (
        re.compile(
            rf"\b(?P<lead>(?:in|during|of|for|on|at|within|throughout)\s+(?:the\s+)?(?:month\s+of\s+|year\s+)?|the\s+year\s+)?"
            rf"(?P<a>{POINT})\b"
        ),
        _at,
    )


_RULES: Final = (*rules(), (re.compile(rf"\b{_RANGE}"), _between), *_units(), *_points())

__all__ = ["DateRange", "dates_in", "first_of", "point"]
