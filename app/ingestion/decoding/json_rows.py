"""JSON objects that are rows: whole blocks at once, one by one where a block has a fault."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from app.ingestion.decoding.row_model import Row, RowModel
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, clip

MAX_ROW_BYTES = 8 << 20
"""Longest text of one row; a longer one is refused, and not kept in memory."""

_FIELD = re.compile(rb'"[ \t\r\n]*:')
_NO_BRACES = bytes(byte for byte in range(256) if byte not in b"{}\n")
_astuple = msgspec.structs.astuple


class JsonRows:
    """Decodes JSON rows of one batch by its row model."""

    def __init__(self, model: RowModel) -> None:
        self._model = model
        row_type = model.object_type()
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row_type)
        self._array: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[row_type])  # type: ignore[valid-type]  # a type made at run time
        self._fields = len(model.names)

    def lines(self, data: bytes) -> "Decoded | None":
        """The rows of whole lines; None when they must be looked at one by one."""
        decoded = self._decoded(self._one.decode_lines, data, 0)
        return decoded if decoded is not None and _one_row_per_line(data, len(decoded.rows)) else None

    def elements(self, array: bytes) -> "Decoded | None":
        """The rows of a whole JSON array; None when they must be looked at one by one."""
        if len(array) - len("[]") > MAX_ROW_BYTES:
            return None  # one of them may be longer than a row may be
        decoded = self._decoded(self._array.decode, array, -1)
        return None if decoded is None else replace(decoded, commas=decoded.commas + len(decoded))

    def _decoded(self, decode: Callable[[bytes], list[Any]], data: bytes, commas: int) -> "Decoded | None":
        absent = self._model.absent_fields()
        try:
            rows = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        fields = self._fields * len(rows) - (self._model.absent_fields() - absent)
        written = self._fields * len(rows)  # a comma follows the line number and every value but the last
        return Decoded(data, rows, fields, commas + fields - len(rows) - written)

    def chunk(self, decoded: "Decoded", first: int, texts: Callable[[], Iterable[tuple[int, bytes]]]) -> Chunk:
        """The chunk of rows that were decoded as a whole, the first of that number; `texts` gives numbers and texts."""
        numbered: list[Row] = [(n, *_astuple(row)[:-1]) for n, row in enumerate(decoded.rows, first)]
        chunk = self._model.assemble(numbered, lambda position: list(texts())[position][1])
        return self.each(texts()) if decoded.may_repeat_fields(chunk) else chunk

    def each(self, texts: Iterable[tuple[int, bytes]]) -> Chunk:
        """The chunk of row texts, each with its number, looked at one by one."""
        rows: list[Row] = []
        raws: list[bytes] = []
        refused: list[Rejection] = []
        for number, text in texts:
            if len(text) > MAX_ROW_BYTES:
                refused.append(overlong(number, text))
                continue
            try:
                row = self._one.decode(text)
                repeated = repeated_field(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                refused.append(self._refusal(number, text, error))
                continue
            if repeated:
                message = f"the field {repeated} stands there twice"
                refused.append(Rejection(number, RejectionCode.DUPLICATE_FIELD, repeated, message, clip(text)))
                continue
            rows.append((number, *_astuple(row)[:-1]))
            raws.append(text)
        return self._model.assemble(rows, raws.__getitem__, refused)

    def _refusal(self, number: int, text: bytes, error: Exception) -> Rejection:
        if not isinstance(error, msgspec.ValidationError) and _only_bad_text(text):
            message = "a text holds a lone surrogate"
            return Rejection(number, RejectionCode.INVALID_TEXT, None, message, clip(text))
        return self._model.rejection(number, text, error)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows decoded as a whole, and what shows whether a field stood twice in one of them (the decoder does not)."""

    data: bytes
    rows: list[Any]
    fields: int
    """Fields of the contract that were set."""
    commas: int
    """Commas between fields and rows of the text, less those that are written between values."""

    def __len__(self) -> int:
        return len(self.rows)

    def may_repeat_fields(self, chunk: Chunk) -> bool:
        r"""Whether the text may name a field twice in a row; never False where it does.

        `{"a":1}` has 0 commas and becomes 1 field, `{"a":1,"b":2}` has 1 comma and becomes 2; `{"a":1,"a":2}` has 1
        comma and becomes 1 field: one comma too many. Commas inside values, as in `{"a":"x,y"}`, are written as they
        were read, so they are taken off both sides, unless something was escaped or refused. Where the commas do not
        come out, keys are counted: `{"a":"\":1"}` seems to have two, which makes them too many; nothing makes them
        too few.
        """
        plain = b"\\" not in self.data and not chunk.rejected
        if plain and self.data.count(b",") - chunk.payload.count(b",") == self.commas:
            return False
        ignored = sum(1 for row in self.rows if row.ignored is not None)
        return sum(1 for _ in _FIELD.finditer(self.data)) != self.fields + ignored


def _one_row_per_line(data: bytes, rows: int) -> bool:
    if data.count(b"\n") != rows:
        return False
    if data.translate(None, _NO_BRACES) == b"{}\n" * rows:
        return True
    return data.count(b"}\n") + data.count(b"}\r\n") == rows


def overlong(number: int, text: bytes) -> Rejection:
    """The refusal of a row that is longer than a row may be."""
    return Rejection(number, RejectionCode.TOO_LONG, None, f"the row has more than {MAX_ROW_BYTES} bytes", clip(text))


def repeated_field(text: bytes) -> str | None:
    """A field that stands twice in the JSON object. (Inside documents the last one counts, as jsonb has it.)

    Numbers stay text: Python refuses to make one of more than 4,300 digits, which PostgreSQL would take.

    Raises:
        RecursionError: nested more deeply than Python's reader goes.
    """
    names = [name for name, _ in json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)]
    return next((name for name in names if names.count(name) > 1), None) if len(set(names)) != len(names) else None


def _only_bad_text(text: bytes) -> bool:
    """Whether the text would be JSON but for a lone surrogate (which Python's own reader lets through)."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)
