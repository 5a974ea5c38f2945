"""Splunk's enhanced strptime: TIME_FORMAT compiled once into one regular expression.

A fault (TimeFormatError) is a format by which no time can be read or which contradicts itself; a warning
(`format_warnings`) is a format that Splunk takes, and that is hardly what was meant.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from app.addons.timestamps.directives import COMPOSED, DIRECTIVES, MONTHS, Directive, Part
from app.addons.timestamps.instants import TimeParts, full_year, parsed_time
from app.addons.timestamps.parsed import ParsedTime
from app.addons.timestamps.zones import MAX_OFFSET, zone_in_text

MAX_FORMAT_CHARACTERS = 256
"""A longer format is refused: no time is written that long."""
_KEPT = 1_024
_MOST_SPACES = 20
"""A space of the format reads one or more of the text, as `Jun  8` is read by `%b %d`; bounded, so that no text of
spaces alone is tried again and again."""
_DIRECTIVE = re.compile(r"%(:{0,3}z|[369][NQ]|Ez|.)", re.DOTALL)
_DATES = {Part.YEAR, Part.SHORT_YEAR, Part.MONTH, Part.MONTH_NAME, Part.DAY, Part.DAY_OF_YEAR, Part.EPOCH}
_TIMES = {Part.HOUR, Part.HALF_HOUR, Part.MINUTE, Part.SECOND}
_EXCLUSIVE = (
    ({Part.YEAR, Part.SHORT_YEAR}, "the year stands twice: keep %Y or %y"),
    ({Part.YEAR, Part.CENTURY}, "%Y holds the century: leave out %C"),
    ({Part.MONTH, Part.MONTH_NAME}, "the month stands twice: keep %m or %b"),
    ({Part.HOUR, Part.HALF_HOUR}, "the hour stands twice: keep %H, or %I with %p"),
    ({Part.DAY_OF_YEAR, Part.MONTH}, "%j is the day of the year: leave out %m"),
    ({Part.DAY_OF_YEAR, Part.MONTH_NAME}, "%j is the day of the year: leave out %b"),
    ({Part.DAY_OF_YEAR, Part.DAY}, "%j is the day of the year: leave out %d"),
    ({Part.ZONE, Part.ZONE_MINUTES}, "the zone stands twice: keep %z or %Ez"),
)
_HINTS = {
    "L": "milliseconds are %3N",
    "i": "the minute is %M",
    "E": "Splunk knows %Ez alone",
    "O": "write the directive without O",
    "-": "leading zeros are accepted but not required: write the directive without -",
    "_": "write %e, %k or %l for a number with a leading space",
    "P": "AM and PM are %p",
    "v": "milliseconds are %3N",
}


class TimeFormatError(ValueError):
    """The format reads no time; the message names the directive and what is right."""


@dataclass(frozen=True)
class _Item:
    """A directive, or the literal text that stands there if there is none."""

    text: str
    directive: Directive | None


class TimeFormat:
    """A compiled TIME_FORMAT. `longest` is the greatest number of characters that the format reads of usual text."""

    def __init__(self, text: str) -> None:
        items = _checked_items(text)
        self.text = text
        self._parts = tuple(each.directive.part for each in items if each.directive is not None)
        self._regex = re.compile(_pattern(items), re.ASCII | re.IGNORECASE)
        self.longest = sum(each.directive.longest if each.directive else len(each.text) for each in items)

    def match(self, text: str, start: int, reference: datetime, zone: tzinfo) -> ParsedTime | None:
        """The time that begins at `start`, behind at most twenty white space characters; None where there is none.

        `zone` holds where the text names none; `reference` (aware) decides the year where the text has none.
        """
        found = self._regex.match(text, start)
        if found is None:
            return None
        parts = _time_parts(zip(self._parts, found.groups()[1:], strict=True))
        return None if parts is None else parsed_time(parts, (found.end(1), found.end()), reference, zone)


@lru_cache(maxsize=_KEPT)
def compile_time_format(text: str) -> TimeFormat:
    """The compiled format; raises TimeFormatError."""
    return TimeFormat(text)


def format_warnings(text: str) -> tuple[str, ...]:
    """What Splunk takes and what is hardly meant; nothing for a format that does not compile."""
    try:
        items = _checked_items(text)
    except TimeFormatError:
        return ()
    return tuple(_warnings(items))


def _warnings(items: Sequence[_Item]) -> Iterator[str]:
    parts = {each.directive.part for each in items if each.directive is not None}
    epoch = Part.EPOCH in parts
    if Part.HALF_HOUR in parts and Part.HALF not in parts:
        yield "%I without %p: times after noon are read as before noon; write %H or add %p"
    if Part.HALF in parts and Part.HALF_HOUR not in parts:
        yield "%p belongs to %I: beside %H it is read and dropped"
    if epoch and parts & (_TIMES | _DATES - {Part.EPOCH}):
        yield "%s is the whole time: the other directives are read and dropped"
    if Part.IGNORED in parts and any(each.text in {"w", "u", "U", "V", "W", "g", "G"} for each in items):
        yield "weeks and numbers of weekdays are read and dropped"
    if Part.CENTURY in parts:
        yield "%C is not among Splunk's documented variables: write %Y"
    if not epoch:
        yield from _missing_parts(parts)
    yield from _literal_zone(items)


def _missing_parts(parts: set[Part]) -> Iterator[str]:
    if Part.MINUTE in parts and not parts & {Part.HOUR, Part.HALF_HOUR}:
        yield "%M is the minute and the format has no hour; the month is %m"
    if parts & {Part.HOUR, Part.HALF_HOUR} and Part.MINUTE not in parts:
        yield "the format has no minute: %M; the month is %m"
    if not parts & _DATES:
        yield "the format has no date: Splunk takes the date of the event before"
    elif not parts & {Part.DAY, Part.DAY_OF_YEAR}:
        yield "the format has no day: %d"
    elif not parts & {Part.MONTH, Part.MONTH_NAME, Part.DAY_OF_YEAR}:
        yield "the format has no month: %m or %b"
    if not parts & _TIMES:
        yield "the format has no time of day: events get midnight"
    elif Part.SECOND not in parts and Part.FRACTION in parts:
        yield "a fraction without the second: %S"


def _literal_zone(items: Sequence[_Item]) -> Iterator[str]:
    before: _Item | None = None
    for each in items:
        behind_time = before is not None and before.directive is not None
        if behind_time and each.directive is None and re.match(r"\s?(?:Z|UTC|GMT)\b", each.text):
            yield f"the literal {each.text.strip()} is read as no zone: write %Z, or set TZ = UTC"
        before = each


def _checked_items(text: str) -> list[_Item]:
    if len(text) > MAX_FORMAT_CHARACTERS:
        raise TimeFormatError(f"the format has {len(text)} characters, at most {MAX_FORMAT_CHARACTERS} are taken")
    items = _joined(_items(text))
    parts = [each.directive.part for each in items if each.directive is not None]
    known = set(parts)
    if not known & (_DATES | _TIMES):
        hint = ": write %Y-%m-%d %H:%M:%S" if re.search("YYYY|yyyy|hh:mm", text) else ""
        raise TimeFormatError(f"the format has no directive for a date or a time of day{hint}")
    for part in known - {Part.IGNORED}:
        if parts.count(part) > 1:
            raise TimeFormatError(f"{part.value} stands twice")
    for pair, message in _EXCLUSIVE:
        if pair <= known:
            raise TimeFormatError(message)
    if Part.CENTURY in known and Part.SHORT_YEAR not in known:
        raise TimeFormatError("%C is the century and the format has no %y: write %Y")
    return items


def _items(text: str) -> Iterator[_Item]:
    position = 0
    while position < len(text):
        if text[position] != "%":
            yield _Item(text[position], None)
            position += 1
            continue
        found = _DIRECTIVE.match(text, position)
        if found is None:
            raise TimeFormatError("% at the end: a percent sign of the text is written %%")
        name = found[1]
        position = found.end()
        if name == "%":
            yield _Item("%", None)
        elif name in COMPOSED:
            yield from _items(COMPOSED[name])
        elif name in DIRECTIVES:
            yield _Item(name, DIRECTIVES[name])
        else:
            raise TimeFormatError(_unknown(name, text[position : position + 1]))


def _unknown(name: str, following: str) -> str:
    if name.isdigit() and following in {"N", "Q"}:
        return f"%{name}{following} is unknown: fractions are %3{following}, %6{following} or %9{following}"
    hint = _HINTS.get(name)
    return f"%{name} is unknown" + (f": {hint}" if hint else "")


def _joined(items: Iterator[_Item]) -> list[_Item]:
    joined: list[_Item] = []
    for each in items:
        if joined and each.directive is None and joined[-1].directive is None:
            joined[-1] = _Item(joined[-1].text + each.text, None)
        else:
            joined.append(each)
    return joined


def _pattern(items: Sequence[_Item]) -> str:
    pieces = [rf"(\s{{0,{_MOST_SPACES}}})"]
    for index, each in enumerate(items):
        if each.directive is None:
            pieces.append(_literal(each.text))
            continue
        neighbours = (index > 0 and _digits(items[index - 1])) or (index + 1 < len(items) and _digits(items[index + 1]))
        pieces.append(f"({each.directive.fixed if neighbours and each.directive.fixed else each.directive.pattern})")
    return "".join(pieces)


def _digits(item: _Item) -> bool:
    """Whether digits stand there, so that a directive beside must know its width."""
    if item.directive is None:
        return False
    return item.directive.part not in {Part.MONTH_NAME, Part.HALF, Part.ZONE, Part.ZONE_MINUTES} and item.text not in {
        "a",
        "A",
    }


def _literal(text: str) -> str:
    """The literal text; a run of white space stands for one or more white space characters."""
    pieces = re.split(r"(\s+)", text)
    return "".join(rf"\s{{1,{_MOST_SPACES}}}" if each.isspace() else re.escape(each) for each in pieces)


def _time_parts(read: Iterator[tuple[Part, str]]) -> TimeParts | None:
    values = {part: text.strip() for part, text in read}
    zone = _zone(values)
    if zone is None and Part.ZONE_MINUTES in values:
        return None
    return TimeParts(
        year=_year(values),
        month=MONTHS[values[Part.MONTH_NAME].lower()] if Part.MONTH_NAME in values else _number(values, Part.MONTH),
        day=_number(values, Part.DAY),
        day_of_year=_number(values, Part.DAY_OF_YEAR),
        hour=_number(values, Part.HOUR if Part.HOUR in values else Part.HALF_HOUR),
        minute=_number(values, Part.MINUTE) or 0,
        second=_number(values, Part.SECOND) or 0,
        fraction=values.get(Part.FRACTION, ""),
        afternoon=values[Part.HALF][0] in "pP" if {Part.HALF, Part.HALF_HOUR} <= values.keys() else None,
        epoch=_number(values, Part.EPOCH),
        offset=zone,
    )


def _number(values: dict[Part, str], part: Part) -> int | None:
    return int(values[part]) if part in values else None


def _year(values: dict[Part, str]) -> int | None:
    short = _number(values, Part.SHORT_YEAR)
    if short is None:
        return _number(values, Part.YEAR)
    century = _number(values, Part.CENTURY)
    return full_year(short) if century is None else century * 100 + short


def _zone(values: dict[Part, str]) -> tzinfo | None:
    """The zone of the text; None also for an abbreviation that nobody knows: then the zone handed in holds."""
    if Part.ZONE_MINUTES in values:
        offset = timedelta(minutes=int(values[Part.ZONE_MINUTES]))
        return timezone(offset) if abs(offset) <= MAX_OFFSET else None
    return zone_in_text(values[Part.ZONE]) if Part.ZONE in values else None
