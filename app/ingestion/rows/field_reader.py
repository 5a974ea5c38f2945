"""One value of one column, read alone: the slow path beside the compiled decoders of `row_model.py`.

A row that a compiled decoder refuses is read field by field. So every fault is found, each is said with the value, the
rule and an example, and what is right though no type says so is taken: `1.0` as an integer, in all formats alike.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from app.ingestion.rows.checks import exact_columns, indexed_limit, not_among
from app.ingestion.rows.documents import json_text
from app.ingestion.rows.text_values import FINE_KINDS, SPECIAL_NUMBERS, FieldOutOfRange, UnreadableField, reader_of
from app.ingestion.rows.values import check_value, finer_than_microseconds, integer_bounds, integral, python_type
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.rejections import RejectionCode, RowFault, clip
from app.warehouse.types import FLOAT_KINDS, INTEGER_KINDS, TEMPORAL_KINDS, ColumnType, TypeKind

MAX_SHOWN_CHARACTERS = 60
"""How much of a value a message shows; the row's text stands beside it."""

_TEXT = msgspec.json.Decoder(str)
WRITTEN_KINDS = TEMPORAL_KINDS | {TypeKind.NUMERIC, TypeKind.UUID, TypeKind.BYTEA}
"""Types whose values may come as text in JSON and Parquet, too."""

_RULES = {
    TypeKind.TEXT: ("text", '"some text"'),
    TypeKind.VARCHAR: ("text", '"some text"'),
    TypeKind.SMALLINT: ("a whole number", "42"),
    TypeKind.INTEGER: ("a whole number", "42"),
    TypeKind.BIGINT: ("a whole number", "42"),
    TypeKind.NUMERIC: ("a number", "12.5"),
    TypeKind.REAL: ("a number", "12.5"),
    TypeKind.DOUBLE: ("a number", "12.5"),
    TypeKind.BOOLEAN: ("true or false", "true"),
    TypeKind.DATE: ("a date", '"2026-01-02"'),
    TypeKind.TIME: ("a time of day without an offset", '"10:00:00"'),
    TypeKind.TIMESTAMP: ("a date and time without an offset", '"2026-01-02T10:00:00"'),
    TypeKind.TIMESTAMPTZ: ("a date and time with an offset", '"2026-01-02T10:00:00+02:00"'),
    TypeKind.UUID: ("a UUID", '"01890a5d-ac96-774b-bcce-b302099a8057"'),
    TypeKind.JSONB: ("a JSON document", '{"a": 1}'),
    TypeKind.BYTEA: ("binary in base64, or in hex after \\\\x", '"AAEC"'),
}


class BadValue(ValueError):  # noqa: N818 - names what was found, as the other refusals do
    """A value that its column does not take."""

    def __init__(self, code: RejectionCode, message: str, *, of_type: bool) -> None:
        """Says why; `of_type` says that the column's type does not hold the value, whatever its checks demand."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.of_type = of_type


def shown(value: Any) -> str:
    """A value as messages show it: the beginning of its text, which is never how Python would print it."""
    text = value if isinstance(value, str | bytes) else _written(value)
    head = clip(text[: 4 * MAX_SHOWN_CHARACTERS], MAX_SHOWN_CHARACTERS)
    return head if len(text) <= MAX_SHOWN_CHARACTERS or len(head) < MAX_SHOWN_CHARACTERS else head + "…"


def _written(value: Any) -> str:
    if not isinstance(value, bool | list | dict | timedelta):
        return str(value)
    beginning = value[:MAX_SHOWN_CHARACTERS] if isinstance(value, list) else value
    try:
        return json_text(beginning).strip('"')
    except (ValueError, TypeError):
        return "a list" if isinstance(value, list) else "an object"


def example_of(column_type: ColumnType) -> str:
    """What a value of the type is, with an example."""
    rule, example = _RULES[column_type.kind]
    return f"{rule}, for example {example}"


def value_code(message: str) -> RejectionCode:
    """The code for what a compiled decoder says of a value (a test pins its messages).

    What was sent stands in a message about an enum alone, and is no part of what the others say.
    """
    if message.startswith("Invalid enum value"):
        return RejectionCode.ONE_OF
    if "of length <=" in message:
        return RejectionCode.TOO_LONG
    if "out of range" in message or (message.startswith("Expected `") and (" >= " in message or " <= " in message)):
        return RejectionCode.OUT_OF_RANGE
    return RejectionCode.WRONG_TYPE


class FieldReader:
    """Reads values of one column, from JSON text, from plain text (CSV) or as Python values (Parquet).

    All raise `BadValue`. Null is no value, and is not asked about.
    """

    def __init__(self, plan: RelationPlan, column: Column) -> None:
        self.column = column
        self.kind = column.type.kind
        self._limit = indexed_limit(plan, column)
        self._exact = column.name in exact_columns(plan) and self.kind in FINE_KINDS
        self._type = python_type(column, Any, self._limit)
        self._json = msgspec.json.Decoder(python_type(column, msgspec.Raw, self._limit))
        self._bounds = integer_bounds(column) if self.kind in INTEGER_KINDS else (0, 0)
        length = column.type.length
        self._length_is_of_type = length is not None and (self._limit is None or length <= self._limit)
        choices = column.checks.one_of if self.kind in INTEGER_KINDS else None
        self._choices = None if choices is None else {check_value(column.type, choice) for choice in choices}

    def of_json(self, raw: msgspec.Raw) -> Any:
        """The value of a JSON text; a document stays one."""
        data = bytes(raw)
        quoted = data.startswith(b'"')
        try:
            text: str = _TEXT.decode(data) if quoted else data.decode()
        except UnicodeDecodeError as error:
            raise self._bad(RejectionCode.INVALID_TEXT, data, "is not UTF-8") from error
        if self.kind in INTEGER_KINDS:
            return self._integer(text, data) if not quoted else self._wrong(data)
        if quoted and self._is_written(text):
            return self.of_text(text, data)
        return self._converted(lambda: self._json.decode(data), data)

    def of_text(self, text: str, given: Any = None) -> Any:
        """The value of a text that no type marks: any field of CSV; in JSON and Parquet, those of `WRITTEN_KINDS`.

        `given` is what messages show instead of the text.
        """
        given = text if given is None else given
        if self.kind in INTEGER_KINDS:
            return self._integer(text, given)
        self._look_at_time(text, given)
        try:
            value = reader_of(self.kind).one(text)
        except FieldOutOfRange as error:
            raise self._bad(RejectionCode.OUT_OF_RANGE, given, str(error), of_type=True) from error
        except UnreadableField:
            return self._wrong(given)
        return self._converted(lambda: msgspec.convert(value, self._type), given)

    def of_python(self, value: Any) -> Any:
        """The value of a Python value: an integral float or Decimal is an integer, a text as in JSON."""
        if self.kind in INTEGER_KINDS:
            if isinstance(value, float) and value.is_integer():
                return self._within(int(value), value)
            if isinstance(value, Decimal):
                return self._integer(str(value), value)
            if type(value) is int:
                return self._within(value, value)
        if isinstance(value, str) and self._is_written(value):
            return self.of_text(value)
        return self._converted(lambda: msgspec.convert(value, self._type), value)

    def _is_written(self, text: str) -> bool:
        """Whether the type's values come as text where numbers and booleans do not."""
        return self.kind in WRITTEN_KINDS or (self.kind in FLOAT_KINDS and text.lower() in SPECIAL_NUMBERS)

    def missing(self, plan: RelationPlan, said: str = "is missing") -> RowFault:
        """The fault that a row has no value for the column, which needs one."""
        key = self.column.name in {*plan.key, plan.event_time}
        code = RejectionCode.MISSING_KEY if key else RejectionCode.NOT_NULL
        name, source = self.column.name, self.column.source
        place = "" if source is None else f" at {source}"
        return RowFault(code, name, f"{name} {said}{place}; it is {example_of(self.column.type)}")

    def _integer(self, text: str, given: Any) -> int:
        try:
            number = integral(text)
        except OverflowError as error:
            raise self._bad(RejectionCode.OUT_OF_RANGE, given, self._range(), of_type=True) from error
        return self._wrong(given) if number is None else self._within(number, given)

    def _within(self, number: int, given: Any) -> int:
        if self._choices is not None:
            if number not in self._choices:
                raise self._bad(RejectionCode.ONE_OF, given, not_among(self.column))
        elif not self._bounds[0] <= number <= self._bounds[1]:
            low, high = self.column.type.integer_range or self._bounds
            raise self._bad(RejectionCode.OUT_OF_RANGE, given, self._range(), of_type=not low <= number <= high)
        return number

    def _range(self) -> str:
        if self.kind in INTEGER_KINDS:
            return f"is not between {self._bounds[0]} and {self._bounds[1]}"
        return f"is outside the range of {self.column.type}"

    def _look_at_time(self, text: str, given: Any) -> None:
        if self._exact and finer_than_microseconds(text):
            message = "has more than six decimals of a second, and is not rounded, as it tells rows apart"
            raise self._bad(RejectionCode.NOT_EXACT, given, message)

    def _converted(self, convert: Callable[[], Any], given: Any) -> Any:
        try:
            return convert()
        except RecursionError as error:
            raise self._bad(RejectionCode.INVALID_TEXT, given, "is nested too deeply") from error
        except UnicodeDecodeError as error:
            raise self._bad(RejectionCode.INVALID_TEXT, given, "is not UTF-8") from error
        except (msgspec.MsgspecError, ValueError) as error:
            code = value_code(str(error))
            raise self._bad(code, given, self._said(code), of_type=self._is_of_type(code)) from error

    def _is_of_type(self, code: RejectionCode) -> bool:
        """Whether a compiled decoder refuses a value with this code by the column's type."""
        if code is RejectionCode.TOO_LONG:
            return self._length_is_of_type
        return code in {RejectionCode.WRONG_TYPE, RejectionCode.OUT_OF_RANGE}

    def _said(self, code: RejectionCode) -> str:
        if code is RejectionCode.TOO_LONG:
            lengths = [length for length in (self.column.type.length, self._limit) if length is not None]
            return f"has more than {min(lengths)} characters"
        if code is RejectionCode.ONE_OF:
            return not_among(self.column)
        return self._range() if code is RejectionCode.OUT_OF_RANGE else f"is not {example_of(self.column.type)}"

    def _wrong(self, given: Any) -> Any:
        raise self._bad(RejectionCode.WRONG_TYPE, given, f"is not {example_of(self.column.type)}", of_type=True)

    def _bad(self, code: RejectionCode, given: Any, message: str, *, of_type: bool = False) -> BadValue:
        return BadValue(code, f"{self.column.name}: {shown(given)} {message}", of_type=of_type)
