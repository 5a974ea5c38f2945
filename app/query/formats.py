"""Writes an answer's rows into a file as they come, in each of the forms that an answer can take.

A writer takes no more bytes than the cap: it says how many rows it took, and the rest is cut. Memory holds one chunk of
rows (columnar forms: one row group).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from app.query.columns import Kind, ResultColumn, dumps, instant_text, json_writers, text_writer, time_text
from app.query.negotiation import Format

Row = Sequence[Any]

ROW_GROUP_BYTES: Final = 8 * 1024 * 1024


class NotRepresentableError(ValueError):
    """A value has no place in the form: infinity and years BC in Arrow's times, for one."""


class AnswerWriter(Protocol):
    """Writes one answer."""

    def begin(self) -> None:
        """Write what comes before the rows."""
        ...

    def write(self, rows: Sequence[Row]) -> int:
        """Write rows until the cap; answers how many were taken."""
        ...

    def finish(self, summary: dict[str, Any]) -> None:
        """Write what comes after the rows."""
        ...

    def abandon(self) -> None:
        """Let go of the file, complete or not."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer is written as, and where."""

    kind: Format
    columns: tuple[ResultColumn, ...]
    file: IO[bytes]
    max_bytes: int
    """Cap of the rows' bytes; of their size in memory in columnar forms."""
    head: dict[str, Any]
    """Fields that JSON puts before the columns."""


def writer_for(form: Form) -> AnswerWriter:
    """The writer of a form."""
    return _WRITERS[form.kind](form)


class _TextWriter(ABC):
    """Row by row, each row's bytes counted."""

    def __init__(self, form: Form) -> None:
        self.columns = form.columns
        self._file = form.file
        self._left = form.max_bytes
        self._rows = 0

    def begin(self) -> None:  # noqa: B027 - most formats need nothing here
        """Nothing comes before the rows."""

    def write(self, rows: Sequence[Row]) -> int:
        """Write rows until the cap; answers how many were taken."""
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

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: B027 - most formats need nothing here
        """Nothing comes after the rows."""

    def abandon(self) -> None:  # noqa: B027 - most formats need nothing here
        """Nothing is held."""

    @abstractmethod
    def _line(self, row: Row) -> bytes:
        """One row as the format writes it."""


class JsonWriter(_TextWriter):
    """One document: rows are arrays in the order of `columns`."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._writers = json_writers(form.columns)
        self._head = form.head

    def begin(self) -> None:
        """Head and columns."""
        columns = [{"name": column.name, "type": column.type_name} for column in self.columns]
        self._file.write(dumps({**self._head, "columns": columns})[:-1] + b',"rows":[')

    def _line(self, row: Row) -> bytes:
        values = list(row)
        for index, writer in self._writers:
            if values[index] is not None:
                values[index] = writer(values[index])
        return (b",\n" if self._rows else b"\n") + dumps(values)

    def finish(self, summary: dict[str, Any]) -> None:
        """The fields that are known at the end."""
        self._file.write(b"]," + dumps(summary)[1:])


class NdjsonWriter(_TextWriter):
    """One object per line, by column name."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._writers = json_writers(form.columns)
        self._names = [column.name for column in form.columns]

    def _line(self, row: Row) -> bytes:
        values = list(row)
        for index, writer in self._writers:
            if values[index] is not None:
                values[index] = writer(values[index])
        return dumps(dict(zip(self._names, values, strict=True))) + b"\n"


_NEVER_QUOTED: Final = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "double precision",
        "boolean",
        "date",
        "timestamptz",
        "timestamp",
    }
)
_QUOTED: Final = frozenset('",\r\n')


class CsvWriter(_TextWriter):
    """RFC 4180 with a header line. Null is an empty field, an empty text is a quoted one."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._writers = [_cell_writer(column) for column in form.columns]

    def begin(self) -> None:
        """The header line."""
        self._file.write((",".join(_field(column.name) for column in self.columns) + "\r\n").encode())

    def _line(self, row: Row) -> bytes:
        cells = ["" if value is None else write(value) for write, value in zip(self._writers, row, strict=True)]
        return (",".join(cells) + "\r\n").encode()


def _cell_writer(column: ResultColumn) -> Callable[[Any], str]:
    write = text_writer(column)
    if not column.array and column.type in _NEVER_QUOTED:
        return write
    return lambda value: _field(write(value))


def _field(text: str) -> str:
    if text and _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


_ARROW_TYPES: Final = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""Every other type is a string in Arrow: a decimal of a query has no fixed scale, and a string keeps its digits."""

_CAST_FROM_TEXT: Final = {"date": None, "timestamp": time_text, "timestamptz": instant_text}


class _ColumnarWriter(ABC):
    """Chunk by chunk: a chunk that does not fit is left out whole."""

    def __init__(self, form: Form) -> None:
        self._columns = form.columns
        self._file = form.file
        self._left = form.max_bytes
        self._schema = pa.schema(
            [
                pa.field(column.name, _arrow_type(column), metadata={"spyne.type": column.type_name})
                for column in form.columns
            ]
        )

    def write(self, rows: Sequence[Row]) -> int:
        """Write the rows if they are within the cap; answers how many were taken."""
        batch = self._batch(rows)
        if batch.nbytes > self._left:
            return 0
        self._left -= batch.nbytes
        self._put(batch)
        return len(rows)

    def _batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        arrays = [
            _array(column, [row[index] for row in rows], self._schema.field(index).type)
            for index, column in enumerate(self._columns)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    @abstractmethod
    def _put(self, batch: pa.RecordBatch) -> None:
        """Write one batch of rows."""


class ArrowWriter(_ColumnarWriter):
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


class ParquetWriter(_ColumnarWriter):
    """Parquet, zstd, one row group per `ROW_GROUP_BYTES`."""

    _parquet: Any = None

    def begin(self) -> None:
        """The magic bytes."""
        self._parquet = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0

    def _put(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._parquet.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting.clear()
            self._waiting_bytes = 0

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the headers of the answer say it
        """The last row group and the footer."""
        self._flush()
        self._parquet.close()

    def abandon(self) -> None:
        """Close the writer, which would otherwise write its footer whenever it is collected."""
        if self._parquet is not None:
            self._parquet.close()


_WRITERS: Final[dict[Format, Callable[[Form], AnswerWriter]]] = {
    Format.JSON: JsonWriter,
    Format.NDJSON: NdjsonWriter,
    Format.CSV: CsvWriter,
    Format.ARROW: ArrowWriter,
    Format.PARQUET: ParquetWriter,
}


def _arrow_type(column: ResultColumn) -> pa.DataType:
    return pa.string() if column.array else _ARROW_TYPES.get(column.type, pa.string())


def _array(column: ResultColumn, values: list[Any], kind: pa.DataType) -> pa.Array:
    if column.array or kind == pa.string():
        write = text_writer(column)
        return pa.array([None if value is None else write(value) for value in values], pa.string())
    if column.type in _CAST_FROM_TEXT:
        convert = _CAST_FROM_TEXT[column.type]
        texts = values if convert is None else [None if value is None else convert(value) for value in values]
        try:
            return pa.array(texts, pa.string()).cast(kind)
        except pa.ArrowInvalid as error:
            raise NotRepresentableError(
                f"A value of {column.name} is outside of what Arrow's {kind} can hold."
            ) from error
    if column.kind is Kind.FLOAT:
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, kind)
