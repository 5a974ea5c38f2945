"""The columns of an answer: the statement that reads them, and what is made of each value that it brings. Pure.

How the values of a type are written stands in `app/kernel/tabular/rendering.py`, for exports too. Here PostgreSQL is
asked for what it alone can write (`readable`), and the rest is put into JSON and CSV. What is written is always valid
JSON.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from app.kernel.tabular.rendering import LONGEST_NUMBER, Column, Kind, one_line, over, text_sql
from app.query.results.formats import Format

_FIXED_SIZE: Final = frozenset({
    "smallint", "integer", "bigint", "real", "double precision", "numeric", "boolean", "date", "time", "timetz",
    "timestamp", "timestamptz", "interval", "uuid",
})  # fmt: skip
"""Types whose values are small whatever they hold; a numeric has at most 64 KiB."""

_TEXTS: Final = frozenset({"text", "varchar", "char"})

_NOT_FINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})

ROW_TOO_LARGE: Final = "spyne-row-too-large-"
"""The text that PostgreSQL is made to fail on, so that a row beyond the limit is never sent."""

Writer = Callable[[Any], Any]


def open_ended(columns: Sequence[Column]) -> list[int]:
    """The indexes of the columns whose values may be of any size."""
    return [index for index, column in enumerate(columns) if column.type not in _FIXED_SIZE]


def bounded(sql: str, columns: Sequence[Column], max_row_bytes: int, shown: Sequence[str] = ("*",)) -> str:
    """The statement, failing on a row whose open-ended values are larger together than the limit.

    PostgreSQL sends a row whole, and a value may have a gigabyte: only there can it be stopped. The order stays.

    Args:
        sql: the statement.
        columns: of the statement; in `shown` they are c0, c1 and so on.
        max_row_bytes: of one row.
        shown: what is read instead of all columns as they are.
    """
    sizes = [f"coalesce({_size_of(columns[index])}(c{index}), 0)::bigint" for index in open_ended(columns)]
    if not sizes:
        return sql if shown == ("*",) else over(sql, columns, shown)
    size = " + ".join(sizes)
    return (
        f"{over(sql, columns, shown)} "
        f"WHERE {size} <= {max_row_bytes:d} OR CAST(concat('{ROW_TOO_LARGE}', {size}) AS boolean)"
    )


def _size_of(column: Column) -> str:
    return "octet_length" if column.type in _TEXTS else "pg_column_size"


def readable(sql: str, columns: Sequence[Column], max_row_bytes: int, form: Format) -> str:
    """The statement, bounded, with what PostgreSQL alone can write already written for the format."""
    shown = [_read_as(column, f"c{index}", form) for index, column in enumerate(columns)]
    as_they_are = all(expression == f"c{index}" for index, expression in enumerate(shown))
    return bounded(sql, columns, max_row_bytes, ("*",) if as_they_are else shown)


def _read_as(column: Column, name: str, form: Format) -> str:
    match column.kind:
        case Kind.OTHER:
            return f"to_json({name})" if form in _IN_JSON else text_sql(column, name)
        case Kind.STRUCTURE:
            return f"to_json({name})"
        case Kind.NUMERIC | Kind.TIME | Kind.TIMESTAMP | Kind.INSTANT | Kind.UUID:  # Python cannot hold all values
            return f"{name}::text"
        case Kind.FLOAT if form not in _IN_COLUMNS:
            return f"{name}::text"
        case _:
            return name


_IN_JSON: Final = frozenset({Format.JSON, Format.NDJSON})
_IN_COLUMNS: Final = frozenset({Format.ARROW, Format.PARQUET})


def time_text(text: str) -> str:
    """A timestamp as RFC 3339 writes it, from PostgreSQL's ISO text; `infinity` stays."""
    return text.replace(" ", "T", 1)


def instant_text(text: str) -> str:
    """A timestamp with zone as RFC 3339 writes it, from PostgreSQL's ISO text in UTC; `infinity` stays."""
    return text.replace(" ", "T", 1).replace("+00", "+00:00", 1)


def _number(text: str) -> Any:
    return text if text in _NOT_FINITE or len(text) > LONGEST_NUMBER else orjson.Fragment(text)


def _document(text: str) -> Any:
    return orjson.Fragment(one_line(text))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _word(value: bool) -> str:
    return "true" if value else "false"


_JSON_WRITERS: Final[dict[Kind, Writer]] = {
    Kind.FLOAT: _number,
    Kind.NUMERIC: _number,
    Kind.TIMESTAMP: time_text,
    Kind.INSTANT: instant_text,
    Kind.JSON: _document,
    Kind.OTHER: _document,
    Kind.STRUCTURE: _document,
    Kind.BYTES: _base64,
}
_TEXT_WRITERS: Final[dict[Kind, Callable[[Any], str]]] = {
    **dict.fromkeys(Kind, str),
    Kind.BOOLEAN: _word,
    Kind.TIMESTAMP: time_text,
    Kind.INSTANT: instant_text,
    Kind.BYTES: _base64,
}
"""What comes is text already, but for what is named here and for integers, whose text is the same in Python."""


def json_writers(columns: Sequence[Column]) -> tuple[tuple[int, Writer], ...]:
    """The index of each column whose values need it, with what makes a value writable as JSON."""
    return tuple(
        (index, _JSON_WRITERS[column.kind]) for index, column in enumerate(columns) if column.kind in _JSON_WRITERS
    )


def text_writer(column: Column) -> Callable[[Any], str]:
    """The function that makes text of a value of the column, as `readable` brings it for CSV and columns of text."""
    return _TEXT_WRITERS[column.kind]


def dumps(value: Any) -> bytes:
    """JSON. Raises TypeError for what has no form in it: no value comes here that PostgreSQL has not written."""
    return orjson.dumps(value)
