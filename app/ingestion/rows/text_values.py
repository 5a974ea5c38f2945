r"""CSV fields as values of a contract's column: what PostgreSQL writes is read, and nothing is read in two ways.

Each type has a reader of whole columns, which calls compiled functions and gives up at the slightest doubt, and one of
single fields, which decides. Both give the same values. Forms that are read, beside those of JSON:

| type                  | PostgreSQL writes                 | also read                                 |
|-----------------------|-----------------------------------|-------------------------------------------|
| boolean               | `t`, `f`                          | what its own reader takes: `true`, `1`, … |
| timestamp(tz)         | `2026-01-01 00:00:00.5+05:30`     | RFC 3339                                  |
| real, double, numeric | `1e+20`, `Infinity`, `NaN`        |                                           |
| bytea                 | `\x6869`                          | base64, which has no backslash            |
"""

import math
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, DecimalException
from typing import Annotated, Any

import msgspec

from app.ingestion.rows import temporal
from app.ingestion.rows.values import NUMBER, finer_than_microseconds, integral, is_number
from app.warehouse.types import FLOAT_KINDS, INTEGER_KINDS, TypeKind

Fields = Sequence[str | None]
"""A column of fields; None is null."""

_NUMBERS = re.compile(f"(?:{NUMBER}(?:,{NUMBER})*+)?+")
_INTEGER_CHARACTERS = b"0123456789-,"
_INFINITIES = ("infinity", "inf")
SPECIAL_NUMBERS = {"nan", *_INFINITIES, *(f"{sign}{name}" for sign in "+-" for name in _INFINITIES)}
"""What PostgreSQL writes for values of real, double precision and numeric that are no numbers, in lower case."""

_TRUE = ("true", "tru", "tr", "t", "yes", "ye", "y", "on", "1")
_FALSE = ("false", "fals", "fal", "fa", "f", "no", "n", "off", "of", "0")
_BOOLEANS: Mapping[str, bool] = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}

FINE_KINDS = frozenset({TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
"""Types of times that may be finer than they are stored."""
_MAYBE_ODD = re.compile(temporal.MAYBE_ODD)
_ODDLY_ROUNDED = re.compile(temporal.ODDLY_ROUNDED)
_HEX = re.compile(r"\\x(?:[0-9a-fA-F]{2})*+")
_HOURS = 3
"""Characters of an offset in whole hours, such as `+00`."""


class UnreadableField(ValueError):  # noqa: N818 - names what was found, as the other refusals do
    """A field is no value of its column's type."""


class FieldOutOfRange(ValueError):  # noqa: N818 - as above
    """A field would be a value of its column's type, were it not too large or too small. The words follow the value."""


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads the fields of one type."""

    column: Callable[[Fields], Sequence[Any]]
    """All fields at once. Raises `ValueError` when they must be read one by one."""
    one: Callable[[str], Any]
    """One field. Raises `UnreadableField` or `FieldOutOfRange`."""


def reader_of(kind: TypeKind) -> TextReader:
    """The reader of a type's fields. What it gives still has to be held against the column's bounds."""
    return _READERS.get(kind, _AS_THEY_ARE)


def finer_time(kind: TypeKind, fields: Fields) -> bool:
    """Whether a time of day or instant among the fields has more digits than PostgreSQL keeps."""
    return kind in FINE_KINDS and finer_than_microseconds(_joined(fields))


def _joined(fields: Fields) -> str:
    return ",".join([field for field in fields if field is not None])


def _integers(fields: Fields) -> Sequence[Any]:
    if _joined(fields).encode("ascii").translate(None, _INTEGER_CHARACTERS):
        raise UnreadableField
    return _converted(fields, list[int | None])


def _converted(fields: Fields, wanted: Any) -> Sequence[Any]:
    """The fields as the compiled reader of numbers takes them, which reads `null` as null beside."""
    found: list[Any] = msgspec.convert(fields, wanted, strict=False)
    if found.count(None) != fields.count(None):
        raise UnreadableField
    return found


def _integer(text: str) -> int:
    try:
        number = integral(text)
    except OverflowError:
        raise FieldOutOfRange("is too large") from None
    if number is None:
        raise UnreadableField
    return number


def _floats(fields: Fields) -> Sequence[Any]:
    if "-0" in fields:
        raise UnreadableField  # it would be read as an integer, which has no sign
    return _converted(fields, list[float | None])


def _float(text: str) -> float:
    special = text.lower() in SPECIAL_NUMBERS
    if not special and not is_number(text):
        raise UnreadableField
    number = float(text)
    if math.isinf(number) and not special:
        raise FieldOutOfRange("is too large")
    return number


def _numerics(fields: Fields) -> Sequence[Any]:
    if _NUMBERS.fullmatch(_joined(fields)) is None:
        raise UnreadableField
    found: list[Decimal | None] = msgspec.convert(fields, list[Decimal | None])
    return found


def _numeric(text: str) -> Decimal:
    if text.lower() not in SPECIAL_NUMBERS and not is_number(text):
        raise UnreadableField
    try:
        return Decimal(text)
    except DecimalException:  # an exponent of many digits
        raise FieldOutOfRange("is too large or too small") from None


def _booleans(fields: Fields) -> Sequence[Any]:
    try:
        return [None if field is None else _BOOLEANS[field] for field in fields]
    except KeyError:
        raise UnreadableField from None


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise UnreadableField from None


def _temporals(wanted: Any) -> Callable[[Fields], Sequence[Any]]:
    def column(fields: Fields) -> Sequence[Any]:
        joined = _joined(fields)
        if _MAYBE_ODD.search(joined) and _ODDLY_ROUNDED.search(joined):
            raise UnreadableField
        try:
            found: Sequence[Any] = msgspec.convert(fields, wanted)
        except msgspec.ValidationError:
            whole = [f"{f}:00" if f is not None and f[-_HOURS:-2] in {"+", "-"} else f for f in fields]
            found = msgspec.convert(whole, wanted)
        return found

    return column


def _temporal(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def one(text: str) -> Any:
        try:
            return read(text)
        except temporal.NotStorableError as error:
            raise FieldOutOfRange(str(error)) from None
        except ValueError:
            raise UnreadableField from None

    return one


def _binaries(fields: Fields) -> Sequence[Any]:
    if all(field is None or field.startswith("\\x") for field in fields):
        return [None if field is None else _binary(field) for field in fields]
    found: Sequence[Any] = msgspec.convert(fields, list[bytes | None])
    return found


def _binary(text: str) -> bytes:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text[2:])
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise UnreadableField from None


def _texts(fields: Fields) -> Sequence[Any]:
    return fields


def _text(text: str) -> str:
    return text


_AS_THEY_ARE = TextReader(_texts, _text)
"""Text, documents, and UUIDs, of which the column's own type has the rule."""

_CLOCK = Annotated[time, msgspec.Meta(tz=False)]
_INSTANTS = TextReader(_temporals(list[datetime | None]), _temporal(temporal.read_instant))
_READERS: Mapping[TypeKind, TextReader] = {
    **dict.fromkeys(INTEGER_KINDS, TextReader(_integers, _integer)),
    **dict.fromkeys(FLOAT_KINDS, TextReader(_floats, _float)),
    TypeKind.NUMERIC: TextReader(_numerics, _numeric),
    TypeKind.BOOLEAN: TextReader(_booleans, _boolean),
    TypeKind.DATE: TextReader(_temporals(list[date | None]), _temporal(temporal.read_date)),
    TypeKind.TIME: TextReader(_temporals(list[_CLOCK | None]), _temporal(temporal.read_clock)),
    TypeKind.TIMESTAMP: _INSTANTS,
    TypeKind.TIMESTAMPTZ: _INSTANTS,
    TypeKind.BYTEA: TextReader(_binaries, _binary),
}
