r"""The JSON text of values that come without one, as from Parquet: for documents (jsonb), and to show a refused row.

The form is that of PostgreSQL's `to_jsonb`: numbers with all their digits, `"NaN"` and `"Infinity"` as text, times as
`"2026-01-02T10:00:00.5+00:00"`, binary as `"\\x6869"`. A list is an array; a struct, and a map whose keys are text, an
object; any other map an array of `{"key": …, "value": …}`; a duration is as ISO 8601 has it, `"PT1.5S"`.
"""

import math
from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from app.ingestion.rows.arrow_values import Unfit


class UnfitPart(ValueError):  # noqa: N818 - names what was found, as the other refusals do
    """A part of a document cannot be stored."""

    def __init__(self, part: Unfit) -> None:
        super().__init__(part.message)
        self.part = part


_ENCODER = msgspec.json.Encoder(decimal_format="number")  # dates, durations and UUIDs are as above already


def json_text(value: Any) -> str:
    """The JSON text of a value.

    Args:
        value: None, a bool, number, text, binary, date, time, duration or UUID; or a dict or list of such.

    Raises:
        UnfitPart: it holds a value that cannot be stored.
        TypeError: it holds something else.
    """
    return _ENCODER.encode(_written(value)).decode()


def _written(value: Any) -> Any:
    """The value in types that have one form in JSON."""
    match value:
        case float() | Decimal():
            found: Any = value if math.isfinite(value) else _special(value)
        case datetime() | time():
            found = _without_zeros(value.isoformat())
        case bytes():
            found = "\\x" + value.hex()
        case Mapping():
            found = {name: _written(part) for name, part in value.items()}
        case list():
            found = [_written(part) for part in value]
        case Unfit():
            raise UnfitPart(value)
        case _:
            found = value
    return found


def _special(number: float | Decimal) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _without_zeros(text: str) -> str:
    """The time without zeros at the end of its fraction of a second, which has no digits or six."""
    head, point, rest = text.partition(".")
    digits, offset = rest[:6].rstrip("0"), rest[6:]
    return head + point + digits + offset
