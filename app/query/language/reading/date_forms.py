"""Further forms of dates: days and months without a year, days of one month, halves, weeks of a month, decades. Pure.

Where no year is said, the last one is meant in which the words have begun: a guess, as `guessed` says of the text.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

from app.query.language.reading.calendar import MONTHS, shifted, start_of

Bounds = tuple[date | None, date | None, bool, bool]
Rule = tuple[re.Pattern[str], Callable[[re.Match[str], date], Bounds | None]]

_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:19|20)\d\d"
_OF_YEAR: Final = rf"(?:\s*,?\s*(?:of\s+)?(?P<year>{_YEAR})\b)?"
_JOINT: Final = r"\s*(?P<joint>and|to|until|through|till|-|\u2013)\s*"
_NUMBER_BEHIND: Final = r"(?![\d,]*\d)(?!\s*(?:,\s*)?(?:of\s+)?\d)(?!(?:st|nd|rd|th)\b)"
_HOW: Final = r"(?:(?P<how>on|since|after|before|until|from|by)\s+)?(?:the\s+)?"
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_ORDINAL: Final = "|".join(_ORDINALS)
_WEEK: Final = 7
_HALF, _QUARTER = 6, 3
"""Months of half a year and of a quarter."""
_GUESS: Final = re.compile(rf"\b(?:{_MONTH})\b|\b[qh][1-4]\b|\bweek of\b")
_SAYS_YEAR: Final = re.compile(rf"\b{_YEAR}\b|\byear\b")


def guessed(said: str) -> bool:
    """Whether the words of a range leave open what it is: of which year, or what the first week of a month is."""
    return bool(_GUESS.search(said)) and (not _SAYS_YEAR.search(said) or "week of" in said)


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _in_year(year: str | None, month: int, day: int, today: date) -> date:
    """The day in the year; where none is said in the last one in which it has begun. Raises `ValueError`."""
    if year is not None:
        return date(int(year), month, day)
    if (month, day) > (today.month, today.day):
        return date(today.year - 1, month, day)
    return date(today.year, month, day)


def _ranged(low: date, last: date, *, relative: bool) -> Bounds | None:
    """From the first day to the last one, which counts; None where they stand the wrong way round."""
    return (low, last + timedelta(days=1), relative, False) if low <= last else None


def _of_one_month(match: re.Match[str], today: date) -> Bounds | None:
    """`from 3 to 9 March 2024`, `between March 3 and 9`."""
    if match["joint"] == "and" and match["lead"] != "between":
        return None  # on March 3 and 9: two days
    month = MONTHS[match["month"]]
    low = _in_year(match["year"], month, _number(match["a"]), today)
    return _ranged(low, low.replace(day=_number(match["b"])), relative=match["year"] is None)


def _of_two_months(match: re.Match[str], today: date) -> Bounds | None:
    """`between January 1 and January 7`, `from 28 February to 3 March 2024`: the year is that of the last day."""
    first, last = (
        (MONTHS[match[f"m{end}1"] or match[f"m{end}2"]], _number(match[f"d{end}1"] or match[f"d{end}2"]))
        for end in "ab"
    )
    if match["year"] is not None:
        high = date(int(match["year"]), *last)
        return _ranged(date(high.year - (first > last), *first), high, relative=False)
    low = _in_year(None, *first, today)
    return _ranged(low, date(low.year + (first > last), *last), relative=True)


def _months(match: re.Match[str], today: date) -> Bounds | None:
    """`from January to March 2024`: the year is that of the last month."""
    first, last = MONTHS[match["a"]], MONTHS[match["b"]]
    if match["year"] is not None:
        low = date(int(match["year"]) - (first > last), first, 1)
    else:
        low = _in_year(None, first, 1, today)
    high = date(low.year + (first > last), last, 1)
    return low, shifted(high, "month", 1), match["year"] is None, False


def _day_of_any_year(match: re.Match[str], today: date) -> Bounds:
    """`July 4`, `since the 4th of July`."""
    low = _in_year(None, MONTHS[match["m1"] or match["m2"]], _number(match["d1"] or match["d2"]), today)
    return _beside(match["how"], low, low + timedelta(days=1))


def _beside(how: str | None, low: date, high: date, *, relative: bool = True) -> Bounds:
    """The period itself, or what goes from it on or up to it."""
    bounds: dict[str | None, tuple[date | None, date | None]] = {
        "since": (low, None), "after": (high, None), "before": (None, low), "until": (None, high), "by": (None, high),
    }  # fmt: skip
    return *bounds.get(how, (low, high)), relative, False


def _part_of_year(match: re.Match[str], today: date) -> Bounds:
    """`H1 2024`, `the second half of last year`, `2024 Q3`; without a year the last one in which it has begun."""
    said = match.groupdict()
    months = _HALF if said["unit"][0] == "h" else _QUARTER
    year, which = said.get("year") or said.get("before"), said.get("which")
    first = 1 + months * (int(said.get("digit") or _ORDINALS[said.get("ordinal") or "first"]) - 1)
    if year is not None:
        low = date(int(year), first, 1)
    elif which is not None:
        low = date(today.year - (which == "last"), first, 1)
    else:
        low = _in_year(None, first, 1, today)
    return low, shifted(low, "month", months), year is None, False


def _week_of_month(match: re.Match[str], today: date) -> Bounds | None:
    """`the first week of May`: its days 1 to 7; the last week is its last seven days."""
    first = _in_year(match["year"], MONTHS[match["month"]], 1, today)
    if match["which"] == "last":
        high = shifted(first, "month", 1)
        return high - timedelta(days=_WEEK), high, True, False
    low = first + timedelta(days=_WEEK * (_ORDINALS[match["which"]] - 1))
    return low, low + timedelta(days=_WEEK), True, False


def _decade(match: re.Match[str], _today: date) -> Bounds:
    """`in the 1990s`, `since the 80s`."""
    said = match["long"] or f"19{match['short']}"
    low = date(int(said), 1, 1)
    return _beside(match["how"], low, date(low.year + 10, 1, 1), relative=False)


def _so_far(match: re.Match[str], today: date) -> Bounds:
    return start_of(today, match["unit"] or match["unit2"]), today + timedelta(days=1), True, False


def _aged(match: re.Match[str], today: date) -> Bounds:
    """`older than 30 days`: what happened before so many days."""
    day = shifted(today, match["unit"], -int(match["count"]))
    young = match["how"] in {"newer than", "younger than", "less than"}
    return (day, None, True, False) if young else (None, day, True, False)


def rules() -> Iterator[Rule]:
    """The patterns and what reads them, the more specific first."""
    yield from _ranges()
    yield from _parts()
    yield from _ages()
    yield (
        re.compile(
            rf"\b{_HOW}(?:(?P<m1>{_MONTH})\.?\s+(?:the\s+)?(?P<d1>{_DAY})|(?P<d2>{_DAY})\s+(?:of\s+)?(?P<m2>{_MONTH})\b)"
            rf"{_NUMBER_BEHIND}"
        ),
        _day_of_any_year,
    )


def _ranges() -> Iterator[Rule]:
    """From a day or month to another, of which one alone has its month or year."""
    one_of = r"(?:(?P<lead>between|from|in|on|during)\s+)?(?:the\s+)?"
    yield re.compile(rf"\b{one_of}(?P<a>{_DAY}){_JOINT}(?P<b>{_DAY})\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?{_OF_YEAR}"), \
        _of_one_month  # fmt: skip
    yield re.compile(rf"\b{one_of}(?P<month>{_MONTH})\.?\s+(?P<a>{_DAY}){_JOINT}(?P<b>{_DAY})\b(?!,?\d){_OF_YEAR}"), \
        _of_one_month  # fmt: skip
    ends = [
        rf"(?:(?P<m{end}1>{_MONTH})\.?\s+(?:the\s+)?(?P<d{end}1>{_DAY})|"
        rf"(?:the\s+)?(?P<d{end}2>{_DAY})\s+(?:of\s+)?(?P<m{end}2>{_MONTH})\b\.?)"
        for end in "ab"
    ]
    yield re.compile(rf"\b(?:between|from)\s+{ends[0]}{_JOINT}{ends[1]}\b(?!,?\d){_OF_YEAR}"), _of_two_months
    alone = r"(?!\.?\s+\d{1,2}\b)"
    yield re.compile(rf"\b(?:between|from)\s+(?P<a>{_MONTH}){_JOINT}(?P<b>{_MONTH})\b{alone}{_OF_YEAR}"), _months


def _parts() -> Iterator[Rule]:
    """Weeks of a month, halves and quarters of a year, decades."""
    yield (
        re.compile(
            rf"\b(?:(?:in|during|of|for|from)\s+)?(?:the\s+)?(?P<which>{_ORDINAL}|last)\s+week\s+(?:of|in)\s+"
            rf"(?P<month>{_MONTH})\b{_OF_YEAR}"
        ),
        _week_of_month,
    )
    lead, which = r"\b(?:(?:in|during|of|for)\s+)?(?:the\s+)?", r"(?P<which>last|this)\s+year\b"
    yield (
        re.compile(
            rf"{lead}(?:(?P<before>{_YEAR})[\s-]+)?(?P<unit>[qh])(?P<digit>(?<=h)[12]|(?<=q)[1-4])\b"
            rf"(?:\s+(?:of\s+)?(?:(?P<year>{_YEAR})\b|{which}))?"
        ),
        _part_of_year,
    )
    yield (
        re.compile(
            rf"{lead}(?P<ordinal>{_ORDINAL})\s+(?P<unit>half|quarter)\s+of\s+(?:the\s+year\s+)?"
            rf"(?:(?P<year>{_YEAR})\b|{which})"
        ),
        _part_of_year,
    )
    yield (
        re.compile(
            r"\b(?:(?P<how>since|before|after|until)\s+|(?:in|during|of|from)\s+)?the\s+"
            r"(?:(?P<long>(?:1[89]|20)\d0)|'?(?P<short>[5-9]0))(?:'|\u2019)?s\b"
        ),
        _decade,
    )


def _ages() -> Iterator[Rule]:
    """What goes up to today, or is so many days old."""
    yield (
        re.compile(
            r"\b(?:in\s+)?this\s+(?P<unit>week|month|quarter|year)\s+so\s+far\b"
            r"|\bso\s+far\s+(?:in\s+)?this\s+(?P<unit2>week|month|quarter|year)\b"
        ),
        _so_far,
    )
    yield (
        re.compile(
            r"\b(?P<how>older than|newer than|younger than)\s+(?P<count>\d{1,3})\s+(?P<unit>day|week|month)s?\b"
        ),
        _aged,
    )
    yield (
        re.compile(r"\b(?P<how>more than|over|less than)\s+(?P<count>\d{1,3})\s+(?P<unit>day|week|month)s?\s+old\b"),
        _aged,
    )
