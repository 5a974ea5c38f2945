"""CSV with a header row, read as PostgreSQL's `COPY … (FORMAT csv)` reads it.

Nothing between two commas is null, `""` is the empty text. Rows are numbered by the physical line they begin on. Where
records end is decided in `csv_records.py`, what fields mean in `app/ingestion/rows/text_values.py`.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from app.ingestion.decoding.csv_records import SMALL, Records, record_blocks
from app.ingestion.decoding.csv_scan import QUOTED_EMPTY
from app.ingestion.decoding.headers import Header, HeaderObservations, check_distinct, match_header, unknown_faults
from app.ingestion.decoding.pace import WHOLE_VALUES, Pace, in_turns
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.rows.columns import ContractColumn, contract_columns
from app.ingestion.rows.field_reader import FieldReader
from app.ingestion.rows.observations import ChunkObservations
from app.ingestion.rows.row_model import Row, RowModel
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RowFault, rejection_of

CHUNK_RECORDS = 4096
"""Records of a chunk, at most: a block of short lines has thirty times as many."""

_UNDECODED = re.compile(r"[\udc80-\udcff]")
"""What bytes that are not UTF-8 have become (PEP 383)."""

_UTF16 = ("\udcff\udcfe", "\udcfe\udcff")
"""The byte order marks of UTF-16, so decoded."""


async def csv_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a CSV body; its first record names the columns, in any order.

    Raises:
        MalformedBody: no header, one that cannot be read or names a column twice, or a quoted field that does not end.
        HeaderMismatch: the header lacks a column that no row may leave empty.
    """
    table: _Table | None = None
    pace = Pace()
    async for records in record_blocks(body):
        begin = 0
        if table is None and (names := header_names(records)) is not None:
            table, begin = _Table(model, match_header(names, model)), 1
            yield Chunk(0, b"", notices=table.notices)
        if table is not None:
            async for chunk in in_turns(table.chunks(records, begin), pace, aside=len(records.text) > SMALL):
                yield chunk
    if table is None:
        raise MalformedBody("the body has no header row, the names of its columns, as id,name")


def records_at_once(columns: int) -> int:
    """How many records of so many columns make a chunk."""
    return max(1, min(CHUNK_RECORDS, WHOLE_VALUES // columns))


def header_names(records: Records) -> list[str] | None:
    """The column names of the first record; None when there is none.

    Raises:
        MalformedBody: it cannot be read, or names a column twice.
    """
    if records.faults and (not records.lines or records.faults[0].line < records.lines[0]):
        raise MalformedBody(f"the header cannot be read: {records.faults[0].reason}")
    if not records.fields:
        return None
    names = ["" if name == QUOTED_EMPTY else name.strip() for name in records.fields[0]]
    if any(map(_UNDECODED.search, names)):
        wide = names[0].startswith(_UTF16)
        raise MalformedBody(f"the header is not UTF-8{', it seems to be UTF-16' if wide else ''}")
    check_distinct(names)
    return names


def text_of(field: str) -> str | None:
    """The text of a field; None for one with nothing in it."""
    return "" if field == QUOTED_EMPTY else field or None


class _Table:
    """Turns records into chunks, by the header."""

    def __init__(self, model: RowModel, header: Header) -> None:
        self.notices = header.notices
        self._model = model
        self._header = header
        self._width = len(header.names)
        self._columns = contract_columns(model)
        self._at_once = records_at_once(self._width + len(model.names))
        self._unknown = unknown_faults(header, model)
        """Faults that every row has."""
        self._observed = HeaderObservations(header)

    def chunks(self, records: Records, begin: int) -> Iterator[Chunk]:
        """The chunks of the records, from that position on."""
        if records.faults:
            yield Chunk(0, b"", tuple(_unreadable(records)))
        for start in range(begin, len(records.fields), self._at_once):
            end = start + self._at_once
            yield self._chunk(records, records.lines[start:end], records.fields[start:end])

    def _chunk(self, records: Records, lines: Sequence[int], fields: Sequence[list[str]]) -> Chunk:
        refused: list[Rejection] = []
        if not records.is_utf8 or set(map(len, fields)) != {self._width}:
            lines, fields = self._sound(records, lines, fields, refused)
        seen = ChunkObservations(textual=True)
        if fields:
            self._observed.note(len(fields), lambda place: [text_of(record[place]) for record in fields], seen)
        bad: set[int] = set(range(len(fields))) if self._unknown else set()
        rows = list(zip(lines, *self._values(fields, bad), strict=True)) if fields else []
        if bad:
            read = [self._one_by_one(line, texts, seen) for line, texts in _at(bad, lines, fields)]
            refused += [rejection_of(n, records.raw(n), found) for n, found in read if not isinstance(found, tuple)]
            rows = [row for position, row in enumerate(rows) if position not in bad]
            rows += [found for _, found in read if isinstance(found, tuple)]
        chunk = self._model.assemble(rows, lambda at: records.raw(rows[at][0]), refused, seen=seen)
        self._model.observations.add(seen)
        return chunk

    def _sound(
        self, records: Records, lines: Sequence[int], fields: Sequence[list[str]], refused: list[Rejection]
    ) -> tuple[list[int], list[list[str]]]:
        """The records with as many fields as the header, in UTF-8; others are refused."""
        sound_lines, sound_fields = [], []
        for line, texts in zip(lines, fields, strict=True):
            fault = None
            if len(texts) != self._width:
                message = f"the header has {self._width} fields, the record {len(texts)}"
                fault = RowFault(RejectionCode.MALFORMED_LINE, None, message)
            elif not records.is_utf8 and any(map(_UNDECODED.search, texts)):
                fault = RowFault(RejectionCode.INVALID_TEXT, None, "the record is not UTF-8")
            if fault is None:
                sound_lines.append(line)
                sound_fields.append(texts)
            else:
                refused.append(rejection_of(line, records.raw(line), [fault]))
        return sound_lines, sound_fields

    def _values(self, fields: Sequence[list[str]], bad: set[int]) -> list[Sequence[Any]]:
        """The columns of the contract; positions of records with a fault go to `bad`."""
        if self._unknown:
            return [[None] * len(fields)] * len(self._columns)
        given = list(zip(*fields, strict=True))
        return [
            [None] * len(fields) if place is None else _read(column, given[place], bad)
            for column, place in zip(self._columns, self._header.places, strict=True)
        ]

    def _one_by_one(self, line: int, texts: list[str], seen: ChunkObservations) -> tuple[int, Row | list[RowFault]]:
        given = {
            name: text_of(texts[place])
            for name, place in zip(self._header.expected, self._header.places, strict=True)
            if place is not None
        }
        return line, self._model.examine(given, FieldReader.of_text, line, self._unknown, seen)


def _read(column: ContractColumn, fields: Sequence[str], bad: set[int]) -> Sequence[Any]:
    """The values of a column; positions of fields with a fault go to `bad`."""
    empty = "" in fields or QUOTED_EMPTY in fields
    return column.of_texts([text_of(field) for field in fields] if empty else fields, bad)


def _at(positions: set[int], lines: Sequence[int], fields: Sequence[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for position in sorted(positions):
        yield lines[position], fields[position]


def _unreadable(records: Records) -> Iterator[Rejection]:
    for fault in records.faults:
        found = RowFault(fault.code, None, f"the record cannot be read: {fault.reason}")
        yield rejection_of(fault.line, records.raw(fault.line), [found])
