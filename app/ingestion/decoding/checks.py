"""Checks of decoded values by column: what a decoder cannot say, looked at over a whole chunk before single values.

Pure. `passes` looks at all non-null values of a chunk at once; `bad` at one value, only when a chunk has not passed.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from math import isfinite
from typing import Any

import msgspec
import re2

from app.ingestion.decoding.values import BadCheckError, check_value
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
_DOCUMENTS = msgspec.json.Decoder(float_hook=str)  # jsonb holds numbers beyond a double's range
_SUSPECT_NUMBER = re.compile(rf"[eE][+-]?\d{{4,}}|\d{{{MAX_DIGITS},}}")


@dataclass(frozen=True)
class ColumnCheck:
    """A demand on the non-null values of a column."""

    column: str
    code: RejectionCode
    message: str
    bad: Callable[[Any], bool]
    passes: Callable[[Sequence[Any]], bool]


def column_checks(plan: RelationPlan, column: Column, *, exact: bool) -> Iterator[ColumnCheck]:
    """The checks of a column. `exact` says that the decoder lets no NaN and no infinity through (JSON has none).

    Raises:
        BadCheckError: the contract's check cannot be read.
    """
    kind = column.type.kind
    if kind is TypeKind.NUMERIC:
        yield _numeric(column)
    if kind is TypeKind.REAL:
        yield _check(column, RejectionCode.OUT_OF_RANGE, "is outside the range of real", _outside_real)
    elif kind is TypeKind.DOUBLE and not exact:
        finite = "is not a finite number"
        yield _range(column, finite, lambda value: not isfinite(value), lambda values: all(map(isfinite, values)))
    if kind is TypeKind.JSONB:
        if column.name in plan.required:
            yield _check(column, RejectionCode.NOT_NULL, "is null", lambda text: text.strip() == NULL_DOCUMENT)
        message = "holds text or numbers that jsonb cannot store"
        yield _check(column, RejectionCode.INVALID_TEXT, message, _unstorable_document)
    limit = indexed_limit(plan, column)
    if limit is not None:
        yield from _long_values(column, limit)
    yield from _declared(column)


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
            yield _range(column, message, lambda value: bool(value < low), lambda values: bool(min(values) >= low))
        if checks.maximum is not None:
            high = check_value(column.type, checks.maximum)
            message = f"is above the maximum {checks.maximum}"
            yield _range(column, message, lambda value: bool(value > high), lambda values: bool(max(values) <= high))
    if checks.one_of is not None and kind not in INTEGER_KINDS | TEXT_KINDS:
        allowed = frozenset(check_value(column.type, value) for value in checks.one_of)
        message = "is not among the allowed values"
        yield ColumnCheck(
            column.name, RejectionCode.ONE_OF, message, lambda value: value not in allowed, allowed.issuperset
        )
    if checks.pattern is not None:
        yield _pattern(column, checks.pattern)


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

    return _check(column, RejectionCode.PATTERN, "does not match the pattern", bad)


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

    return _range(column, f"is outside the range of {column.type}", lambda value: not passes((value,)), passes)


def _indexed(column: Column, limit: int, bad: Callable[[Any], bool]) -> ColumnCheck:
    return _check(column, RejectionCode.TOO_LONG, f"has more than {limit} bytes, which no index can hold", bad)


def _outside_real(value: float) -> bool:
    return not (value == 0 or REAL_SMALLEST <= abs(value) <= REAL_LARGEST)


def _unstorable_document(text: str) -> bool:
    """Whether a JSON text holds what jsonb refuses: NUL, lone surrogates, extreme numbers, extreme depth."""
    try:
        _DOCUMENTS.decode(text)
        if "\\u0000" in text or _SUSPECT_NUMBER.search(text):
            document = json.loads(text, parse_float=_small_number, parse_int=_small_number)
            return any("\x00" in item for item in _texts(document))
    except (ValueError, ArithmeticError, RecursionError):
        return True
    return False


def _small_number(text: str) -> Decimal:
    return _NUMBERS.plus(_NUMBERS.create_decimal(text))


def _texts(document: Any) -> Iterator[str]:
    waiting = deque([document])
    while waiting:
        item = waiting.popleft()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def values_of(rows: Sequence[tuple[Any, ...]], index: int) -> list[Any]:
    """The non-null values of one position in all rows."""
    return [row[index] for row in rows if row[index] is not None]


def first_faults(rows: Sequence[tuple[Any, ...]], checks: Sequence[tuple[int, ColumnCheck]]) -> dict[int, ColumnCheck]:
    """The first check that each row fails, by the row's position. `checks` name the value's position."""
    faults: dict[int, ColumnCheck] = {}
    for index, check in checks:
        values = values_of(rows, index)
        if not values or check.passes(values):
            continue
        for position, row in enumerate(rows):
            if row[index] is not None and position not in faults and check.bad(row[index]):
                faults[position] = check
    return faults


def unstorable_texts(row: tuple[Any, ...]) -> Iterator[int]:
    """Positions of texts with a NUL character or a lone surrogate."""
    for index, value in enumerate(row):
        if isinstance(value, str) and ("\x00" in value or not _encodable(value)):
            yield index


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
