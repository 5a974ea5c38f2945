"""Parquet: spooled to a file of its own (the footer is at the end), then read in bounded pieces in a thread.

Pieces are cut in `parquet_pieces.py`; what values mean is decided in `app/ingestion/rows/arrow_values.py`.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from typing import IO, Any

import pyarrow as pa

from app.ingestion.decoding.headers import Header, HeaderObservations, match_header, unknown_faults
from app.ingestion.decoding.json_rows import too_long
from app.ingestion.decoding.pace import in_thread
from app.ingestion.decoding.parquet_pieces import Piece, parquet_pieces
from app.ingestion.rows.arrow_values import Int96, Unfit, python_values
from app.ingestion.rows.columns import ContractColumn, contract_columns
from app.ingestion.rows.documents import UnfitPart, json_text
from app.ingestion.rows.field_reader import WRITTEN_KINDS, BadValue, FieldReader, shown
from app.ingestion.rows.observations import ChunkObservations
from app.ingestion.rows.row_model import Row, RowModel
from app.warehouse.rejections import MAX_RAW_CHARACTERS, Chunk, Rejection, RejectionCode, rejection_of
from app.warehouse.types import INTEGER_KINDS, TypeKind


async def parquet_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a Parquet body. Rows are numbered from 1.

    Raises:
        MalformedBody: not a Parquet file, or one that pyarrow cannot read.
        BodyTooDense: it unpacks to more than is allowed.
        HeaderMismatch: it lacks a column that no row may leave empty.
    """
    with tempfile.TemporaryFile(prefix="spyne-parquet-") as file:
        size = await spooled(body, file)
        pieces = parquet_pieces(file, size)
        table: _ParquetRows | None = None
        first = 1
        while (piece := await in_thread(next, pieces, None)) is not None:
            if table is None:
                table = _ParquetRows(model, match_header(piece.names, model))
                yield Chunk(0, b"", notices=table.notices)
            yield await in_thread(table.chunk, piece, first)
            first += piece.rows


async def spooled(body: AsyncIterator[bytes], file: IO[bytes]) -> int:
    """How many bytes the body has, which are written to the file."""
    size = 0
    async for data in body:
        size += file.write(data)
    return size


class _Shown:
    """What refused rows of a piece are shown by."""

    def __init__(self, piece: Piece, first: int) -> None:
        self._piece = piece
        self._first = first

    @cached_property
    def _columns(self) -> list[tuple[str, list[Any]]]:
        return [
            (name, python_values(column)) for name, column in zip(self._piece.names, self._piece.columns, strict=True)
        ]

    def raw(self, number: int) -> str:
        """All fields of the row of that number, as JSON, as far as they are kept; long texts are cut."""
        row, length = {}, 0
        for name, values in self._columns:
            row[name] = _cut(values[number - self._first])
            length += len(name)
            if length > MAX_RAW_CHARACTERS:
                break
        return json_text(row)


def _cut(value: Any) -> Any:
    if isinstance(value, Unfit):
        return value.given
    if isinstance(value, str | bytes):
        return value[:MAX_RAW_CHARACTERS]
    if isinstance(value, dict):
        return {name: _cut(part) for name, part in value.items()}
    return [_cut(part) for part in value] if isinstance(value, list) else value


class _ParquetRows:
    """Turns record batches into chunks."""

    def __init__(self, model: RowModel, header: Header) -> None:
        self.notices = header.notices
        self._model = model
        self._header = header
        self._columns = contract_columns(model)
        self._unknown = unknown_faults(header, model)
        """Faults that every row has."""
        self._observed = HeaderObservations(header)

    def chunk(self, piece: Piece, first: int) -> Chunk:
        """The chunk of some rows, the first of that number."""
        shown_by = _Shown(piece, first)
        if piece.overlong:
            return Chunk(0, b"", (rejection_of(first, shown_by.raw(first), [too_long()]),))
        seen = ChunkObservations(read=_fit)
        self._observed.note(piece.rows, lambda place: python_values(piece.columns[place]), seen)
        bad: set[int] = set(range(piece.rows)) if self._unknown else set()
        given = [
            [None] * piece.rows if place is None else _values(column, piece.columns[place])
            for column, place in zip(self._columns, self._header.places, strict=True)
        ]
        read = [_read(column, values, bad) for column, values in zip(self._columns, given, strict=True)]
        rows = list(zip(range(first, first + piece.rows), *read, strict=True))
        refused: list[Rejection] = []
        if bad:
            found = [
                self._one_by_one(first + position, [values[position] for values in given], shown_by, seen)
                for position in sorted(bad)
            ]
            rows = [row for position, row in enumerate(rows) if position not in bad]
            rows += [row for row in found if isinstance(row, tuple)]
            refused += [row for row in found if isinstance(row, Rejection)]
        chunk = self._model.assemble(rows, lambda at: shown_by.raw(rows[at][0]), refused, seen=seen)
        self._model.observations.add(seen)
        return chunk

    def _one_by_one(
        self, number: int, values: Sequence[Any], shown_by: _Shown, seen: ChunkObservations
    ) -> Row | Rejection:
        given = {
            name: value
            for name, value, place in zip(self._header.expected, values, self._header.places, strict=True)
            if place is not None
        }
        found = self._model.examine(given, _single, number, self._unknown, seen)
        return found if isinstance(found, tuple) else rejection_of(number, shown_by.raw(number), found)


def _fit(value: Any) -> Any:
    """The value, as far as a column can hold it: an unfit one is no more than a null."""
    return None if isinstance(value, Unfit) else value


def _values(column: ContractColumn, array: Any) -> list[Any]:
    """The values of a column as Python has them; whole numbers are integers where integers are wanted."""
    if column.kind in INTEGER_KINDS and (pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)):
        try:
            whole: list[Any] = array.cast(pa.int64()).to_pylist()
        except pa.ArrowInvalid:
            return python_values(array)
        return whole
    if isinstance(array, Int96) and column.kind is TypeKind.TIMESTAMPTZ:
        array = replace(array, zone=UTC)
    return python_values(array, exact=column.exact)


def _read(column: ContractColumn, values: list[Any], bad: set[int]) -> Sequence[Any]:
    """The values of a column as rows have them; positions of those with a fault go to `bad`."""
    try:
        if column.kind is TypeKind.JSONB:
            return column.checked([_document(value) for value in values])
        if column.kind in WRITTEN_KINDS and str in set(map(type, values)):
            return column.of_texts(values, bad)
        return column.checked(values)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return column.one_by_one(values, _single, bad)


def _document(value: Any) -> str | None:
    """The JSON text of a value; a text is JSON already, as Parquet has no type of its own for documents."""
    return value if value is None or isinstance(value, str) else json_text(value)


def _single(reader: FieldReader, value: Any) -> Any:
    if isinstance(value, Unfit):
        said = f"{reader.column.name}: {shown(value.given)} {value.message}"
        raise BadValue(value.code, said, of_type=value.code is RejectionCode.OUT_OF_RANGE)
    return _single_document(reader, value) if reader.kind is TypeKind.JSONB else reader.of_python(value)


def _single_document(reader: FieldReader, value: Any) -> str | None:
    try:
        return _document(value)
    except UnfitPart as error:
        said = f"{reader.column.name}: {shown(error.part.given)} in it {error.part.message}"
        raise BadValue(error.part.code, said, of_type=False) from error
    except TypeError as error:
        said = f"{reader.column.name} holds what JSON has no form for"
        raise BadValue(RejectionCode.WRONG_TYPE, said, of_type=True) from error
