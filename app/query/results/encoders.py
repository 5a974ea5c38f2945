"""Writes an answer's rows into a file as they come, in each of the forms that an answer can take.

A writer takes no more bytes than the cap: it says how many rows it took, and the rest is cut. Memory holds one chunk of
rows (columnar forms: one row group).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

import pyarrow as pa

from app.kernel.tabular.parquet import ParquetFile
from app.kernel.tabular.types import array, field, time_microseconds
from app.query.results.columns import ResultColumn, dumps, instant_text, json_writers, text_writer, time_text
from app.query.results.formats import Format

Row = Sequence[Any]


class ResultEncoder(Protocol):
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
class ResultTarget:
    """What an answer is written as, and where."""

    kind: Format
    columns: tuple[ResultColumn, ...]
    file: IO[bytes]
    max_bytes: int
    """Cap of the rows' bytes; of their size in memory in columnar forms."""
    head: dict[str, Any]
    """Fields that JSON puts before the columns."""


def encoder_for(form: ResultTarget) -> ResultEncoder:
    """The writer of a form."""
    return _WRITERS[form.kind](form)


class _TextEncoder(ABC):
    """Row by row, each row's bytes counted."""

    def __init__(self, form: ResultTarget) -> None:
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


class JsonEncoder(_TextEncoder):
    """One document: rows are arrays in the order of `columns`."""

    def __init__(self, form: ResultTarget) -> None:
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


class NdjsonEncoder(_TextEncoder):
    """One object per line, by column name."""

    def __init__(self, form: ResultTarget) -> None:
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


class CsvEncoder(_TextEncoder):
    """RFC 4180 with a header line. Null is an empty field, an empty text is a quoted one."""

    def __init__(self, form: ResultTarget) -> None:
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


class _ColumnarEncoder(ABC):
    """Chunk by chunk: a chunk that does not fit is left out whole."""

    def __init__(self, form: ResultTarget) -> None:
        self._columns = form.columns
        self._file = form.file
        self._left = form.max_bytes
        self._schema = pa.schema([field(column.name, column.type_name) for column in form.columns])

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
            _array(column, [row[index] for row in rows], self._schema.field(index))
            for index, column in enumerate(self._columns)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

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
    """Parquet."""

    _parquet: ParquetFile | None = None

    def begin(self) -> None:
        """The magic bytes."""
        self._parquet = ParquetFile(self._file, self._schema)

    def _put(self, batch: pa.RecordBatch) -> None:
        assert self._parquet is not None
        self._parquet.put(batch)

    def finish(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the headers of the answer say it
        """The last row group and the footer."""
        assert self._parquet is not None
        self._parquet.finish()

    def abandon(self) -> None:
        """Let go of the file while it is open."""
        if self._parquet is not None:
            self._parquet.abandon()


_WRITERS: Final[dict[Format, Callable[[ResultTarget], ResultEncoder]]] = {
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
    "real": (float, pa.float32()),
    "double precision": (float, pa.float64()),
}
"""What becomes of PostgreSQL's text, and its Arrow type, before it is cast to that of the column."""


def _array(column: ResultColumn, values: list[Any], wanted: pa.Field) -> pa.Array:
    write, given = (text_writer(column), None)
    if wanted.type != pa.string():
        if column.type not in _FROM_TEXT:
            return array(wanted, values)
        write, given = _FROM_TEXT[column.type]
    return array(wanted, [None if value is None else write(value) for value in values], given)
