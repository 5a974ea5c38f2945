"""How large the value or the series made by a call can become, by its literals alone.

Invariant: a call that multiplies (`generate_series`, `repeat`, `lpad`, `rpad`, `format`) is allowed only when its
literals bound the result.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from sqlglot import exp

from app.query.guard.functions import MAX_PADDING

MAX_SERIES_ROWS: Final = 100_000
MAX_REPEATED_CHARACTERS: Final = 10
_START_STOP_STEP: Final = 3
_UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),  # the shortest, so that the number of rows is never too small
    "mon": timedelta(days=28),
    "quarter": timedelta(days=90),
    "year": timedelta(days=365),
}
_STEP = re.compile(r"\s*([0-9]{1,6})\s*([a-z]+?)s?\s*", re.IGNORECASE)
_FORMAT_PART = re.compile(r"%(?:%|(?:[0-9]{1,2}\$)?[sIL])|[^%]")
_INTEGER = re.compile(r"[0-9]{1,18}")


def fault_of(name: str, arguments: list[exp.Expr]) -> tuple[str, str, str] | None:
    """`(rule, message, nearest allowed form)` when the call is not bounded by its literals, else None."""
    match name:
        case "generate_series":
            return _series_fault(arguments)
        case "repeat" if not _padding(arguments, 1) or not _short_literal(arguments):
            return "unbounded-value", "repeat() takes a short literal and a small number.", "repeat('#', 20)"
        case "lpad" | "rpad" if not _padding(arguments, 1):
            return "unbounded-value", f"{name}() takes a number up to {MAX_PADDING}.", f"{name}(a, 10, ' ')"
        case "format" if not _plain_format(arguments):
            return "unbounded-value", "format() takes a literal without widths.", "format('%s of %s', a, b)"
        case _:
            return None


def _padding(arguments: list[exp.Expr], index: int) -> bool:
    if index >= len(arguments):
        return False
    number = _integer(arguments[index])
    return number is not None and number <= MAX_PADDING


def _short_literal(arguments: list[exp.Expr]) -> bool:
    first = arguments[0]
    return isinstance(first, exp.Literal) and first.is_string and len(first.name) <= MAX_REPEATED_CHARACTERS


def _plain_format(arguments: list[exp.Expr]) -> bool:
    template = arguments[0] if arguments else None
    return isinstance(template, exp.Literal) and "".join(_FORMAT_PART.findall(template.name)) == template.name


def _series_fault(arguments: list[exp.Expr]) -> tuple[str, str, str] | None:
    nearest = "generate_series(1, 100) or generate_series(DATE '2013-01-01', DATE '2013-12-31', INTERVAL '1 day')"
    rows = series_rows(arguments)
    if rows is None:
        return "series-bounds", "The bounds of a series must be literals.", nearest
    if rows > MAX_SERIES_ROWS:
        return "series-bounds", f"A series has at most {MAX_SERIES_ROWS} rows.", nearest
    return None


def series_rows(arguments: list[exp.Expr]) -> int | None:
    """The number of rows of a series; None when its literals do not say."""
    rows = _integer_rows(arguments) if len(arguments) in {_START_STOP_STEP - 1, _START_STOP_STEP} else None
    return _time_rows(arguments) if rows is None and len(arguments) == _START_STOP_STEP else rows


def _integer(node: exp.Expr) -> int | None:
    sign = -1 if isinstance(node, exp.Neg) else 1
    literal = node.this if isinstance(node, exp.Neg) else node
    if isinstance(literal, exp.Literal) and not literal.is_string and _INTEGER.fullmatch(literal.name):
        return sign * int(literal.name)
    return None


def _integer_rows(arguments: list[exp.Expr]) -> int | None:
    numbers = [_integer(argument) for argument in arguments]
    start, stop, step = numbers if len(numbers) == _START_STOP_STEP else (*numbers, 1)
    return None if start is None or stop is None or not step else max(0, (stop - start) // step + 1)


def _time_rows(arguments: list[exp.Expr]) -> int | None:
    start, stop = (_moment(argument) for argument in arguments[:2])
    step = _step(arguments[2])
    return None if start is None or stop is None or not step else max(0, (stop - start) // step + 1)


def _text(node: exp.Expr, types: frozenset[str]) -> str | None:
    if isinstance(node, exp.Cast) and node.to.this.value in types:
        node = node.this
        return node.name if isinstance(node, exp.Literal) and node.is_string else None
    return None


_TIMES: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMPTZ"})


def _moment(node: exp.Expr) -> datetime | None:
    text = _text(node, _TIMES)
    try:
        return None if text is None else datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _step(node: exp.Expr) -> timedelta | None:
    text = node.name if isinstance(node, exp.Literal) and node.is_string else _text(node, frozenset({"INTERVAL"}))
    match = _STEP.fullmatch(text or "")
    unit = _UNITS.get(match.group(2).lower()) if match else None
    return None if match is None or unit is None else unit * int(match.group(1))
