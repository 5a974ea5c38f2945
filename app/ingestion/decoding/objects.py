"""Rows of a body without a contract, for inferring one: mappings from column to value, in bounded lists.

Rows that cannot be read are left out: they are refused, with their reason, when the body is read under the contract.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from app.ingestion.decoding.arrays import array_blocks
from app.ingestion.decoding.csv_records import SMALL, record_blocks
from app.ingestion.decoding.headers import is_row_index
from app.ingestion.decoding.json_fields import names_of
from app.ingestion.decoding.json_rows import LONG_BYTES
from app.ingestion.decoding.json_values import exact_number
from app.ingestion.decoding.lines import line_blocks
from app.ingestion.decoding.pace import Pace, in_parts, in_thread, in_turns
from app.ingestion.decoding.parquet import spooled
from app.ingestion.decoding.parquet_pieces import Piece, parquet_pieces
from app.ingestion.decoding.tables import header_names, records_at_once, text_of
from app.ingestion.rows.arrow_values import Unfit, python_values
from app.ingestion.rows.row_model import MAX_FIELDS

Objects = list[dict[str, Any]]


_OBJECT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=exact_number)
_OBJECTS: msgspec.json.Decoder[Objects] = msgspec.json.Decoder(list[dict[str, Any]], float_hook=exact_number)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError)


class _Elements:
    """Elements of a JSON array as mappings."""

    def elements(self, array: bytes) -> Objects | None:
        try:
            return _OBJECTS.decode(array)
        except _UNREADABLE:
            return None

    def chunks(
        self,
        decoded: Objects | None,
        first: int,  # noqa: ARG002 - a protocol's
        texts: Callable[[], Iterable[tuple[int, bytes]]],
    ) -> Iterator[Objects]:
        if decoded is not None:
            yield [row for row in decoded if len(row) <= MAX_FIELDS]
            return
        for part in in_parts(texts(), 1):
            yield [row for _, text in part if (row := _read(text)) is not None]


def _read(text: bytes) -> dict[str, Any] | None:
    if len(text) > LONG_BYTES and len(names_of(text, MAX_FIELDS + 1)) > MAX_FIELDS:
        return None
    try:
        row = _OBJECT.decode(text)
    except _UNREADABLE:
        return None
    return row if len(row) <= MAX_FIELDS else None


async def ndjson_objects(body: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
    """The rows of an NDJSON body."""
    pace = Pace()
    async for block in line_blocks(body):
        if not block.overlong:
            pieces = _Elements().chunks(None, block.first, block.lines)
            async for rows in in_turns(pieces, pace, aside=len(block.data) > LONG_BYTES):
                yield rows


def array_objects(body: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
    """The rows of a body that is one JSON array. Raises what `array_blocks` raises."""
    return array_blocks(body, _Elements())


async def csv_objects(body: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
    """The rows of a CSV body, all values text, fields with nothing in them null. Raises what `csv_chunks` raises."""
    header: list[str] | None = None
    pace = Pace()
    async for records in record_blocks(body):
        begin = 0
        if header is None and (header := header_names(records)) is not None:
            begin = 1
        if header is not None:
            pieces = _mappings(header, records.fields, begin)
            async for rows in in_turns(pieces, pace, aside=len(records.text) > SMALL):
                yield rows


def _mappings(header: Sequence[str], fields: Sequence[list[str]], begin: int) -> Iterator[Objects]:
    names = [None if is_row_index(name, place) else name for place, name in enumerate(header)]
    at_once = records_at_once(len(header))
    for start in range(begin, len(fields), at_once):
        yield [
            {name: text_of(field) for name, field in zip(names, record, strict=True) if name is not None}
            for record in fields[start : start + at_once]
            if len(record) == len(header)
        ]


async def parquet_objects(body: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
    """The rows of a Parquet body. Raises what `parquet_chunks` raises."""
    with tempfile.TemporaryFile(prefix="spyne-parquet-") as file:
        pieces = parquet_pieces(file, await spooled(body, file))
        while (piece := await in_thread(next, pieces, None)) is not None:
            yield await in_thread(_piece_objects, piece)


def _piece_objects(piece: Piece) -> Objects:
    columns = {
        name: [None if isinstance(value, Unfit) else value for value in python_values(column)]
        for place, (name, column) in enumerate(zip(piece.names, piece.columns, strict=True))
        if not is_row_index(name, place)
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
