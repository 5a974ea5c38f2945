"""Splunk's recognition of times without TIME_FORMAT, in the subset that `shapes.py` documents.

The leftmost time wins, then the longest. `05/12/2024` is read as in the United States, unless that cannot be: Splunk's
own default. Where a text has the shape of a time and no such moment exists, the next shape is tried.
"""

import re
from datetime import datetime, tzinfo
from enum import Enum

from app.addons.timestamps.directives import MONTHS
from app.addons.timestamps.instants import TimeParts, full_year, parsed_time
from app.addons.timestamps.parsed import ParsedTime
from app.addons.timestamps.shapes import Reader, ShapeMatch, shape_matches
from app.addons.timestamps.zones import zone_in_text


class DateOrder(Enum):
    """The order of day, month and year in three numbers."""

    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"
    YEAR_FIRST = "ymd"


def recognise(event: str, start: int, end: int, reference: datetime, zone: tzinfo) -> ParsedTime | None:
    """The first time in `event[start:end]`; None where there is none. `zone` holds where the text names none."""
    for matches in shape_matches(event, start, end, Reader.RECOGNITION):
        for each in matches:
            for order in DateOrder:
                parts = parts_of(each, order)
                found = None if parts is None else parsed_time(parts, each.found.span(), reference, zone)
                if found is not None:
                    return found
                if not has_open_order(each):
                    break
    return None


def has_open_order(match: ShapeMatch) -> bool:
    """Whether the order of day, month and year is not told by the text's shape."""
    return "n1" in match.shape.regex.groupindex


def parts_of(match: ShapeMatch, order: DateOrder) -> TimeParts | None:
    """The parts of the time; None where the three numbers cannot stand in that order."""
    values = {name: text for name, text in match.found.groupdict().items() if text is not None}
    if "n1" in values:
        dated = _ordered(values, order)
        if dated is None:
            return None
        values |= dated
    half = values.get("p")
    return TimeParts(
        year=_year(values),
        month=MONTHS[values["b"].lower()] if "b" in values else _number(values, "m"),
        day=_number(values, "d"),
        hour=_number(values, "H"),
        minute=_number(values, "M") or 0,
        second=_number(values, "S") or 0,
        fraction=values.get("f") or values.get("g") or values.get("h", ""),
        afternoon=None if half is None or int(values["H"]) > 12 else half[0] in "pP",  # noqa: PLR2004 - noon
        epoch=_number(values, "s"),
        offset=zone_in_text(values["z"].strip()) if "z" in values else None,
    )


def _ordered(values: dict[str, str], order: DateOrder) -> dict[str, str] | None:
    first, second, third = values["n1"], values["n2"], values["n3"]
    year_first = order is DateOrder.YEAR_FIRST
    if year_first and not (len(first) == len(third) == 2):  # noqa: PLR2004 - two digits
        return None
    year = first if year_first else third
    month, day = (second, third) if year_first else (first, second)
    if order is DateOrder.DAY_FIRST:
        month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):  # noqa: PLR2004 - the calendar's own
        return None
    return {("y" if len(year) == 2 else "Y"): year, "m": month, "d": day}  # noqa: PLR2004 - two digits


def _year(values: dict[str, str]) -> int | None:
    return full_year(int(values["y"])) if "y" in values else _number(values, "Y")


def _number(values: dict[str, str], name: str) -> int | None:
    return int(values[name]) if name in values else None


_WHITE_SPACE = re.compile(r"\s+")


def format_of(match: ShapeMatch, order: DateOrder) -> str:
    """The TIME_FORMAT that reads the text of the match: a directive for each group, the text between as it stands."""
    found = match.found
    names = dict(zip(("n1", "n2", "n3"), order.value, strict=True))
    spans = sorted(
        (*found.span(name), names.get(name, name)) for name in match.shape.regex.groupindex if found.span(name)[0] >= 0
    )
    pieces: list[str] = []
    position = found.start()
    for start, end, name in spans:
        if name == "sep":
            continue
        text = found.string[start:end]
        pieces += (_literal(found.string[position:start]), _directive(name, text, "p" in _given(found)))
        position = end
    pieces.append(_literal(found.string[position : found.end()]))
    return "".join(pieces)


def _given(found: re.Match[str]) -> set[str]:
    return {name for name, text in found.groupdict().items() if text is not None}


def _literal(text: str) -> str:
    return _WHITE_SPACE.sub(" ", text.replace("%", "%%"))


def _directive(name: str, text: str, half: bool) -> str:
    if name in "fgh":
        return "%3N" if len(text) <= 3 else "%6N" if len(text) <= 6 else "%9N"  # noqa: PLR2004 - digits
    if name == "z":
        space = " " if text[0] == " " else ""
        offset = text.strip()
        return space + ("%Z" if offset[0] not in "+-" else "%:z" if ":" in offset else "%z")
    if name == "H":
        return "%I" if half else "%H"
    if name in "yY":
        return "%y" if len(text) == 2 else "%Y"  # noqa: PLR2004 - two digits
    if name in {"a", "b"} and len(text) > 3:  # noqa: PLR2004 - the short names
        return f"%{name.upper()}"
    return f"%{name}"
