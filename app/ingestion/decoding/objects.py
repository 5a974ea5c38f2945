"""Rows of a body without a contract, for inferring one: mappings from column to value, in bounded lists.

Rows that cannot be read are left out: they are refused, with their reason, when the body is read under the contract.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import msgspec

from app.ingestion.decoding.arrays import array_blocks
from app.ingestion.decoding.json_fields import names_of
from app.ingestion.decoding.json_rows import LONG_BYTES
from app.ingestion.decoding.lines import line_blocks
from app.ingestion.decoding.pace import Pace, in_parts, in_turns
from app.ingestion.decoding.parquet import batches_of, python_columns
from app.ingestion.decoding.row_model import MAX_FIELDS
from app.ingestion.decoding.tables import header_names, record_blocks

Objects = list[dict[str, Any]]

_OBJECT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_OBJECTS: msgspec.json.Decoder[Objects] = msgspec.json.Decoder(list[dict[str, Any]])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


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
    """The rows of a CSV body, all values text, empty ones null. Raises what `csv_chunks` raises."""
    header: list[str] | None = None
    async for records in record_blocks(body):
        rest = records
        if header is None and records:
            header, rest = header_names(records[0]), records[1:]
        if header is not None:
            good = (record.fields for record in rest if record.fault is None and len(record.fields) == len(header))
            yield [{name: field or None for name, field in zip(header, fields, strict=True)} for fields in good]


async def parquet_objects(body: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
    """The rows of a Parquet body. Raises what `parquet.batches_of` raises."""
    with tempfile.TemporaryFile(prefix="spyne-parquet-") as file:
        async for data in body:
            file.write(data)
        batches = batches_of(file)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            columns = await asyncio.to_thread(python_columns, batch)
            yield [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
