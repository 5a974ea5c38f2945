"""The columns of an answer: their names, types, and how a value of each type is written. Pure.

JSON holds numbers with all their digits, times in RFC 3339 (`infinity` and years outside 0001-9999 as PostgreSQL has
them), intervals in ISO 8601, bytes in base64, NaN and Infinity as strings. What is written is always valid JSON.
"""

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from app.kernel.tabular.types import SQL_NAMES, distinct


class Kind(StrEnum):
    """How the values of a type are written."""

    PLAIN = "plain"
    FLOAT = "float"
    NUMERIC = "numeric"
    TIME = "time"
    INSTANT = "instant"
    JSON = "json"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of an answer. `type` is PostgreSQL's name for it, `array` whether its values are lists of that type."""

    name: str
    type: str
    kind: Kind
    array: bool = False

    @property
    def type_name(self) -> str:
        """The type as SQL writes it."""
        return f"{self.type}[]" if self.array else self.type


_KINDS: Final = {
    **dict.fromkeys(("float4", "float8"), Kind.FLOAT),
    **dict.fromkeys(("timestamptz", "timetz"), Kind.INSTANT),
    **dict.fromkeys(("json", "jsonb"), Kind.JSON),
    "numeric": Kind.NUMERIC,
    "timestamp": Kind.TIME,
    "bytea": Kind.BYTES,
}

LONGEST_NUMBER: Final = 300
"""Characters. A longer decimal is beyond a double, which many readers of JSON make of numbers: it becomes a string."""

_NOT_FINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})

Writer = Callable[[Any], Any]


def result_columns(described: Iterable[tuple[str, str]]) -> tuple[ResultColumn, ...]:
    """The columns of pairs of name and PostgreSQL type. Names are unique: one that occurs again gets a number."""
    pairs = list(described)
    columns = []
    for unique, (_, type_) in zip(distinct(name for name, _ in pairs), pairs, strict=True):
        array = type_.endswith("[]")
        base = type_.removesuffix("[]")
        columns.append(ResultColumn(unique, SQL_NAMES.get(base, base), _KINDS.get(base, Kind.PLAIN), array))
    return tuple(columns)


_FIXED_SIZE: Final = frozenset({
    "smallint", "integer", "bigint", "real", "double precision", "numeric", "boolean", "date", "time", "timetz",
    "timestamp", "timestamptz", "interval", "uuid",
})  # fmt: skip
"""Types whose values are small whatever they hold; a numeric has at most 64 KiB."""

_TEXTS: Final = frozenset({"text", "varchar", "char"})

ROW_TOO_LARGE: Final = "spyne-row-too-large-"
"""The text that PostgreSQL is made to fail on, so that a row beyond the limit is never sent."""


def open_ended(columns: Sequence[ResultColumn]) -> list[int]:
    """The indexes of the columns whose values may be of any size."""
    return [index for index, column in enumerate(columns) if column.array or column.type not in _FIXED_SIZE]


def bounded(sql: str, columns: Sequence[ResultColumn], max_row_bytes: int) -> str:
    """The statement, failing on a row whose open-ended values are larger together than the limit.

    PostgreSQL sends a row whole, and a value may have a gigabyte: only there can it be stopped. The order stays.
    """
    sizes = [f"coalesce({_size_of(columns[index])}(c{index}), 0)::bigint" for index in open_ended(columns)]
    if not sizes:
        return sql
    names, size = ", ".join(f"c{index}" for index in range(len(columns))), " + ".join(sizes)
    return (
        f"SELECT * FROM ({sql}) AS q ({names}) "  # noqa: S608 - the guard wrote it, and no value stands in it
        f"WHERE {size} <= {max_row_bytes:d} OR CAST(concat('{ROW_TOO_LARGE}', {size}) AS boolean)"
    )


def _size_of(column: ResultColumn) -> str:
    return "octet_length" if column.type in _TEXTS and not column.array else "pg_column_size"


def time_text(text: str) -> str:
    """A timestamp as RFC 3339 writes it, from PostgreSQL's ISO text."""
    return text.replace(" ", "T", 1)


def instant_text(text: str) -> str:
    """A time with zone as RFC 3339 writes it; the session's zone is UTC."""
    text = text.replace(" ", "T", 1)
    return text + ":00" if text[-3:-2] in {"+", "-"} else text


def _float(value: Any) -> Any:
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _numeric(text: str) -> Any:
    return text if text in _NOT_FINITE or len(text) > LONGEST_NUMBER else orjson.Fragment(text)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_JSON_WRITERS: Final[dict[Kind, Writer]] = {
    Kind.FLOAT: _float,
    Kind.NUMERIC: _numeric,
    Kind.TIME: time_text,
    Kind.INSTANT: instant_text,
    Kind.JSON: orjson.Fragment,
    Kind.BYTES: _base64,
}
_TEXT_WRITERS: Final[dict[Kind, Writer]] = _JSON_WRITERS | {
    Kind.FLOAT: lambda value: str(_float(value)),
    Kind.NUMERIC: str,
    Kind.JSON: str,
}


def json_writers(columns: Sequence[ResultColumn]) -> tuple[tuple[int, Writer], ...]:
    """The index of each column whose values need it, with what makes a value writable as JSON."""
    return tuple(
        (index, _nested(_JSON_WRITERS[column.kind]) if column.array else _JSON_WRITERS[column.kind])
        for index, column in enumerate(columns)
        if column.kind in _JSON_WRITERS
    )


def text_writer(column: ResultColumn) -> Writer:
    """The function that makes text of a value of the column; lists become JSON."""
    if column.array:
        item = _nested(_JSON_WRITERS[column.kind]) if column.kind in _JSON_WRITERS else (lambda value: value)
        return lambda value: dumps(item(value)).decode()
    if column.kind is Kind.PLAIN:
        return (lambda value: "true" if value else "false") if column.type == "boolean" else str
    return _TEXT_WRITERS[column.kind]


def _nested(writer: Writer) -> Writer:
    def write(value: Any) -> Any:
        if isinstance(value, list):
            return [write(item) for item in value]
        return None if value is None else writer(value)

    return write


def dumps(value: Any) -> bytes:
    """JSON; values of types that have no form in it are written as text."""
    return orjson.dumps(value, default=str)
