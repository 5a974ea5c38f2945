"""CSV (RFC 4180 with a header row). Rows are numbered by the physical line they begin on; an empty field is null."""

import codecs
import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.lines import BLOCK_BYTES
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.decoding.row_model import Row, RowModel, UnknownColumns
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, clip
from app.warehouse.types import TypeKind

csv.field_size_limit(MAX_ROW_BYTES)  # the module's own limit of 128 kB would refuse long texts; this is its only switch

_astuple = msgspec.structs.astuple
_DATE_DASH = 4
"""Offset of the first dash of an ISO date, which keeps bare numbers from being read as seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the line on which it begins, its fields, or what is wrong with it."""

    line: int
    fields: list[str]
    fault: str | None = None


async def record_blocks(body: AsyncIterator[bytes], block_bytes: int = BLOCK_BYTES) -> AsyncIterator[list[Record]]:
    """The records of the body, header included, in blocks of about `block_bytes`.

    Raises:
        MalformedBody: not UTF-8, or a quoted field that does not end.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    text, line = "", 1
    parts: list[str] = []
    size, wait = 0, block_bytes
    async for data in body:
        parts.append(_decode(decoder, data, final=False))
        size += len(parts[-1])
        if size < wait:
            continue
        text, parts = text + "".join(parts), []
        cut = _last_border(text)
        if cut:
            yield list(_records(text[:cut], line))
            line += text.count("\n", 0, cut)
            text = text[cut:]
            wait = block_bytes
        elif len(text) > MAX_ROW_BYTES:
            raise MalformedBody(f"the record on line {line} has no end: is a quote left open?")
        else:
            wait = 2 * len(text)
        size = len(text)
    text += "".join(parts) + _decode(decoder, b"", final=True)
    if text:
        yield list(_records(text, line))


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
    try:
        return decoder.decode(data, final)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8: {error.reason}") from error


def _last_border(text: str) -> int:
    """The offset at which the last whole record ends: a line feed with an even number of quotes before it."""
    cut = text.rfind("\n") + 1
    odd = text.count('"', 0, cut) % 2
    while cut and odd:
        previous = text.rfind("\n", 0, cut - 1) + 1
        odd = (odd + text.count('"', previous, cut)) % 2
        cut = previous
    return cut


def _records(text: str, line: int) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    before = 0
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line + before, [], str(error))
        else:
            if fields:
                yield Record(line + before, fields)
        before = reader.line_num


class _Table:
    """Turns records into rows, by the header."""

    def __init__(self, model: RowModel, header: Sequence[str]) -> None:
        self._model = model
        self._width = len(header)
        known = {name: position for position, name in enumerate(header)}
        self._unknown = [name for name in header if name not in model.names and name != model.ignored]
        self._places = [known.get(name) for name in model.names]
        self._straight = self._places == list(range(self._width))
        row_type = model.array_type(str)
        self._all_type = list[row_type]  # type: ignore[valid-type]  # a type made at run time
        self._one_type = row_type
        kinds = [column.type.kind for column in model.plan.record_columns]
        timed = {TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ}
        self._timed = [index for index, kind in enumerate(kinds) if kind in timed]

    def chunk(self, records: Sequence[Record]) -> Chunk:
        refused: list[Rejection] = []
        good: list[Record] = []
        for record in records:
            fault = self._shape_fault(record)
            if fault is None:
                good.append(record)
            else:
                refused.append(fault)
        values = [self._values(record.fields) for record in good]
        rows = self._rows(good, values, refused)
        by_line = {record.line: record for record in good}
        return self._model.assemble(rows, lambda at: _raw(by_line[rows[at][0]]), refused, exact=False)

    def _shape_fault(self, record: Record) -> Rejection | None:
        if record.fault is not None:
            return Rejection(
                record.line, RejectionCode.MALFORMED_LINE, None, f"the record cannot be read: {record.fault}", ""
            )
        if len(record.fields) != self._width:
            message = f"the header has {self._width} fields, the record {len(record.fields)}"
            return Rejection(record.line, RejectionCode.MALFORMED_LINE, None, message, _raw(record))
        if self._unknown and self._model.unknown is UnknownColumns.REJECT:
            name = self._unknown[0]
            return Rejection(
                record.line, RejectionCode.UNKNOWN_COLUMN, name, f"the contract has no column {name}", _raw(record)
            )
        return None

    def _values(self, fields: list[str]) -> list[str | None]:
        if self._straight:
            return [field or None for field in fields]
        return [None if place is None else fields[place] or None for place in self._places]

    def _rows(
        self, records: Sequence[Record], values: Sequence[list[str | None]], refused: list[Rejection]
    ) -> list[Row]:
        if all(self._times_are_text(row) for row in values):
            try:
                decoded = msgspec.convert(values, type=self._all_type, strict=False)
                return [(record.line, *_astuple(row)) for record, row in zip(records, decoded, strict=True)]
            except msgspec.ValidationError:
                pass
        rows: list[Row] = []
        for record, row in zip(records, values, strict=True):
            try:
                decoded_row: Any = msgspec.convert(row, type=self._one_type, strict=False)
            except msgspec.ValidationError as error:
                refused.append(self._model.rejection(record.line, _raw(record), error))
                continue
            if self._times_are_text(row):
                rows.append((record.line, *_astuple(decoded_row)))
            else:
                message = "a timestamp is written as RFC 3339 says"
                refused.append(
                    Rejection(record.line, RejectionCode.WRONG_TYPE, self._numeric_time(row), message, _raw(record))
                )
        return rows

    def _times_are_text(self, row: Sequence[str | None]) -> bool:
        return all((value := row[index]) is None or value[_DATE_DASH : _DATE_DASH + 1] == "-" for index in self._timed)

    def _numeric_time(self, row: Sequence[str | None]) -> str:
        index = next(
            i for i in self._timed if (value := row[i]) is not None and value[_DATE_DASH : _DATE_DASH + 1] != "-"
        )
        return self._model.names[index]


def _raw(record: Record) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(record.fields)
    return clip(text.getvalue())


async def csv_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a CSV body; its first record names the columns, in any order.

    Raises:
        MalformedBody: no header, a column named twice, not UTF-8, or a quoted field that does not end.
    """
    table: _Table | None = None
    async for records in record_blocks(body):
        rest = records
        if table is None and records:
            table, rest = _Table(model, header_names(records[0])), records[1:]
        if table is not None and rest:
            yield table.chunk(rest)
    if table is None:
        raise MalformedBody("the body has no header row")


def header_names(record: Record) -> list[str]:
    """The column names of a header record.

    Raises:
        MalformedBody: it cannot be read, or names a column twice.
    """
    if record.fault is not None:
        raise MalformedBody(f"the header cannot be read: {record.fault}")
    names = [name.strip() for name in record.fields]
    if len(set(names)) != len(names):
        raise MalformedBody("the header names a column twice")
    return names
