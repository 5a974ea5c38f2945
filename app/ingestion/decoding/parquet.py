"""Parquet: spooled to a file of its own (the footer is at the end), then read in bounded batches in a thread."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.decoding.row_model import Row, RowModel, UnknownColumns
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, clip
from app.warehouse.types import TypeKind

BATCH_ROWS = 2048
"""Rows read at once."""

_astuple = msgspec.structs.astuple


async def parquet_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a Parquet body. Rows are numbered from 1.

    Raises:
        MalformedBody: not a Parquet file, or one that pyarrow cannot read.
    """
    with tempfile.TemporaryFile(prefix="spyne-parquet-") as file:
        async for data in body:
            file.write(data)
        batches = batches_of(file)
        table: _ParquetRows | None = None
        first = 1
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            table = table or _ParquetRows(model, batch.schema)
            yield await asyncio.to_thread(table.chunk, batch, first)
            first += batch.num_rows


def batches_of(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """The record batches of a Parquet file.

    Raises:
        MalformedBody: not a Parquet file, or one that pyarrow cannot read.
    """
    file.seek(0)
    try:
        source = pq.ParquetFile(file, pre_buffer=False)
        yield from source.iter_batches(batch_size=BATCH_ROWS)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MalformedBody(f"the body is not a readable Parquet file: {error}") from error


def python_columns(batch: pa.RecordBatch) -> dict[str, list[Any]]:
    """The columns of a batch as Python values; times finer than microseconds are cut, as PostgreSQL has no finer.

    Instants come in UTC, whatever zone the file would show them in: a named zone has no offset of its own.

    Raises:
        MalformedBody: a column holds what Python cannot (text that is not UTF-8, a time out of range).
    """
    columns: dict[str, list[Any]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = column.type
        try:
            if pa.types.is_timestamp(kind):
                coarse = pa.timestamp("us" if kind.unit == "ns" else kind.unit, tz=kind.tz and "UTC")
                column = column.cast(coarse, safe=False)  # noqa: PLW2901 - the same column, coarser
            elif pa.types.is_time64(kind) and kind.unit == "ns":
                column = column.cast(pa.time64("us"), safe=False)  # noqa: PLW2901 - the same column, coarser
            columns[name] = column.to_pylist()
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise MalformedBody(f"the column {name} cannot be read: {error}") from error
    return columns


class _ParquetRows:
    """Turns record batches into chunks."""

    def __init__(self, model: RowModel, schema: pa.Schema) -> None:
        names = schema.names
        if len(set(names)) != len(names):
            raise MalformedBody("the file names a column twice")
        self._model = model
        self._unknown = [name for name in names if name not in model.names and name != model.ignored]
        self._wanted = [name for name in model.names if name in names]
        kinds = [column.type.kind for column in model.plan.record_columns]
        self._documents = frozenset(i for i, kind in enumerate(kinds) if kind is TypeKind.JSONB)
        self._row_type = model.array_type(Any)
        self._all_type = list[self._row_type]  # type: ignore[name-defined]  # a type made at run time

    def chunk(self, batch: pa.RecordBatch, first: int) -> Chunk:
        columns = python_columns(batch.select(self._wanted))
        nothing = [None] * batch.num_rows
        values = list(zip(*(columns.get(name, nothing) for name in self._model.names), strict=True))
        refused: list[Rejection] = []
        if self._unknown and self._model.unknown is UnknownColumns.REJECT:
            name = self._unknown[0]
            code, message = RejectionCode.UNKNOWN_COLUMN, f"the contract has no column {name}"
            refused = [Rejection(n, code, name, message, self._raw(row)) for n, row in enumerate(values, first)]
            return Chunk(0, b"", tuple(refused))
        rows = self._rows(values, first, refused)
        return self._model.assemble(rows, lambda at: self._raw(values[rows[at][0] - first]), refused, exact=False)

    def _rows(self, values: list[tuple[Any, ...]], first: int, refused: list[Rejection]) -> list[Row]:
        try:
            decoded = msgspec.convert(values, type=self._all_type)
            return [self._row(n, row) for n, row in enumerate(decoded, first)]
        except (msgspec.ValidationError, ValueError):
            pass
        rows: list[Row] = []
        for number, row in enumerate(values, first):
            try:
                rows.append(self._row(number, msgspec.convert(row, type=self._row_type)))
            except msgspec.ValidationError as error:
                refused.append(self._model.rejection(number, self._raw(row), error))
            except ValueError as error:
                refused.append(Rejection(number, RejectionCode.WRONG_TYPE, None, str(error), self._raw(row)))
        return rows

    def _row(self, number: int, row: Any) -> Row:
        values = _astuple(row)
        if self._documents:
            values = tuple(_text(v) if i in self._documents else v for i, v in enumerate(values))
        return (number, *values)

    def _raw(self, row: tuple[Any, ...]) -> str:
        return clip(json.dumps(dict(zip(self._model.names, row, strict=True)), default=str))


def _text(value: Any) -> Any:
    """The JSON text of a jsonb value; a text is JSON already, as Parquet has no type of its own for documents."""
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str, allow_nan=False)
