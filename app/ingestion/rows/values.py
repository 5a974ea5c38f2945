"""The Python type of a contract's column, which a compiled decoder validates: type, nullability, bounds, length.

Beside it, the rules on what is written that no type says, one for all formats: how a number looks, which numbers are
integers, which times are finer than PostgreSQL keeps them. `field_reader.py` applies them.
Invariant: what a built type (with the checks of `checks.py`) accepts, PostgreSQL can store in that column.
"""

import re
from datetime import date, datetime, time
from decimal import Decimal, DecimalException
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from app.warehouse.plan import Column
from app.warehouse.types import INTEGER_KINDS, TEXT_KINDS, ColumnType, TypeKind

_PLAIN: dict[TypeKind, Any] = {
    **dict.fromkeys(TEXT_KINDS, str),
    **dict.fromkeys(INTEGER_KINDS, int),
    **dict.fromkeys((TypeKind.REAL, TypeKind.DOUBLE), float),
    TypeKind.NUMERIC: Decimal,
    TypeKind.BOOLEAN: bool,
    TypeKind.DATE: date,
    TypeKind.TIME: Annotated[time, msgspec.Meta(tz=False)],
    TypeKind.TIMESTAMP: Annotated[datetime, msgspec.Meta(tz=False)],
    TypeKind.TIMESTAMPTZ: Annotated[datetime, msgspec.Meta(tz=True)],
    TypeKind.UUID: UUID,
    TypeKind.BYTEA: bytes,
    TypeKind.JSONB: msgspec.Raw,
}


NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
"""What `is_number` takes, as a pattern."""

_NUMBER = re.compile(NUMBER)
_FINER_TIME = re.compile(r"\.[0-9]{6}[0-9]*[1-9]")
_LONGEST_INTEGER = 20
"""No integer type has as many digits: what has more is not computed."""


class BadCheckError(ValueError):
    """A bound or choice in a contract's check is not a value of the column's type."""


def check_value(column_type: ColumnType, value: object) -> Any:
    """The value of a check (`min`, `max`, an element of `one_of`) as the column's Python type.

    Raises:
        BadCheckError: it is none.
    """
    plain = _PLAIN[column_type.kind]
    try:
        return msgspec.convert(value, type=plain, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise BadCheckError(f"{value!r} is no {column_type}: {error}") from error


def python_type(column: Column, document: Any = msgspec.Raw, max_length: int | None = None) -> Any:
    """The type that the decoder checks a value of the column against, nulls aside.

    `document` stands for jsonb; `max_length` bounds texts beside what the column's type says.
    """
    kind = column.type.kind
    if kind is TypeKind.JSONB:
        return document
    if column.checks.one_of is not None and kind in INTEGER_KINDS | TEXT_KINDS:
        return Literal[tuple(check_value(column.type, value) for value in column.checks.one_of)]
    if kind in INTEGER_KINDS:
        low, high = integer_bounds(column)
        return Annotated[int, msgspec.Meta(ge=low, le=high)]
    lengths = [length for length in (column.type.length, max_length) if length is not None]
    if kind in TEXT_KINDS and lengths:
        return Annotated[str, msgspec.Meta(max_length=min(lengths))]
    return _PLAIN[kind]


def nullable(value_type: Any) -> Any:
    """The type, or null. Anything and raw JSON hold null already (a union would take raw JSON's meaning away)."""
    return value_type if value_type in (Any, msgspec.Raw) else value_type | None


def integer_bounds(column: Column) -> tuple[int, int]:
    """The smallest and the largest integer that the column takes, by its type and its checks."""
    bounds = column.type.integer_range
    assert bounds is not None
    low, high = bounds
    if column.checks.minimum is not None:
        low = max(low, check_value(column.type, column.checks.minimum))
    if column.checks.maximum is not None:
        high = min(high, check_value(column.type, column.checks.maximum))
    return low, high


def is_number(text: str) -> bool:
    """Whether the text is a number as JSON writes them (RFC 8259, section 6), the one spelling in all formats.

    So `007`, `+1`, `.5`, ` 1`, `1_000`, full-width digits and `Infinity` are none.
    """
    return _NUMBER.fullmatch(text) is not None


def integral(number: str) -> int | None:
    """The integer that a number's text is exactly: 1 of `1.0`, 1000 of `1e3`; None of `1.5`, and of what is no number.

    Raises:
        OverflowError: it has more digits than any integer type.
    """
    if not is_number(number):
        return None
    digits, _, exponent = number.lower().partition("e")
    if not digits.strip("-0."):
        return 0
    try:
        value = Decimal(number)
    except DecimalException:  # an exponent of many digits
        if exponent.startswith("-"):
            return None
        raise OverflowError(number) from None
    if value.adjusted() >= _LONGEST_INTEGER:
        raise OverflowError(number)
    return int(value) if value == value.to_integral_value() else None


def finer_than_microseconds(time_text: str) -> bool:
    """Whether a time's text has more than the six decimals of a second that PostgreSQL keeps. Zeros do not count."""
    return _FINER_TIME.search(time_text) is not None
