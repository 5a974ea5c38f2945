"""Values of columns within contracts: read from JSON as the column's own type, and written back. Pure."""

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.warehouse.types import FLOAT_KINDS, INTEGER_KINDS, NUMBER_KINDS, TEXT_KINDS, ColumnType, TypeKind

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?")
_ISO = re.compile(r"(?:\d{4}-\d{2}-\d{2})?(?:[T ]?\d{2}:\d{2}.*)?", re.ASCII)
"""The part of ISO 8601 that PostgreSQL reads too: no week dates, no ordinal dates."""

_EXAMPLES = {
    TypeKind.DATE: "2026-01-31",
    TypeKind.TIME: "23:59:00",
    TypeKind.TIMESTAMP: "2026-01-31T23:59:00",
    TypeKind.TIMESTAMPTZ: "2026-01-31T23:59:00Z",
}


class UnfitValueError(ValueError):
    """The value is none of the column's type; the message says what one looks like."""


def literal(value: Any, column_type: ColumnType) -> Any:
    """The JSON value as the column's type: int, float, Decimal, bool, str, UUID, date, time or datetime.

    Raises:
        UnfitValueError: another JSON type, another spelling, or out of the type's range.
    """
    kind = column_type.kind
    if kind in NUMBER_KINDS:
        return _number(value, column_type)
    if kind is TypeKind.BOOLEAN:
        if not isinstance(value, bool):
            raise UnfitValueError("The column takes true or false.")
        return value
    if not isinstance(value, str):
        raise UnfitValueError(f"A value of type {column_type} is written as text.")
    if kind in TEXT_KINDS:
        if column_type.length is not None and len(value) > column_type.length:
            raise UnfitValueError(f"The column holds at most {column_type.length} characters.")
        return value
    if kind is TypeKind.UUID:
        if not _UUID.fullmatch(value):
            raise UnfitValueError("A UUID looks like 01890a5d-ac96-774b-bcce-b302099a8057.")
        return UUID(value)
    return _temporal(value, kind)


def written(value: Any) -> Any:
    """The value as JSON writes it; `literal` reads it back."""
    if isinstance(value, Decimal):
        short = float(value)
        if value == value.to_integral_value() and abs(value) < 2**53:
            return int(value)
        return short if math.isfinite(short) and Decimal(repr(short)) == value else format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, (date, time)) else value


def _number(value: Any, column_type: ColumnType) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UnfitValueError("The column takes numbers.")
    if column_type.kind in INTEGER_KINDS:
        low, high = column_type.integer_range or (0, 0)
        if not isinstance(value, int) or not low <= value <= high:
            raise UnfitValueError(f"A {column_type} is a whole number between {low} and {high}.")
        return value
    if column_type.kind in FLOAT_KINDS:
        return _float(value)
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise UnfitValueError("Write a JSON number, or a decimal number as text.")
    number = Decimal(str(value))
    digits = number.adjusted() + 1 if number else 0
    if not number.is_finite() or digits > (column_type.precision or 1000) - (column_type.scale or 0):
        raise UnfitValueError(f"The number does not fit {column_type}.")
    return number


def _float(value: float | str) -> float:
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnfitValueError("The column takes finite JSON numbers.")
    return number


def _temporal(value: str, kind: TypeKind) -> Any:
    wrong = UnfitValueError(f"Write a {kind.value} as ISO 8601 does, such as {_EXAMPLES[kind]}.")
    if not _ISO.fullmatch(value):
        raise wrong
    try:
        if kind is TypeKind.DATE:
            return date.fromisoformat(value)
        moment: time | datetime = time.fromisoformat(value) if kind is TypeKind.TIME else datetime.fromisoformat(value)
    except ValueError as error:
        raise wrong from error
    if (moment.tzinfo is not None) != (kind is TypeKind.TIMESTAMPTZ):
        raise wrong
    return moment
