"""Writes Parquet as rows come: zstd, row groups of bounded size, so that memory holds one of them."""

import io
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_BYTES: Final = 8 * 1024 * 1024
"""The bytes of rows in memory before they become a row group."""


class ParquetFile:
    """A Parquet file in the making."""

    def __init__(self, sink: IO[bytes], schema: Any) -> None:
        """Begins the file, whose bytes go to the sink."""
        self._schema = schema
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd")
        self._waiting: list[Any] = []
        self._size = 0

    def put(self, batch: Any) -> None:
        """Take a record batch."""
        self._waiting.append(batch)
        self._size += batch.nbytes
        if self._size >= GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the sink, which would otherwise get a footer whenever the writer is collected."""
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting.clear()
            self._size = 0


class Drain(io.RawIOBase):
    """A sink whose bytes are taken out again as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """How many bytes were written so far."""
        return self._position

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def taken(self) -> bytes:
        """The bytes since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
