"""Encoders, which write the rows of a result into a file as they come, in each format that a result can have.

An encoder takes no more bytes than the cap and returns how many rows it took; the rest is cut. Memory holds one
chunk of rows (columnar formats: one row group).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import pyarrow as pa

from app.kernel.tabular.csv_style import BOM, CsvStyle, guarded
from app.kernel.tabular.parquet import ParquetFile
from app.kernel.tabular.rendering import MAY_BE_FORMULAS, Column, Kind
from app.kernel.tabular.types import array, time_microseconds
from app.kernel.tabular.types import field as arrow_field
from app.query.results.columns import dumps, instant_text, json_writers, text_writer, time_text
from app.query.results.formats import Format

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class ResultTarget:
    """What a result is written as, and where."""

    format: Format
    columns: tuple[Column, ...]
    file: IO[bytes]
    max_bytes: int
    """Cap of the rows' bytes; of their size in memory in columnar forms."""
    head: dict[str, Any]
    """Fields that JSON puts before the columns."""
    csv: CsvStyle = field(default_factory=CsvStyle)
    """How CSV is written."""


class ResultEncoder(ABC):
    """Writes one result: `begin`, `write` until the cap, then `finish` or `abandon`."""

    def __init__(self, target: ResultTarget) -> None:
        self._target = target
        self._columns = target.columns
        self._file = target.file
        self._left = target.max_bytes

    def begin(self) -> None:  # noqa: B027 - some formats need nothing here
        """Write what comes before the rows."""

    @abstractmethod
    def write(self, rows: Sequence[Row]) -> int:
        """Write rows until the cap; return how many were taken."""

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: B027 - some formats need nothing here
        """Write what comes after the rows."""

    def abandon(self) -> None:  # noqa: B027 - some formats hold nothing
        """Let go of the file while it is open, complete or not."""


def encoder_for(target: ResultTarget) -> ResultEncoder:
    """The encoder of the target's format."""
    return _ENCODERS[target.format](target)


class _TextEncoder(ResultEncoder):
    """Row by row, each row's bytes counted."""

    _rows = 0

    def write(self, rows: Sequence[Row]) -> int:
        """Write rows until the cap; return how many were taken."""
        lines: list[bytes] = []
        for row in rows:
            line = self._line(row)
            if len(line) > self._left:
                break
            self._left -= len(line)
            self._rows += 1
            lines.append(line)
        self._file.write(b"".join(lines))
        return len(lines)

    @abstractmethod
    def _line(self, row: Row) -> bytes:
        """A row as the format writes it."""


class JsonEncoder(_TextEncoder):
    """A single document: rows are arrays in the order of `columns`."""

    def __init__(self, target: ResultTarget) -> None:
        super().__init__(target)
        self._writers = json_writers(target.columns)

    def begin(self) -> None:
        """Head and columns."""
        columns = [{"name": column.name, "type": column.type} for column in self._columns]
        self._file.write(dumps({**self._target.head, "columns": columns})[:-1] + b',"rows":[')

    def _values(self, row: Row) -> list[Any]:
        values = list(row)
        for index, writer in self._writers:
            if values[index] is not None:
                values[index] = writer(values[index])
        return values

    def _line(self, row: Row) -> bytes:
        return (b",\n" if self._rows else b"\n") + dumps(self._values(row))

    def finish(self, summary: dict[str, Any]) -> None:
        """The fields that are known at the end."""
        self._file.write(b"]," + dumps(summary)[1:])


class NdjsonEncoder(JsonEncoder):
    """An object per line, by column name; nothing before or after the lines."""

    def begin(self) -> None:
        """The names of the columns are in every line."""
        self._names = [column.name for column in self._columns]

    def _line(self, row: Row) -> bytes:
        return dumps(dict(zip(self._names, self._values(row), strict=True))) + b"\n"

    def finish(self, summary: dict[str, Any]) -> None:
        """The headers of the answer say it."""


_NEVER_QUOTED: Final = frozenset({
    Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT, Kind.BOOLEAN, Kind.TIME, Kind.TIMESTAMP, Kind.INSTANT, Kind.UUID,
})  # fmt: skip
_QUOTED: Final = frozenset('",\r\n')


class CsvEncoder(_TextEncoder):
    """RFC 4180 with a header line. Null is an empty field, an empty text is a quoted one, a formula is guarded."""

    def __init__(self, target: ResultTarget) -> None:
        super().__init__(target)
        self._writers = [_cell_writer(column, target.csv) for column in target.columns]

    def begin(self) -> None:
        """The header line, and what stands before it."""
        style, names = self._target.csv, [column.name for column in self._columns]
        line = ",".join(_field(guarded(name) if style.guards else name) for name in names) + "\r\n"
        self._file.write(((BOM if style.bom else "") + line).encode())

    def _line(self, row: Row) -> bytes:
        cells = ["" if value is None else write(value) for write, value in zip(self._writers, row, strict=True)]
        return (",".join(cells) + "\r\n").encode()


def _cell_writer(column: Column, style: CsvStyle) -> Callable[[Any], str]:
    write = text_writer(column)
    if column.kind in _NEVER_QUOTED:
        return write
    if style.guards and column.kind in MAY_BE_FORMULAS:
        return lambda value: _field(guarded(write(value)))
    return lambda value: _field(write(value))


def _field(text: str) -> str:
    if text and _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


class _ColumnarEncoder(ResultEncoder):
    """Chunk by chunk: a chunk that does not fit is left out whole."""

    def __init__(self, target: ResultTarget) -> None:
        super().__init__(target)
        self._schema = pa.schema([arrow_field(column.name, column.type) for column in target.columns])

    def write(self, rows: Sequence[Row]) -> int:
        """Write the rows if they are within the cap; return how many were taken."""
        arrays = [
            _array(column, [row[index] for row in rows], self._schema.field(index))
            for index, column in enumerate(self._columns)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        if batch.nbytes > self._left:
            return 0
        self._left -= batch.nbytes
        self._put(batch)
        return len(rows)

    @abstractmethod
    def _put(self, batch: pa.RecordBatch) -> None:
        """Write one batch of rows."""


class ArrowEncoder(_ColumnarEncoder):
    """Arrow IPC streaming format."""

    _stream: Any = None

    def begin(self) -> None:
        """The schema."""
        self._stream = pa.ipc.new_stream(self._file, self._schema)

    def _put(self, batch: pa.RecordBatch) -> None:
        self._stream.write_batch(batch)

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the form has no place for it
        """The end of the stream."""
        self._stream.close()

    def abandon(self) -> None:
        """Close the stream while its file is open."""
        if self._stream is not None:
            self._stream.close()


class ParquetEncoder(_ColumnarEncoder):
    """Parquet, through the same writer as exports."""

    _parquet: Any = None

    def begin(self) -> None:
        """The magic bytes."""
        self._parquet = ParquetFile(self._file, self._schema)

    def _put(self, batch: pa.RecordBatch) -> None:
        self._parquet.put(batch)

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the headers of the answer say it
        """The last row group and the footer."""
        self._parquet.finish()

    def abandon(self) -> None:
        """Let go of the file while it is open."""
        if self._parquet is not None:
            self._parquet.abandon()


_ENCODERS: Final[dict[Format, type[ResultEncoder]]] = {
    Format.JSON: JsonEncoder,
    Format.NDJSON: NdjsonEncoder,
    Format.CSV: CsvEncoder,
    Format.ARROW: ArrowEncoder,
    Format.PARQUET: ParquetEncoder,
}


_FROM_TEXT: Final[dict[str, tuple[Callable[[Any], Any], pa.DataType]]] = {
    "date": (str, pa.string()),
    "timestamp": (time_text, pa.string()),
    "timestamptz": (instant_text, pa.string()),
    "time": (time_microseconds, pa.int64()),
}
"""What becomes of PostgreSQL's text, and its Arrow type, before it is cast to that of the column."""


def _array(column: Column, values: list[Any], wanted: pa.Field) -> pa.Array:
    write, given = (text_writer(column), None)
    if wanted.type != pa.string():
        if column.type not in _FROM_TEXT:
            return array(wanted, values)
        write, given = _FROM_TEXT[column.type]
    return array(wanted, [None if value is None else write(value) for value in values], given)
