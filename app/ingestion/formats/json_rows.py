"""JSON objects that are rows: whole blocks at once, one by one where a block has a fault."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from app.ingestion.row_model import Row, RowModel
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, clip

MAX_ROW_BYTES = 8 << 20
"""Longest text of one row; a longer one is refused, and not kept in memory."""

_FIELD = (b'":', b'" :')
_astuple = msgspec.structs.astuple


class JsonRows:
    """Decodes JSON rows of one batch by its row model."""

    def __init__(self, model: RowModel) -> None:
        self._model = model
        row_type = model.object_type()
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row_type)
        self._array: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[row_type])  # type: ignore[valid-type]  # a type made at run time
        self._fields = len(model.names)

    def lines(self, data: bytes) -> list[Any] | None:
        """The rows of whole lines, or None when they must be looked at one by one."""
        ends = data.count(b"\n")
        if ends != data.count(b"}\n") + data.count(b"}\r\n"):
            return None
        return self._whole(self._one.decode_lines, data, ends)

    def elements(self, array: bytes) -> list[Any] | None:
        """The rows of a whole JSON array, or None when its elements must be looked at one by one."""
        return self._whole(self._array.decode, array, None)

    def _whole(self, decode: Callable[[bytes], list[Any]], data: bytes, expected: int | None) -> list[Any] | None:
        absent = self._model.absent_fields()
        try:
            rows = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if expected is not None and len(rows) != expected:
            return None
        set_fields = self._fields * len(rows) - (self._model.absent_fields() - absent)
        return rows if self._fields_seen(data, set_fields, rows) else None

    def _fields_seen(self, data: bytes, set_fields: int, rows: list[Any]) -> bool:
        """Whether the text names exactly the fields that were set: more are repeated ones (or text that looks so)."""
        seen = sum(map(data.count, _FIELD))
        return seen == set_fields or seen == set_fields + sum(1 for row in rows if row.ignored is not None)

    def chunk(self, rows: Sequence[Any], first: int, raw: Callable[[int], bytes]) -> Chunk:
        """The chunk of rows that were decoded as a whole; `first` is the number of the first."""
        numbered: list[Row] = [(n, *_astuple(row)[:-1]) for n, row in enumerate(rows, first)]
        return self._model.assemble(numbered, raw)

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
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                refused.append(self._refusal(number, text, error))
                continue
            if repeated := repeated_field(text):
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


def overlong(number: int, text: bytes) -> Rejection:
    """The refusal of a row that is longer than a row may be."""
    return Rejection(number, RejectionCode.TOO_LONG, None, f"the row has more than {MAX_ROW_BYTES} bytes", clip(text))


class _Repeated(Exception):  # noqa: N818 - carries a finding out of a callback, is no error
    """A field that stands twice in one object."""


def repeated_field(text: bytes) -> str | None:
    """A field that stands twice in one object of the JSON text, at any depth."""
    try:
        json.loads(text, object_pairs_hook=_distinct)
    except _Repeated as found:
        return str(found)
    except (ValueError, RecursionError):
        return None
    return None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in fields if names.count(name) > 1))
    return fields


def _only_bad_text(text: bytes) -> bool:
    """Whether the text would be JSON but for a lone surrogate (which Python's own reader lets through)."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)
