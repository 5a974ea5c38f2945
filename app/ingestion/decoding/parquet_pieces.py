"""Pieces of a Parquet file that fit into memory, whatever the file holds and says of itself.

With a dictionary, a file of some kilobytes stands for gigabytes of text. So texts stay in their dictionaries until a
piece of the rows is known to be small enough to be written out.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.ingestion.decoding.inflate import RATIO_GRACE, InflateLimits
from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.problems import BodyTooDense, MalformedBody
from app.ingestion.rows.arrow_values import Int96, is_list, is_variable, map_entries
from app.ingestion.rows.row_model import MAX_FIELDS

BATCH_ROWS: Final = 2048
"""Rows read at once, of files whose rows are not long."""

EXTENSION_ROWS: Final = 16
"""The same of files with types of Arrow's own (`arrow.json`), whose texts Arrow does not leave in dictionaries."""

PIECE_BYTES: Final = 8 << 20
"""Of values written out at once, unless a single row has more."""

_READ_BYTES: Final = 1 << 20
"""Of a column's bytes read at once, instead of all that a row group has of it."""

MAX_FOOTER_BYTES: Final = 8 << 20
"""Longest footer: some 30,000 parts of columns. All of it is read and held at once, whatever is in it."""

_MAGIC: Final = b"PAR1"
"""Stands at the end of the file, behind four bytes with the length of the footer."""

LIMITS: Final = InflateLimits()
"""What a file may unpack to by itself: no more than a body by its content coding."""

_FAILURES: Final = (pa.ArrowException, OSError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a file."""

    names: Sequence[str]
    columns: Sequence[Any]
    """Arrow arrays, and `Int96` columns."""
    rows: int
    overlong: bool = False
    """Whether this is one row of more than `MAX_ROW_BYTES`."""

    def part(self, start: int, rows: int) -> "Piece":
        """So many of the rows, from that position on."""
        return Piece(self.names, [column.slice(start, rows) for column in self.columns], rows)


def parquet_pieces(file: IO[bytes], size: int, limits: InflateLimits = LIMITS) -> Iterator[Piece]:
    """The rows of a Parquet file of so many bytes, in order; a file without rows is one piece without.

    Raises:
        MalformedBody: not a Parquet file, one that pyarrow cannot read, or one with more than `MAX_FIELDS` columns.
        BodyTooDense: it unpacks to more than the limits allow.
    """
    bound = min(limits.max_bytes, max(RATIO_GRACE, int(limits.max_ratio * size)))
    try:
        source = _Source(file, bound)
        written = 0
        for batch in source.batches():
            for piece in _parts(batch):
                written += _bytes_of(piece)
                if written > bound:
                    raise _too_dense(bound)
                yield _written_out(piece)
    except _FAILURES as error:
        raise MalformedBody(f"the body is not a readable Parquet file: {error}") from error


def _too_dense(bound: int) -> BodyTooDense:
    return BodyTooDense(f"the Parquet file unpacks to more than {bound} bytes")


def _check_footer(file: IO[bytes]) -> None:
    """Return when the footer has so many bytes that it may be read. Raises `MalformedBody`."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - len(_MAGIC) - 4))
    length = int.from_bytes(file.read(4), "little")
    if file.read() == _MAGIC and length > MAX_FOOTER_BYTES:
        raise MalformedBody(
            f"the footer of the file has {length} bytes, and at most {MAX_FOOTER_BYTES} are read: there are too many "
            "columns or row groups"
        )


class _Source:
    """An open Parquet file."""

    def __init__(self, file: IO[bytes], bound: int) -> None:
        self._file = file
        _check_footer(file)
        first = pq.ParquetFile(file, pre_buffer=False)
        self._metadata = first.metadata
        self._schema = first.schema_arrow
        if len(self._schema) > MAX_FIELDS:
            raise MalformedBody(f"the file has {len(self._schema)} columns; at most {MAX_FIELDS} are read")
        sizes = [self._metadata.row_group(number).total_byte_size for number in range(self._metadata.num_row_groups)]
        if sum(sizes) > bound or any(size < 0 for size in sizes):
            raise _too_dense(bound)
        self._rows = max(1, min(BATCH_ROWS, PIECE_BYTES * self._metadata.num_rows // max(1, sum(sizes))))
        leaves = [first.schema.column(number) for number in range(len(first.schema))]
        self._int96 = [
            leaf.path for leaf in leaves if leaf.physical_type == "INT96" and leaf.path in self._schema.names
        ]
        self._texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and not _is_decimal(leaf)]
        if any(isinstance(field.type, pa.BaseExtensionType) for field in self._schema):
            self._rows = min(self._rows, EXTENSION_ROWS)

    def batches(self) -> Iterator[Piece]:
        """The rows in batches; texts are dictionaries. INT96 counts days and nanoseconds beyond what 64 bits hold."""
        names = self._schema.names
        if not self._metadata.num_rows:
            yield Piece(names, [pa.array([], field.type) for field in self._schema], 0)
            return
        fine = _Rows(self._batches("ns", self._int96)) if self._int96 else None
        for batch in self._batches("us"):
            columns = list(batch.columns)
            if fine is not None:
                for name, nanoseconds in zip(self._int96, fine.take(batch.num_rows), strict=True):
                    place = names.index(name)
                    columns[place] = Int96.of(columns[place], nanoseconds)
            yield Piece(names, columns, batch.num_rows)

    def _batches(self, unit: str, columns: list[str] | None = None) -> Iterator[Any]:
        source = pq.ParquetFile(
            self._file,
            metadata=self._metadata,
            read_dictionary=self._texts,
            coerce_int96_timestamp_unit=unit,
            pre_buffer=False,
            buffer_size=_READ_BYTES,
        )
        yield from source.iter_batches(batch_size=self._rows, columns=columns)


class _Rows:
    """Rows of batches, in as many as are asked for: where batches end depends on which columns are read."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._left: Any = None

    def take(self, rows: int) -> list[Any]:
        """The columns of the next rows."""
        parts = [] if self._left is None else [self._left]
        while sum(part.num_rows for part in parts) < rows:
            parts.append(next(self._batches))
        whole = pa.concat_batches(parts)
        self._left = whole.slice(rows)
        return list(whole.slice(0, rows).columns)


def _is_decimal(leaf: Any) -> bool:
    return bool(leaf.logical_type.type == "DECIMAL")


def _bytes_of(piece: Piece) -> int:
    """Bytes of the values, each written out."""
    return sum(map(_bytes_of_column, piece.columns))


def _bytes_of_column(column: Any) -> int:
    kind = column.type
    if isinstance(column, Int96):
        return int(column.nbytes)
    if pa.types.is_struct(kind):
        return sum(_bytes_of_column(column.field(place)) for place in range(kind.num_fields)) + len(column)
    if pa.types.is_map(kind):
        return _bytes_of_column(map_entries(column))
    if is_list(kind):
        return _bytes_of_column(column.flatten()) + 8 * len(column)
    if not pa.types.is_dictionary(kind) or not is_variable(kind.value_type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths, min_count=0).as_py()) + 8 * len(column)


def _parts(batch: Piece) -> Iterator[Piece]:
    """The rows of a batch in pieces of at most `PIECE_BYTES`, or of one row."""
    size = _bytes_of(batch)
    if batch.rows > 1 and size > PIECE_BYTES:
        half = batch.rows // 2
        yield from _parts(batch.part(0, half))
        yield from _parts(batch.part(half, batch.rows - half))
    else:
        yield replace(batch, overlong=batch.rows == 1 and size > MAX_ROW_BYTES)


def _written_out(piece: Piece) -> Piece:
    return replace(piece, columns=[_written_column(column, overlong=piece.overlong) for column in piece.columns])


def _written_column(column: Any, *, overlong: bool) -> Any:
    """The column without a dictionary. Of a row that is too long, lists and structs are named by their size alone."""
    if isinstance(column, Int96):
        return column
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    size = _bytes_of_column(column) if overlong and pa.types.is_nested(column.type) else 0
    return pa.array([f"({size} bytes)"]) if size > MAX_ROW_BYTES else column
