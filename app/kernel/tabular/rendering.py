r"""How the values of each PostgreSQL type are written: one table for answers and exports, so that both write the same.

PostgreSQL writes them, and nothing is ever the text of a Python object. JSON holds what `to_json` makes of a value;
CSV, and columns of Arrow and Parquet that are strings, hold the text that PostgreSQL itself writes. But for these:

| type                   | JSON                       | CSV           | why                                           |
|------------------------|----------------------------|---------------|-----------------------------------------------|
| timestamp, timestamptz | as `to_json`: RFC 3339     | the same text | one text for one instant, as ingested         |
| boolean                | `true`, `false`            | the same text | not `t` and `f`                               |
| bytea                  | base64                     | the same text | as ingested; within arrays and rows `\x00ff`  |
| numeric                | a string beyond 300 digits | all digits    | many readers of JSON make doubles of numbers  |
| oid                    | a number                   | a number      | it is one                                     |
| arrays, rows           | `to_json`                  | the same text | a structure has one form                      |

Sessions that read have the zone UTC, ISO dates, ISO 8601 intervals and hexadecimal bytes (`SETTINGS`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.kernel.tabular.csv_style import CsvStyle, guarded_sql
from app.kernel.tabular.types import SQL_NAMES, distinct

SETTINGS: Final[Mapping[str, str]] = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
"""Of a session whose values are written here."""

LONGEST_NUMBER: Final = 300
"""Characters. A longer decimal is beyond a double, which many readers of JSON make of numbers: it becomes a string."""


class Kind(StrEnum):
    """What is done with the values of a type."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    FLOAT = "float"
    NUMERIC = "numeric"
    TEXT = "text"
    UUID = "uuid"
    TIME = "time"
    """Dates, times, intervals: PostgreSQL's text is the one in JSON too."""
    TIMESTAMP = "timestamp"
    INSTANT = "instant"
    JSON = "json"
    BYTES = "bytes"
    OTHER = "other"
    """Every other type without parts: PostgreSQL's text, a string in JSON."""
    STRUCTURE = "structure"
    """Arrays and rows: JSON in every format."""


_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), Kind.INTEGER),
    **dict.fromkeys(("float4", "float8"), Kind.FLOAT),
    **dict.fromkeys(("text", "varchar"), Kind.TEXT),
    **dict.fromkeys(("date", "time", "timetz", "interval"), Kind.TIME),
    **dict.fromkeys(("json", "jsonb"), Kind.JSON),
    "bool": Kind.BOOLEAN,
    "numeric": Kind.NUMERIC,
    "uuid": Kind.UUID,
    "timestamp": Kind.TIMESTAMP,
    "timestamptz": Kind.INSTANT,
    "bytea": Kind.BYTES,
    "record": Kind.STRUCTURE,
}
"""Of types of `pg_catalog`, by PostgreSQL's own name."""

MAY_BE_FORMULAS: Final = frozenset({Kind.TEXT, Kind.OTHER})
"""Kinds whose text a spreadsheet may take for a formula: a number may begin with a minus, a document with a bracket, a
quotation mark or a number."""

_MANY_LINES: Final = frozenset({Kind.JSON, Kind.OTHER, Kind.STRUCTURE})
"""Kinds whose JSON may have line breaks. A type may bring its own cast to JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a statement."""

    name: str
    type: str
    """As SQL writes it: qualified when it is not PostgreSQL's own, `[]` behind that of an array."""
    kind: Kind


def columns_of(attributes: Iterable[Any]) -> tuple[Column, ...]:
    """The columns that asyncpg's attributes describe. Names are unique: one that occurs again gets a number."""
    described = list(attributes)
    names = distinct(name for name, _ in described)
    return tuple(_column(name, *type_[1:]) for name, (_, type_) in zip(names, described, strict=True))


def _column(name: str, type_: str, shape: str, schema: str) -> Column:
    array = shape == "array"
    base = type_.removesuffix("[]")
    own = schema == "pg_catalog"
    shown = SQL_NAMES.get(base, base) if own else f"{schema}.{base}"
    if array or shape == "composite":
        return Column(name, f"{shown}[]" if array else shown, Kind.STRUCTURE)
    return Column(name, shown, _KINDS.get(base, Kind.OTHER) if own else Kind.OTHER)


def over(sql: str, columns: Sequence[Column], shown: Sequence[str]) -> str:
    """The statement with these expressions over its columns, which are c0, c1 and so on."""
    names = ", ".join(f"c{index}" for index in range(len(columns)))
    return f"SELECT {', '.join(shown)} FROM ({sql}) AS q ({names})"  # noqa: S608 - made of names c0, c1, …


def text_sql(column: Column, name: str) -> str:
    """SQL of PostgreSQL's own text of a value, or of the JSON of a structure; null stays null.

    A cast to text would not do: it takes the blanks of `char(n)` away and adds a mask to `inet`, and is the type's own.
    """
    match column.kind:
        case Kind.OTHER:
            return f"CASE WHEN {name} IS NOT NULL THEN concat({name}) END"
        case Kind.STRUCTURE:
            return f"to_json({name})::text"
        case Kind.TEXT:
            return name
        case _:
            return f"{name}::text"


def csv_sql(column: Column, name: str, style: CsvStyle) -> str:
    """SQL of what COPY writes of a value as a cell of CSV."""
    match column.kind:
        case Kind.BOOLEAN:
            return f"{name}::text"
        case Kind.TIMESTAMP:
            return _rfc_3339(name, "::timestamp", "")
        case Kind.INSTANT:
            return _rfc_3339(name, "::timestamptz", " || ':00'")
        case Kind.BYTES:
            return _base64(name)
        case Kind.TEXT | Kind.OTHER | Kind.STRUCTURE:
            text = text_sql(column, name)
            return guarded_sql(text) if style.guards and column.kind in MAY_BE_FORMULAS else text
        case _:
            return name


def _rfc_3339(name: str, cast: str, offset: str) -> str:
    """What `to_json` writes of a time, without its quotation marks; in years of four digits by a shorter way."""
    within = f"{name} >= '0001-01-01 00:00Z'{cast} AND {name} < '10000-01-01 00:00Z'{cast}"
    return (
        f"CASE WHEN {within} THEN replace({name}::text, ' ', 'T'){offset} ELSE btrim(to_json({name})::text, '\"') END"
    )


def _base64(name: str) -> str:
    return f"replace(encode({name}, 'base64'), E'\\n', '')"


def json_sql(column: Column, name: str, digits: int | None) -> str:
    """SQL of a value of which `to_json` makes what JSON holds.

    Args:
        column: of the statement.
        name: by which SQL knows it.
        digits: precision of a `numeric`, where it is known.
    """
    if column.kind is Kind.BYTES:
        return _base64(name)
    if column.type == "oid":
        return f"{name}::int8"
    if column.kind is Kind.NUMERIC and (digits is None or digits > LONGEST_NUMBER - len("-0.")):
        near = f"abs({name}) < 1e250 AND scale({name}) < 48"
        short = f"{near} OR length({name}::text) <= {LONGEST_NUMBER:d}"
        return f"CASE WHEN {short} THEN to_json({name}) ELSE to_json({name}::text) END"
    return name


def one_line_sql(json: str, columns: Sequence[Column]) -> str:
    """SQL of the JSON of a row on one line: a line break within a string is escaped, and any other means nothing."""
    if any(column.kind in _MANY_LINES for column in columns):
        return f"translate({json}::text, E'\\n\\r', '  ')"
    return json


def one_line(json: str) -> str:
    """JSON on one line, as `one_line_sql` has it."""
    return json.translate(_SPACES) if "\n" in json or "\r" in json else json


_SPACES: Final = str.maketrans("\n\r", "  ")
