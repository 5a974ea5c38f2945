"""Columns of a first batch: for each, the narrowest type that holds every value, and whether nulls were seen.

A text is taken for a number, a boolean or a UUID only where PostgreSQL writes that value back as the text that came: so
`1E5`, `007`, `-0` and `NaN` are text, which a later contract may call otherwise; digits once lost do not come back.
A summary is a set of observations per column, and combining two is their union: the outcome cannot depend on the order
of rows or on how they are cut into pieces. Whatever was summarised is accepted under the columns inferred from it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Flag, auto
from typing import Any
from uuid import UUID

import msgspec

from app.catalog.contracts.columns import MAX_COLUMNS
from app.catalog.contracts.review import InvalidContract
from app.ingestion.rows.checks import MAX_DIGITS
from app.ingestion.rows.values import finer_than_microseconds
from app.kernel.problems import Fault
from app.warehouse.plan import Column
from app.warehouse.types import ColumnType, TypeKind


class Seen(Flag):
    """Kinds of values observed in a column."""

    NOTHING = 0
    BOOLEAN = auto()
    SMALL = auto()
    """Integers that a double holds exactly (up to 2^53)."""
    LARGE = auto()
    """Other integers of 64 bits."""
    HUGE = auto()
    """Integers beyond 64 bits."""
    DOUBLE = auto()
    """In text: what PostgreSQL writes for a double with an exponent, as `1e-07`."""
    DECIMAL = auto()
    SHORT_DECIMAL = auto()
    """Only in text: decimals that PostgreSQL writes for a double, too, as `0.25`, not `0.50`."""
    DATE = auto()
    TIME = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()
    UUID = auto()
    TEXT = auto()
    BINARY = auto()
    DOCUMENT = auto()


NUMBERS = Seen.SMALL | Seen.LARGE | Seen.HUGE | Seen.DOUBLE | Seen.DECIMAL | Seen.SHORT_DECIMAL
WRITTEN = Seen.DATE | Seen.TIME | Seen.TIMESTAMP | Seen.TIMESTAMPTZ | Seen.UUID | Seen.TEXT
"""Kinds that JSON writes as text."""

EXACT_IN_DOUBLE = 1 << 53
LARGEST_BIGINT = (1 << 63) - 1
DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps (DBL_DIG)."""

WITHOUT_EXPONENT = 10**DOUBLE_DIGITS
"""Doubles from here on are written with an exponent by PostgreSQL."""

_SINGLE = {
    Seen.BOOLEAN: TypeKind.BOOLEAN,
    Seen.DATE: TypeKind.DATE,
    Seen.TIME: TypeKind.TIME,
    Seen.TIMESTAMP: TypeKind.TIMESTAMP,
    Seen.TIMESTAMPTZ: TypeKind.TIMESTAMPTZ,
    Seen.UUID: TypeKind.UUID,
    Seen.TEXT: TypeKind.TEXT,
    Seen.BINARY: TypeKind.BYTEA,
    Seen.DOCUMENT: TypeKind.JSONB,
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,999})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,499})\.[0-9]{1,499}")
_FLOAT = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?[eE][+-]?[0-9]{1,2}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:.*")


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What was observed in one column."""

    seen: Seen = Seen.NOTHING
    values: int = 0
    """Rows in which the column was there and not null."""

    def __or__(self, other: "ColumnSummary") -> "ColumnSummary":
        return ColumnSummary(self.seen | other.seen, self.values + other.values)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was observed in some rows."""

    rows: int = 0
    columns: Mapping[str, ColumnSummary] = field(default_factory=dict)

    def __or__(self, other: "Summary") -> "Summary":
        """Both together. Raises `InvalidContract`: these are more columns than a contract may have."""
        none = ColumnSummary()
        names = dict.fromkeys((*self.columns, *other.columns))
        if len(names) > MAX_COLUMNS:  # at once: what is combined again and again must not grow with the body
            message = f"A schema has 1 to {MAX_COLUMNS} columns."
            raise InvalidContract(faults=[Fault(pointer="/schema/columns", code="invalid-columns", message=message)])
        columns = {name: self.columns.get(name, none) | other.columns.get(name, none) for name in names}
        return Summary(self.rows + other.rows, columns)


def summarise(rows: Sequence[Mapping[str, Any]], *, textual: bool = False) -> Summary:
    """The summary of some rows. `textual` says that numbers and booleans, too, come as text (CSV)."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            column = values.setdefault(name, [])
            if value is not None:
                column.append(value)
    columns = {name: summary_of(column, textual=textual) for name, column in values.items()}
    return Summary(len(rows), columns)


def summary_of(values: Sequence[Any], *, textual: bool, known: Seen = Seen.NOTHING) -> ColumnSummary:
    """The summary of the values of one column, none of which is null.

    Args:
        values: as JSON, Parquet or CSV have them.
        textual: whether numbers and booleans, too, come as text (CSV).
        known: what was observed in the column before: where that is text already, further texts are not looked at.
    """
    different = set(values) if textual else values  # texts are hashed faster than they are looked at
    return ColumnSummary(_seen(different, known, textual=textual), len(values))


def infer_columns(summary: Summary, *, textual: bool = False) -> tuple[Column, ...]:
    """The columns, in the order they were first seen in; a column without any value is nullable text."""
    return tuple(
        Column(name, ColumnType(kind_of(column.seen, textual=textual)), nullable=column.values < summary.rows)
        for name, column in summary.columns.items()
    )


def kind_of(seen: Seen, *, textual: bool) -> TypeKind:
    """The narrowest type that holds values of all of these kinds; text where no value was seen."""
    if not seen:
        return TypeKind.TEXT
    if seen in NUMBERS and textual:
        return _kind_of_written_numbers(seen)
    if seen in NUMBERS:
        if seen & (Seen.DECIMAL | Seen.HUGE) or (Seen.LARGE | Seen.DOUBLE) in seen:
            return TypeKind.NUMERIC
        return TypeKind.DOUBLE if seen & Seen.DOUBLE else TypeKind.BIGINT
    if seen in _SINGLE:
        return _SINGLE[seen]
    return TypeKind.TEXT if textual or seen in WRITTEN else TypeKind.JSONB


def _kind_of_written_numbers(seen: Seen) -> TypeKind:
    """The type that writes all of the numbers as they came; text if there is none."""
    if seen & Seen.DOUBLE:
        return TypeKind.DOUBLE if seen in Seen.DOUBLE | Seen.SMALL | Seen.SHORT_DECIMAL else TypeKind.TEXT
    return TypeKind.NUMERIC if seen & (Seen.DECIMAL | Seen.SHORT_DECIMAL | Seen.HUGE) else TypeKind.BIGINT


def _seen(values: Iterable[Any], found: Seen, *, textual: bool) -> Seen:
    for value in values:
        if isinstance(value, str):
            if Seen.TEXT not in found:  # whatever else a text may be read as, one plain text makes the column text
                found |= _seen_in_text(value, textual=textual)
        else:
            found |= _seen_in_value(value)
    return found


_TYPES: dict[type, Seen] = {
    bool: Seen.BOOLEAN,
    Decimal: Seen.DECIMAL,
    date: Seen.DATE,
    time: Seen.TIME,
    UUID: Seen.UUID,
    bytes: Seen.BINARY,
}


def _seen_in_value(value: Any) -> Seen:
    match value:
        case int() if not isinstance(value, bool):
            return _integer(value)
        case float():
            return Seen.DOUBLE
        case datetime():
            return Seen.TIMESTAMP if value.tzinfo is None else Seen.TIMESTAMPTZ
        case _:
            return _TYPES.get(type(value), Seen.DOCUMENT)


def _integer(value: int) -> Seen:
    if abs(value) <= EXACT_IN_DOUBLE:
        return Seen.SMALL
    if -LARGEST_BIGINT - 1 <= value <= LARGEST_BIGINT:
        return Seen.LARGE
    return Seen.HUGE if abs(value) < 10**MAX_DIGITS else Seen.DOCUMENT


def _seen_in_text(text: str, *, textual: bool) -> Seen:
    seen = _seen_in_number(text) if textual else None
    if seen is not None:
        return seen
    if _UUID.fullmatch(text):
        return Seen.UUID
    if _DATE.fullmatch(text) and _reads_as(text, date):
        return Seen.DATE
    if _TIMED.fullmatch(text) and not finer_than_microseconds(text) and _reads_as(text, datetime):
        return Seen.TIMESTAMPTZ if msgspec.convert(text, type=datetime).tzinfo else Seen.TIMESTAMP
    return Seen.TEXT


def _seen_in_number(text: str) -> Seen | None:
    """What a CSV field without further marks is: a boolean, a number that is written so, or neither."""
    if text in {"true", "false"}:
        return Seen.BOOLEAN
    if text.startswith("-") and not text.strip("-0."):
        return None  # a zero with a sign, which only text keeps
    if _INTEGER.fullmatch(text):
        number = int(text)
        return Seen.LARGE if WITHOUT_EXPONENT <= abs(number) <= EXACT_IN_DOUBLE else _integer(number)
    if _DECIMAL.fullmatch(text):
        return Seen.SHORT_DECIMAL if _written_as_double(text) else Seen.DECIMAL
    return Seen.DOUBLE if _FLOAT.fullmatch(text) and _written_as_double(text) else None


def _written_as_double(text: str) -> bool:
    """Whether PostgreSQL writes the double that is nearest to the text with this text.

    It writes the fewest digits that lie between the middles to the next doubles, and what Python writes is that, for
    up to 15 digits, unless it is such a middle itself, which only large integers with an exponent are (`1e23`).
    """
    number = float(text)
    digits = text.partition("e")[0].replace(".", "").lstrip("-0")
    if repr(number) != text or len(digits) > DOUBLE_DIGITS or text.endswith(".0"):
        return False
    if "e" not in text:
        return bool(abs(number) < WITHOUT_EXPONENT)
    return "e-" in text or bool(2 * abs(int(Decimal(text)) - int(number)) < math.ulp(number))


def _reads_as(text: str, wanted: type) -> bool:
    try:
        msgspec.convert(text, type=wanted)
    except msgspec.ValidationError:
        return False
    return True
