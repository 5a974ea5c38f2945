"""The formats of a file, and how a statement's rows come out of PostgreSQL in each. Pure.

PostgreSQL writes the rows itself: a format is the statement that it is to COPY, and how its lines end. Text never
becomes a formula: a cell of text that begins as one (OWASP, CSV injection) gets an apostrophe in front; numbers do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.kernel.quoting import quote_identifier
from app.kernel.tabular.types import distinct


class Format(StrEnum):
    """Form of a file."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    TAR = "tar"


class Compression(StrEnum):
    """What the whole file is packed with."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


ROWS: Final = frozenset({Format.CSV, Format.NDJSON, Format.PARQUET})
"""The formats of rows."""

MEDIA_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.NDJSON: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.TAR: "application/x-tar",
}
_PACKED: Final = {Compression.GZIP: "application/gzip", Compression.ZSTD: "application/zstd"}
_ENDINGS: Final = {Compression.NONE: "", Compression.GZIP: ".gz", Compression.ZSTD: ".zst"}


def media_type(file_format: Format, compression: Compression) -> str:
    """The media type of a file, which is that of its packing when it is packed."""
    return _PACKED.get(compression, MEDIA_TYPES[file_format])


def ending(file_format: Format, compression: Compression) -> str:
    """The ending of a file's name, such as `csv.gz`."""
    return file_format.value + _ENDINGS[compression]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a statement, as PostgreSQL describes it: `type` is its own name for it, `_text` an array."""

    name: str
    type: str


_NUMBERS: Final = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "oid"})
_TIMES: Final = frozenset({"date", "time", "timetz", "timestamp", "timestamptz", "interval"})
_HARMLESS: Final = _NUMBERS | _TIMES | {"bool", "uuid", "jsonb", "bytea"}
"""Types whose text is never taken for a formula that does harm: a number may begin with a minus, a document begins
with a bracket, a quotation mark or a number."""

FORMULA_STARTS: Final = "=+-@\t\r"
_CODES: Final = ", ".join(str(ord(sign)) for sign in FORMULA_STARTS)


def over(sql: str, columns: Sequence[Column], shown: Sequence[str]) -> str:
    """The statement with these expressions over its columns, which are c0, c1 and so on."""
    names = ", ".join(f"c{index}" for index in range(len(columns)))
    return f"SELECT {', '.join(shown)} FROM ({sql}) AS q ({names})"  # noqa: S608 - made of names c0, c1, …


def csv_statement(sql: str, columns: Sequence[Column]) -> str:
    """What to COPY as CSV."""
    return over(sql, columns, [_csv_cell(f"c{index}", column.type) for index, column in enumerate(columns)])


def _csv_cell(name: str, kind: str) -> str:
    if kind in _HARMLESS:
        return name
    text = name if kind in {"text", "varchar", "bpchar"} else f"{name}::text"
    return f"CASE WHEN ascii({text}) IN ({_CODES}) THEN '''' || {text} ELSE {text} END"


def csv_header(columns: Sequence[Column]) -> bytes:
    """The first line, before `LineEnds`."""
    return (",".join(_csv_name(name) for name in distinct(column.name for column in columns)) + "\n").encode()


def _csv_name(name: str) -> str:
    safe = "'" + name if name.startswith(tuple(FORMULA_STARTS)) else name
    return quote_identifier(safe) if any(sign in safe for sign in ',"\r\n') else safe  # CSV quotes as SQL does


def ndjson_statement(sql: str, columns: Sequence[Column]) -> str:
    """What to COPY, as CSV of one column whose quotes and delimiters JSON cannot hold: an object per row."""
    shown = [
        f"{'c' + str(index) + ('::jsonb' if column.type == 'json' else '')} AS {quote_identifier(name)}"
        for index, (column, name) in enumerate(zip(columns, distinct(column.name for column in columns), strict=True))
    ]
    return f"SELECT row_to_json(r) FROM ({over(sql, columns, shown)}) AS r"  # noqa: S608 - names are quoted


JSON_DELIMITER: Final = "\x01"
JSON_QUOTE: Final = "\x02"
"""Control characters are always escaped in JSON (RFC 8259 section 7), so neither occurs in a row."""


class LineEnds:
    """Ends the lines of PostgreSQL's CSV as RFC 4180 has it: CR LF outside of quotes; what is quoted stays as it is."""

    __slots__ = ("_within", "lines")

    def __init__(self) -> None:
        self._within = False
        self.lines = 0
        """Lines that have ended."""

    def take(self, data: bytes) -> bytes:
        """The next bytes, with their lines ended; may begin and end anywhere."""
        if b'"' not in data:
            if self._within:
                return data
            self.lines += data.count(b"\n")
            return data.replace(b"\n", b"\r\n")
        parts = data.split(b'"')
        first = 1 if self._within else 0
        for index in range(first, len(parts), 2):
            part = parts[index]
            if b"\n" in part:
                self.lines += part.count(b"\n")
                parts[index] = part.replace(b"\n", b"\r\n")
        self._within ^= len(parts) % 2 == 0
        return b'"'.join(parts)
