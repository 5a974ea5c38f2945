"""Checks of decoded values by column: what a decoder cannot say, looked at over a whole chunk before single values.

Pure. `passes` looks at all non-null values of a chunk at once; `bad` at one value, only when a chunk has not passed.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from itertools import repeat
from math import isfinite, isnan
from typing import Any

import msgspec
import re2

from app.ingestion.rows.values import BadCheckError, check_value
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.rejections import RejectionCode
from app.warehouse.types import INTEGER_KINDS, TEXT_KINDS, ColumnType, TypeKind

MAX_PATTERN_CHARACTERS = 512
"""Longest `pattern` that is compiled; RE2 runs in time linear in pattern and text."""

MAX_MATCHED_CHARACTERS = 10_000
"""Longest text that a pattern is tried on; longer text does not pass."""

MAX_DIGITS = 1000
"""Significant digits, and decimal exponent either way, of a number: the precision that PostgreSQL lets be declared."""

MAX_INDEXED_BYTES = 2400
"""Long values of one row in an index. PostgreSQL's B-tree refuses entries beyond 2704 bytes of an 8 kB page, of which
up to sixteen short values (16 bytes each at most) and the headers need their part."""

SHORT_DIGITS = 16
"""Most digits of a numeric that takes no more of an index than a UUID, the longest of the short values."""

NUMBER_HEADER_BYTES = 11
"""What a numeric takes beside its digits, of which two make a byte: headers, and groups of four that are not full."""

NULL_DOCUMENT = "null"
"""JSON's null, which in a column of documents is the column's null."""

REAL_SMALLEST, REAL_LARGEST = 7.006492321624087e-46, 3.4028235677973366e38
"""The doubles next to which others would become zero or infinite as IEEE 754 binary32, which PostgreSQL refuses. The
largest real itself is smaller: PostgreSQL writes it as 3.4028235e38, which is above it, and reads that back."""

_NUMBERS = Context(
    prec=MAX_DIGITS, Emin=-MAX_DIGITS, Emax=MAX_DIGITS, traps=[Clamped, Inexact, InvalidOperation, Overflow, Subnormal]
)
_DOCUMENTS = msgspec.json.Decoder(msgspec.Raw)  # looks at every byte, and makes nothing of it
_SUSPECT_NUMBER = re.compile(rf"[eE][+-]?[0-9]{{4,}}|(?<![0-9])[0-9]{{{MAX_DIGITS},}}")
_SUSPECT_PARTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*+\\u0000")
SHOWN_CHOICES = 10
"""Allowed values that a message names."""


@dataclass(frozen=True)
class ColumnCheck:
    """A demand on the non-null values of a column."""

    column: str
    code: RejectionCode
    message: str
    """What is said of a value that fails: it follows the value, as in "is below the minimum 5"."""
    bad: Callable[[Any], bool]
    passes: Callable[[Sequence[Any]], bool]
    of_type: bool = False
    """Whether the column's type makes the demand: a wider type would not."""


def column_checks(plan: RelationPlan, column: Column) -> Iterator[ColumnCheck]:
    """The checks of a column.

    Raises:
        BadCheckError: the contract's check cannot be read.
    """
    kind = column.type.kind
    if kind is TypeKind.NUMERIC:
        yield _numeric(column)
        if column.name in exact_columns(plan) and column.type.scale is not None:
            yield _exactly(column, column.type.scale)
    if kind is TypeKind.REAL:
        said = "is outside the range of real"
        yield replace(_check(column, RejectionCode.OUT_OF_RANGE, said, _outside_real), of_type=True)
    if kind is TypeKind.JSONB:
        if column.name in plan.required:
            yield _check(column, RejectionCode.NOT_NULL, "is null", lambda text: text.strip() == NULL_DOCUMENT)
        message = "holds text or numbers that jsonb cannot store"
        yield _check(column, RejectionCode.INVALID_TEXT, message, _unstorable_document)
    limit = indexed_limit(plan, column)
    if limit is not None:
        yield from _long_values(column, limit)
    yield from _declared(column)


def exact_columns(plan: RelationPlan) -> frozenset[str]:
    """The columns whose values are taken exactly or not at all: rounded, two keys or moments could become one.

    In other columns PostgreSQL rounds: a numeric half away from zero, a time to the nearest microsecond.
    """
    return frozenset({*plan.key, plan.event_time})


def wide_check(plan: RelationPlan, column: Column) -> ColumnCheck | None:
    """The check that an indexed text fits into its index, which only text beyond ASCII can fail (see `python_type`)."""
    limit = indexed_limit(plan, column)
    if limit is None or column.type.kind not in TEXT_KINDS:
        return None
    return _indexed(column, limit, lambda value: len(value.encode("utf-8", "replace")) > limit)


def indexed_limit(plan: RelationPlan, column: Column) -> int | None:
    """Most bytes of an indexed value that may be long: the long ones of the identity share an index, and so its limit.

    None for other columns.
    """
    if not _is_long(column.type) or column.name not in {*plan.identity, *plan.unique}:
        return None
    if column.name not in plan.identity:
        return MAX_INDEXED_BYTES
    return MAX_INDEXED_BYTES // sum(1 for name in plan.identity if _is_long(plan.column(name).type))


def _is_long(column_type: ColumnType) -> bool:
    """Whether a value of the type may take more of an index than a UUID."""
    if column_type.kind is TypeKind.NUMERIC:
        return column_type.precision is None or column_type.precision > SHORT_DIGITS
    return column_type.kind in TEXT_KINDS | {TypeKind.BYTEA}


def _long_values(column: Column, limit: int) -> Iterator[ColumnCheck]:
    """The checks that an indexed value fits, as far as the decoder does not look at its length already."""
    kind = column.type.kind
    if kind is TypeKind.BYTEA:
        yield _indexed(column, limit, lambda value: len(value) > 2 * limit + len("\\x"))
    elif kind is TypeKind.NUMERIC:
        digits = 2 * (limit - NUMBER_HEADER_BYTES)
        if (column.type.precision or MAX_DIGITS) > digits:
            yield _indexed(column, limit, lambda value: len(value.as_tuple().digits) > digits)
    elif column.checks.one_of is not None:
        yield _indexed(column, limit, lambda value: len(value) > limit)


def _check(column: Column, code: RejectionCode, message: str, bad: Callable[[Any], bool]) -> ColumnCheck:
    return ColumnCheck(column.name, code, message, bad, lambda values: not any(map(bad, values)))


def _declared(column: Column) -> Iterator[ColumnCheck]:
    checks, kind = column.checks, column.type.kind
    if kind not in INTEGER_KINDS:
        if checks.minimum is not None:
            low = check_value(column.type, checks.minimum)
            message = f"is below the minimum {checks.minimum}"
            yield _range(column, message, lambda value: bool(_is_number(value) and value < low), _at_least(low))
        if checks.maximum is not None:
            high = check_value(column.type, checks.maximum)
            message = f"is above the maximum {checks.maximum}"
            yield _range(column, message, lambda value: bool(not _is_number(value) or value > high), _at_most(high))
    if checks.one_of is not None and kind not in INTEGER_KINDS | TEXT_KINDS:
        allowed = frozenset(check_value(column.type, value) for value in checks.one_of)
        yield ColumnCheck(
            column.name, RejectionCode.ONE_OF, not_among(column), lambda value: value not in allowed, allowed.issuperset
        )
    if checks.pattern is not None:
        yield _pattern(column, checks.pattern)


def _is_number(value: Any) -> bool:
    """Whether a value is one that can be compared, as all are but NaN, which PostgreSQL has above all numbers."""
    return bool(value == value)  # noqa: PLR0124 - the definition of NaN


def _at_least(low: Any) -> Callable[[Sequence[Any]], bool]:
    def passes(values: Sequence[Any]) -> bool:
        try:
            return bool(min(values) >= low)  # beside NaN it is False, or right
        except ArithmeticError:
            return False

    return passes


def _at_most(high: Any) -> Callable[[Sequence[Any]], bool]:
    def passes(values: Sequence[Any]) -> bool:
        try:
            return bool(max(values) <= high) and not (isinstance(high, float) and any(map(isnan, values)))
        except ArithmeticError:
            return False

    return passes


def not_among(column: Column) -> str:
    """What is said of a value that is none of the allowed ones: it names the first of them."""
    choices = column.checks.one_of or ()
    more = f" and {len(choices) - SHOWN_CHOICES} more" if len(choices) > SHOWN_CHOICES else ""
    return f"is not among the allowed values {', '.join(map(str, choices[:SHOWN_CHOICES]))}{more}"


def _range(
    column: Column, message: str, bad: Callable[[Any], bool], passes: Callable[[Sequence[Any]], bool]
) -> ColumnCheck:
    return ColumnCheck(column.name, RejectionCode.OUT_OF_RANGE, message, bad, passes)


def _pattern(column: Column, pattern: str) -> ColumnCheck:
    if column.type.kind not in TEXT_KINDS or len(pattern) > MAX_PATTERN_CHARACTERS:
        raise BadCheckError(f"a pattern is for text and has at most {MAX_PATTERN_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        raise BadCheckError(f"the pattern cannot be read: {error}") from error

    def bad(value: str) -> bool:
        return len(value) > MAX_MATCHED_CHARACTERS or search(value) is None

    return _check(column, RejectionCode.PATTERN, f"does not match the pattern {pattern}", bad)


def _numeric(column: Column) -> ColumnCheck:
    precision, scale = column.type.precision, column.type.scale
    largest = Decimal(f"1E{MAX_DIGITS}")
    if precision is not None and scale is not None:
        # PostgreSQL rounds to the scale half away from zero, then compares with 10^(precision - scale).
        half = Decimal(5).scaleb(-scale - 1)
        largest = Context(prec=MAX_DIGITS + 1).subtract(Decimal(1).scaleb(precision - scale), half)
    smallest = largest.copy_negate()

    def passes(values: Sequence[Decimal]) -> bool:
        try:
            deque(map(_NUMBERS.plus, values), maxlen=0)
            return max(values) < largest and min(values) > smallest
        except (ArithmeticError, ValueError):
            return False

    def bad(value: Decimal) -> bool:
        if not value.is_finite():  # PostgreSQL has NaN in every numeric, infinity only where no precision bounds it
            return value.is_infinite() and precision is not None
        return not passes((value,))

    return replace(_range(column, f"is outside the range of {column.type}", bad, passes), of_type=True)


def _exactly(column: Column, scale: int) -> ColumnCheck:
    """The check that a number has no more digits after the point than its column; zeros do not count."""
    step = Decimal(1).scaleb(-scale)
    exact = Context(prec=2 * MAX_DIGITS + 2, traps=[Inexact, InvalidOperation])

    def passes(values: Sequence[Decimal]) -> bool:
        try:
            deque(map(exact.quantize, values, repeat(step)), maxlen=0)
        except ArithmeticError:
            return False
        return True

    message = f"has more than {scale} digits after the point, and is not rounded, as it tells rows apart"
    return ColumnCheck(
        column.name, RejectionCode.NOT_EXACT, message, lambda value: not passes((value,)), passes, of_type=True
    )


def _indexed(column: Column, limit: int, bad: Callable[[Any], bool]) -> ColumnCheck:
    return _check(column, RejectionCode.TOO_LONG, f"has more than {limit} bytes, which no index can hold", bad)


def _outside_real(value: float) -> bool:
    return not (value == 0 or REAL_SMALLEST <= abs(value) <= REAL_LARGEST or not isfinite(value))


def _unstorable_document(text: str) -> bool:
    """Whether a JSON text holds what jsonb refuses: NUL, lone surrogates, extreme numbers, extreme depth. One pass."""
    try:
        _DOCUMENTS.decode(text)
        if "\\u0000" in text or _SUSPECT_NUMBER.search(text):
            return any(_unstorable_part(part.group()) for part in _SUSPECT_PARTS.finditer(text))
    except (ValueError, RecursionError):
        return True
    return False


def _unstorable_part(part: str) -> bool:
    """Whether jsonb refuses a string or a number of a JSON text."""
    if part.startswith('"'):
        return _NUL.search(part) is not None
    try:
        _NUMBERS.plus(_NUMBERS.create_decimal(part))
    except ArithmeticError:
        return True
    return False


def values_of(rows: Sequence[tuple[Any, ...]], index: int) -> list[Any]:
    """The non-null values of one position in all rows."""
    return [row[index] for row in rows if row[index] is not None]


def failed_rows(rows: Sequence[tuple[Any, ...]], checks: Sequence[tuple[int, ColumnCheck]]) -> list[int]:
    """The positions of rows that fail a check, in order. `checks` name the value's position in a row."""
    failed: set[int] = set()
    for index, check in checks:
        values = values_of(rows, index)
        if not values or check.passes(values):
            continue
        failed.update(at for at, row in enumerate(rows) if row[index] is not None and check.bad(row[index]))
    return sorted(failed)


def unstorable_text(text: str) -> bool:
    """Whether the text holds a NUL character or a lone surrogate, which PostgreSQL cannot store."""
    if "\x00" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
