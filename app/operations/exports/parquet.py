"""Rows as Parquet: fetched in portions, kept by pyarrow in row groups of bounded size, passed on as they are ready."""

import io
from asyncio import to_thread
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from app.operations.exports.forms import Column, Stored, parquet_columns, parquet_statement
from app.operations.exports.problems import NotRepresentableInForm

FETCH_ROWS: Final = 5_000
GROUP_BYTES: Final = 16 * 1024 * 1024
"""Of rows in memory before they become a row group."""

_TYPES: Final[Mapping[str, Any]] = {
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "instant": pa.timestamp("us", "UTC"),
}
_FETCHED: Final[Mapping[str, Any]] = {
    "date": pa.int32(),
    "time": pa.int64(),
    "timestamp": pa.int64(),
    "instant": pa.int64(),
    "decimal": pa.string(),
}


def arrow_type(stored: Stored) -> Any:
    """The type of the column in the file."""
    return pa.decimal128(stored.precision, stored.scale) if stored.kind == "decimal" else _TYPES[stored.kind]


class _Drain(io.RawIOBase):
    """What pyarrow writes into, to be taken out again."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _File:
    """A Parquet file in the making."""

    def __init__(self, kept: Sequence[Stored]) -> None:
        self._kept = kept
        self._schema = pa.schema([pa.field(stored.name, arrow_type(stored)) for stored in kept])
        self._drain = _Drain()
        self._writer = pq.ParquetWriter(self._drain, self._schema, compression="zstd")
        self._waiting: list[Any] = []
        self._size = 0

    def take(self, rows: Sequence[Any]) -> bytes:
        """What is ready of the file after these rows. Raises `NotRepresentableInForm`."""
        columns = list(zip(*rows, strict=True)) if self._kept else []
        arrays = [_array(stored, values) for stored, values in zip(self._kept, columns, strict=True)]
        batch = pa.record_batch(arrays, schema=self._schema)
        self._waiting.append(batch)
        self._size += batch.nbytes
        if self._size >= GROUP_BYTES:
            self._flush()
        return self._drain.taken()

    def end(self) -> bytes:
        """The rest of the file."""
        self._flush()
        self._writer.close()
        return self._drain.taken()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting, self._size = [], 0


def _array(stored: Stored, values: Sequence[Any]) -> Any:
    try:
        return pa.array(values, type=_FETCHED.get(stored.kind, arrow_type(stored))).cast(arrow_type(stored))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError) as error:
        raise NotRepresentableInForm(
            f"The column {stored.name} holds a value, such as NaN, that Parquet has no {stored.kind} for: "
            "export as CSV or NDJSON."
        ) from error


async def write_parquet(
    connection: Any, sql: str, columns: Sequence[Column], decimals: Mapping[str, tuple[int, int]]
) -> AsyncIterator[tuple[bytes, int]]:
    """The file in pieces, each with the rows that were read for it.

    Raises:
        NotRepresentableInForm: a value has no place in its column.
        asyncpg.PostgresError: the statement failed.
    """
    kept = parquet_columns(columns, decimals)
    file = await to_thread(_File, kept)
    prepared = await connection.prepare(parquet_statement(sql, columns, kept))
    cursor = await prepared.cursor()
    while rows := await cursor.fetch(FETCH_ROWS):
        yield await to_thread(file.take, rows), len(rows)
    yield await to_thread(file.end), 0
