"""The narrowest type that holds what a column was declared for and what came and did not fit as well. Pure.

Families are those of the policy on drift: smallint < integer < bigint < numeric; real < double precision; varchar(n) <
text; numeric of more digits before the point; date < timestamp. All else is another family: text holds everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.ingestion.rows.checks import MAX_DIGITS
from app.ingestion.rows.inference import NUMBERS, WRITTEN, Seen
from app.ingestion.rows.values import is_number
from app.warehouse.types import INTEGER_KINDS, MAX_NUMERIC_PRECISION, TEXT_KINDS, ColumnType, TypeKind

_LARGEST_DOUBLE = Decimal("1.7976931348623157e308")
_INTEGERS = (TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT)
_TEXT = ColumnType(TypeKind.TEXT)
_LONGEST_NUMBER = MAX_DIGITS * 4
"""Bits of an integer that may have `MAX_DIGITS` digits: a longer one is not written out."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How large and how fine the numbers among some values are."""

    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    """The largest; zero is always within."""
    scale: int = 0
    """Most digits after the point, zeros at the end aside."""
    plain: bool = True
    """Whether all numbers are finite, with `MAX_DIGITS` digits at most on either side of the point."""

    def __or__(self, other: "Extent") -> "Extent":
        return Extent(
            min(self.low, other.low),
            max(self.high, other.high),
            max(self.scale, other.scale),
            self.plain and other.plain,
        )

    @property
    def digits(self) -> int:
        """Most digits before the point."""
        return max((number.adjusted() + 1 for number in (self.low, self.high) if number), default=0)


def extent_of(values: Iterable[Any]) -> Extent:
    """The extent of the numbers among the values; a text that is written as a number is one."""
    found = Extent()
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            continue
        if not isinstance(value, str) or (len(value) <= MAX_DIGITS and is_number(value)):
            found |= _extent(value)
    return found


def _extent(value: float | Decimal | str) -> Extent:
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return Extent(plain=False)
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except ArithmeticError:  # an exponent of many digits
        return Extent(plain=False)
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        return Extent(plain=not number)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    significant = len("".join(map(str, digits)).rstrip("0"))
    scale = max(0, -(exponent + len(digits) - significant)) if significant else 0
    return Extent(min(number, Decimal(0)), max(number, Decimal(0)), scale, scale <= MAX_DIGITS)


def widened(declared: ColumnType, seen: Seen, extent: Extent, *, textual: bool) -> ColumnType | None:
    """The narrowest type that holds values of the declared type as well as those that did not fit.

    None when no type does without losing what the declared one keeps: a numeric's scale is never changed, a text column
    takes no numbers, and values that nobody saw need no other type.

    Args:
        declared: of the column.
        seen: kinds of the values that did not fit.
        extent: of the numbers among them.
        textual: whether they came as text, all of them (CSV).
    """
    if not seen:
        return None
    wider: ColumnType | None = _TEXT
    kind, numbers = declared.kind, seen in NUMBERS
    if kind in TEXT_KINDS:
        wider = _TEXT if textual or seen in WRITTEN else None
    elif kind in INTEGER_KINDS and numbers:
        wider = _of_integers(extent)
    elif kind is TypeKind.NUMERIC and numbers:
        wider = _of_numerics(declared, extent)
    elif kind is TypeKind.REAL and numbers:
        fits = extent.plain and max(extent.high, -extent.low) <= _LARGEST_DOUBLE
        wider = ColumnType(TypeKind.DOUBLE) if fits else _TEXT
    elif kind is TypeKind.DATE and seen in (Seen.DATE | Seen.TIMESTAMP):
        wider = ColumnType(TypeKind.TIMESTAMP)
    elif kind is TypeKind.DATE and seen in (Seen.DATE | Seen.TIMESTAMPTZ):
        wider = ColumnType(TypeKind.TIMESTAMPTZ)
    return None if wider == declared else wider


def _of_integers(extent: Extent) -> ColumnType:
    if not extent.plain:
        return _TEXT
    for kind in _INTEGERS if not extent.scale else ():
        low, high = ColumnType(kind).integer_range or (0, 0)
        if low <= extent.low and extent.high <= high:
            return ColumnType(kind)
    return ColumnType(TypeKind.NUMERIC)


def _of_numerics(declared: ColumnType, extent: Extent) -> ColumnType | None:
    """A numeric of as many digits after the point, and of more before; text where the declared one has no bounds."""
    if declared.precision is None or declared.scale is None:
        return _TEXT
    precision = max(declared.precision, extent.digits + declared.scale)
    if not extent.plain or extent.scale > declared.scale or precision > MAX_NUMERIC_PRECISION:
        return None
    return ColumnType(TypeKind.NUMERIC, precision=precision, scale=declared.scale)
