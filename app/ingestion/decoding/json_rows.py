"""JSON objects that are rows: whole blocks at once, one by one where a block has a fault."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import msgspec

from app.ingestion.decoding.json_fields import (
    FIELD,
    UNREADABLE,
    Fields,
    fields_of,
    flattened,
    names_of,
    too_many_fields,
)
from app.ingestion.decoding.json_values import json_value
from app.ingestion.decoding.pace import WHOLE_VALUES, in_parts
from app.ingestion.rows.field_reader import FieldReader
from app.ingestion.rows.object_types import ObjectType
from app.ingestion.rows.observations import ChunkObservations
from app.ingestion.rows.row_model import MAX_FIELDS, Row, RowModel, TooManyFaults
from app.ingestion.rows.written_values import WrittenValues
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RowFault, rejection_of
from app.warehouse.sources import written_source

MAX_ROW_BYTES = 8 << 20
"""Longest text of one row; a longer one is refused, and not kept in memory."""

LONG_BYTES = 3 << 17
"""A block of rows with more than this holds a row that is longer than a block should be: it is read in a thread."""

SHORTEST_ROW = 24
"""Bytes of a row with a key and an event time; what is shorter is refused at once."""

MOST_FAULTS = 100
"""Refused rows of a block that was decoded as a whole; with more, it is looked at in parts."""

_NO_BRACES = bytes(byte for byte in range(256) if byte not in b"{}\n")


class JsonRows:
    """Decodes JSON rows of one batch by its row model."""

    def __init__(self, model: RowModel) -> None:
        self._model = model
        self._types = _Types(model.object_type(ignoring=False))
        self._places = {column.path: column.header for column in model.plan.record_columns}
        self._ignored = model.ignored.encode()
        self._fields = len(model.names)
        self.rows_at_once = max(1, WHOLE_VALUES // (self._fields + 1))
        """Rows that may be decoded as a whole; blocks of contracts with few columns never have more."""
        self.surely_few = SHORTEST_ROW * self.rows_at_once
        """Bytes that hold no more sound rows than these. To count them takes a tenth of decoding them."""
        self._written = WrittenValues(model.plan)

    def lines(self, data: bytes, lines: int) -> "Decoded | None":
        """The rows of so many whole lines; None when they must be looked at one by one."""
        for types in self._types_for(data):
            decoded = self._decoded(types, types.one.decode_lines, data, 0)
            if decoded is not None:
                return decoded if lines == len(decoded.rows) and _one_row_per_line(data, lines) else None
        return None

    def elements(self, array: bytes) -> "Decoded | None":
        """The rows of a whole JSON array; None when they must be looked at one by one."""
        if len(array) > self.surely_few and array.count(b"{") > self.rows_at_once:
            return None
        for types in self._types_for(array):
            decoded = self._decoded(types, types.array.decode, array, -1)
            if decoded is not None:
                return replace(decoded, commas=decoded.commas + len(decoded))
        return None

    def _types_for(self, data: bytes) -> "Iterator[_Types]":
        """The types that the rows may have, in order; none of them when the text is too long to be read as a whole."""
        if len(data) > LONG_BYTES and (len(data) > MAX_ROW_BYTES or data.count(b":") > MAX_FIELDS):
            return  # one of the rows may be longer than a row may be, or have more fields
        yield self._types
        if self._ignored in data:  # only now: to look for a short name in a block takes a tenth of decoding it
            yield self._ignoring

    @cached_property
    def _ignoring(self) -> "_Types":
        """The types of rows that may have the processing time, which is not taken. Most batches have none."""
        return _Types(self._model.object_type(ignoring=True))

    def _decoded(
        self, types: "_Types", decode: Callable[[bytes], list[Any]], data: bytes, commas: int
    ) -> "Decoded | None":
        before = types.of.marks()
        try:
            rows = decode(data)
        except UNREADABLE:
            return None
        after = types.of.marks()
        fields = self._fields * len(rows) - types.of.left_out(before, after)
        written = self._fields * len(rows)  # a comma follows the line number and every value but the last
        return Decoded(types.of, data, rows, (before, after), fields, commas + fields - len(rows) - written)

    def chunks(
        self, decoded: "Decoded | None", first: int, texts: Callable[[], Iterable[tuple[int, bytes]]]
    ) -> Iterator[Chunk]:
        """The chunks of rows that were decoded as a whole, the first of that number, or must be looked at one by one.

        `texts` gives the numbers and texts of all of them.
        """
        chunk = None if decoded is None else self._whole(decoded, first, texts)
        if chunk is not None:
            yield chunk
            return
        for part in in_parts(texts(), self._fields):
            yield self.each(part)

    def _whole(self, decoded: "Decoded", first: int, texts: Callable[[], Iterable[tuple[int, bytes]]]) -> Chunk | None:
        """The chunk of rows that were decoded as a whole; None when the decoder missed a fault of their text."""
        try:
            rows: list[Row] = self._written.rounded(decoded.data, decoded.of.numbered(decoded.rows, first))
        except ValueError:
            return None
        raws: list[bytes] = []
        seen = self._seen()

        def raw(position: int) -> bytes:
            if not raws:
                raws.extend(text for _, text in texts())
            return raws[position]

        try:
            chunk = self._model.assemble(rows, raw, most_faults=MOST_FAULTS, finite=True, seen=seen)
        except (TooManyFaults, UnicodeDecodeError):  # documents are looked into only now
            return None
        plain = b"\\" not in decoded.data and not chunk.rejected
        if decoded.may_repeat_fields(chunk.payload, plain=plain):
            return None
        names = decoded.fields + decoded.of.objects(decoded.rows)
        sound = self._written.sound_block(decoded.data, rows, names, chunk.payload, plain=plain)
        if not sound:
            return None
        absent = decoded.of.absent(*decoded.marks)
        seen.add_rows(len(rows), {self._model.names[position]: times for position, times in absent.items()})
        self._model.observations.add(seen)
        return chunk

    def _seen(self) -> ChunkObservations:
        return ChunkObservations(read=json_value)

    def each(self, texts: Iterable[tuple[int, bytes]]) -> Chunk:
        """The chunk of row texts, each with its number, looked at one by one."""
        rows: list[Row] = []
        raws: list[bytes] = []
        refused: list[Rejection] = []
        seen = self._seen()
        for number, text in texts:
            found = self._read(number, text, seen)
            if isinstance(found, tuple):
                rows.append(found)
                raws.append(text)
            else:
                refused.append(rejection_of(number, text, found))
        chunk = self._model.assemble(rows, raws.__getitem__, refused, seen=seen)
        self._model.observations.add(seen)
        return chunk

    def _read(self, number: int, text: bytes, seen: ChunkObservations) -> Row | list[RowFault]:
        """The row, or all that is wrong with it."""
        if len(text) > MAX_ROW_BYTES:
            return [too_long()]
        written = names_of(text, MAX_FIELDS + 1) if len(text) > LONG_BYTES else []
        if len(written) > MAX_FIELDS:
            return [too_many_fields(MAX_FIELDS)]
        try:
            fields, faults = fields_of(text, MAX_FIELDS, written)
        except UNREADABLE as error:
            return [self._model.fault(error)]
        if len(fields) > MAX_FIELDS:
            return faults
        given = self._given(fields, faults, seen)
        if not faults and (row := self._decode(number, text, given)) is not None:
            return row
        return self._model.examine(given, FieldReader.of_json, number, faults, seen)

    def _given(self, fields: Fields, faults: list[RowFault], seen: ChunkObservations) -> dict[str, msgspec.Raw | None]:
        """The fields by what they are read as; nulls are None. What is wrong with nested objects goes to `faults`."""
        given: dict[str, msgspec.Raw | None]
        closed: list[str] = []
        if self._types.of.flat:
            given = {name: None if bytes(value) == b"null" else value for name, value in fields.items()}
            if "/" in "".join(fields):
                given = {written_source((name,)): value for name, value in given.items()}
        else:
            no_object = partial(self._model.misfits.fault_of_no_object, seen=seen)
            given, more, ends = flattened(fields, self._places, MAX_FIELDS, no_object)
            faults += more
            if ends:
                closed = [
                    header for path, header in self._places.items() if any(path[: len(end)] == end for end in ends)
                ]
        seen.add_row(given, self._model.known, closed)
        return given

    def _decode(self, number: int, text: bytes, given: dict[str, msgspec.Raw | None]) -> Row | None:
        """The row, as the compiled decoder reads it; None when it must be read field by field."""
        if not self._written.sound_fields(given):
            return None
        try:
            text.decode()
            types = self._ignoring if self._model.ignored in given else self._types
            row: Row = types.of.numbered([types.one.decode(text)], number)[0]
        except UNREADABLE:
            return None
        return row


class _Types:
    """Decoders of rows of one type."""

    def __init__(self, of: ObjectType) -> None:
        self.of = of
        self.one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(of.type)

    @cached_property
    def array(self) -> msgspec.json.Decoder[Any]:
        """The decoder of many in a JSON array."""
        return msgspec.json.Decoder(list[self.of.type])  # type: ignore[name-defined]  # a type made at run time


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows decoded as a whole, and what shows whether a field stood twice in one of them (the decoder does not)."""

    of: ObjectType
    data: bytes
    rows: list[Any]
    marks: tuple[list[int], list[int]]
    """Of absent fields, before and after the rows."""
    fields: int
    """Fields of the contract that were set."""
    commas: int
    """Commas between fields and rows of the text, less those that are written between values."""

    def __len__(self) -> int:
        return len(self.rows)

    def may_repeat_fields(self, payload: bytes, *, plain: bool) -> bool:
        r"""Whether the text may name a field twice in a row; never False where it does.

        `{"a":1}` has 0 commas and becomes 1 field, `{"a":1,"b":2}` has 1 comma and becomes 2; `{"a":1,"a":2}` has 1
        comma and becomes 1 field: one comma too many. Commas inside values, as in `{"a":"x,y"}`, are written as they
        were read, so they are taken off both sides, unless something was escaped or refused (then it is not `plain`).
        Where the commas do not come out, keys are counted: `{"a":"\":1"}` seems to have two, which makes them too
        many; nothing makes them too few. A nested object is a field without a value of its own, and so without a comma.
        """
        if plain and self.data.count(b",") - payload.count(b",") == self.commas:
            return False
        ignored = sum(1 for row in self.rows if row.ignored is not None) if self.of.ignoring else 0
        return len(FIELD.findall(self.data)) != self.fields + ignored + self.of.objects(self.rows)


def _one_row_per_line(data: bytes, rows: int) -> bool:
    """Whether none of as many rows as lines goes over two lines, and none stands beside another."""
    if data.translate(None, _NO_BRACES) == b"{}\n" * rows:
        return True
    return data.count(b"}\n") + data.count(b"}\r\n") == rows


def overlong(number: int, text: bytes) -> Rejection:
    """The refusal of a row that is longer than a row may be."""
    return rejection_of(number, text, [too_long()])


def too_long() -> RowFault:
    """The fault of a row that is longer than a row may be."""
    return RowFault(RejectionCode.TOO_LONG, None, f"the row has more than {MAX_ROW_BYTES} bytes")
