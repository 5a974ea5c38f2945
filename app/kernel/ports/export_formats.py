"""The formats of a file, and how a statement's rows come out of PostgreSQL in each. Pure.

PostgreSQL writes the rows itself: a format is the statement that it is to COPY, and how its lines end. How the values
of a type are written stands in `app/kernel/tabular/rendering.py`, for answers too.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from app.kernel.quoting import quote_identifier
from app.kernel.tabular.csv_style import BOM, CsvStyle, guarded
from app.kernel.tabular.rendering import Column, csv_sql, json_sql, one_line_sql, over


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


def csv_statement(sql: str, columns: Sequence[Column], style: CsvStyle) -> str:
    """What to COPY as CSV."""
    return over(sql, columns, [csv_sql(column, f"c{index}", style) for index, column in enumerate(columns)])


def csv_header(columns: Sequence[Column], style: CsvStyle) -> bytes:
    """The first line, before `LineEnds`, with what stands before it."""
    line = ",".join(_csv_name(column.name, style) for column in columns) + "\n"
    return ((BOM if style.bom else "") + line).encode()


def _csv_name(name: str, style: CsvStyle) -> str:
    shown = guarded(name) if style.guards else name
    return quote_identifier(shown) if any(sign in shown for sign in ',"\r\n') else shown  # CSV quotes as SQL does


def ndjson_statement(sql: str, columns: Sequence[Column], decimals: Mapping[str, tuple[int, int]]) -> str:
    """What to COPY, as CSV of one column whose quotes and delimiters JSON cannot hold: an object per row, on one line.

    Args:
        sql: the statement of the rows.
        columns: of the statement.
        decimals: precision and scale of `numeric` columns that have them, by name.
    """
    shown = [
        f"{json_sql(column, f'c{index}', decimals.get(column.name, (None,))[0])} AS {quote_identifier(column.name)}"
        for index, column in enumerate(columns)
    ]
    row = one_line_sql("row_to_json(r.*)", columns)  # never `r`: a column of that name would be taken for the row
    return f"SELECT {row} FROM ({over(sql, columns, shown)}) AS r"  # noqa: S608 - names are quoted


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
