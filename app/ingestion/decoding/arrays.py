"""A JSON array as a body: cut into blocks of whole elements without reading it as one value.

A cut is right when what lies before it is itself a valid JSON array once its bracket is closed: then no string and no
nested value is open. Likely cuts are tried first; where none is right, a scanner finds the elements' borders.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from app.ingestion.decoding.json_rows import MAX_ROW_BYTES, JsonRows
from app.ingestion.decoding.lines import BLOCK_BYTES, BOM
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.decoding.row_model import RowModel
from app.warehouse.rejections import Chunk

_SPACE = b" \t\r\n"
_CUT = re.compile(rb"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},"]', re.DOTALL)
_CLOSED_BY = {b"[": b"]", b"{": b"}"}
_ANY_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_TAIL = 1 << 14
"""Bytes at the end of a block in which a likely cut is looked for."""


class Scanner:
    """Finds the borders of elements by brackets, commas and strings; looks at nothing else."""

    def __init__(self) -> None:
        self.end: int | None = None
        """The offset of the array's closing bracket, once it was seen."""
        self._data = b""
        self._borders: list[int] = []

    def feed(self, data: bytes) -> None:
        """Look at the elements in `data`, from the first one's beginning.

        Raises:
            MalformedBody: a bracket is closed by one of the other kind.
        """
        self._data = data
        opened = bytearray()
        for token in _TOKEN.finditer(data):
            mark = token.group()
            if mark in _CLOSED_BY:
                opened += _CLOSED_BY[mark]
            elif mark in (b"]", b"}"):
                if mark != (opened[-1:] or b"]"):
                    raise MalformedBody("a bracket is closed by one of the other kind")
                if not opened:
                    self.end = token.start()
                    return
                opened.pop()
            elif mark == b"," and not opened:
                self._borders.append(token.start())
            elif mark == b'"':
                return  # a string that does not end here: what follows is inside it

    @property
    def cut(self) -> int | None:
        """The last comma between elements."""
        return self._borders[-1] if self._borders else None

    def elements(self) -> Iterator[bytes]:
        """The elements that a comma follows.

        Raises:
            MalformedBody: there is nothing before a comma.
        """
        start = 0
        for border in self._borders:
            yield _element(self._data[start:border])
            start = border + 1

    def rest(self, data: bytes) -> bytes:
        """The element that follows the last comma."""
        return _element(data[self._borders[-1] + 1 if self._borders else 0 :])


def _element(text: bytes) -> bytes:
    text = text.strip(_SPACE)
    if not text:
        raise MalformedBody("an element of the array is missing beside a comma")
    return text


def _elements(block: bytes) -> list[bytes]:
    """The text of every element of a block without brackets.

    Raises:
        MalformedBody: an element is missing, or a bracket is closed by one of the other kind.
    """
    if (found := _decoded(block)) is not None:
        return [bytes(element) for element in found]
    scan = Scanner()
    scan.feed(block)
    return [*scan.elements(), scan.rest(block)]


def _decoded(block: bytes) -> list[msgspec.Raw] | None:
    try:
        return _ANY_ARRAY.decode(b"[" + block + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


BlockT_co = TypeVar("BlockT_co", covariant=True)


class ElementReader(Protocol[BlockT_co]):
    """Makes a block of rows of elements: at once when it can, else one by one."""

    def elements(self, array: bytes) -> Any:
        """The rows of a whole JSON array (something with a length); None when they must be looked at one by one."""

    def chunk(self, decoded: Any, first: int, texts: Callable[[], Iterable[tuple[int, bytes]]]) -> BlockT_co:
        """The block of such rows; `first` is the number of the first, `texts` gives all numbers and texts."""

    def each(self, texts: Iterable[tuple[int, bytes]]) -> BlockT_co:
        """The block of elements, each with its number, looked at one by one."""


class _Array(Generic[BlockT_co]):
    """Bytes of the array not yet given out as blocks."""

    def __init__(self, rows: ElementReader[BlockT_co]) -> None:
        self._rows = rows
        self._text = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._next = 1
        self._opened = False
        self._closed = False
        self._wait = BLOCK_BYTES

    def add(self, data: bytes) -> bool:
        """Whether a block may be due, now that these bytes are taken in."""
        self._parts.append(data)
        self._size += len(data)
        return self._size >= self._wait

    def chunks(self, *, last: bool) -> Iterator[BlockT_co]:
        """The chunks of whole elements so far; with `last`, of all that is left, and the array's end is checked."""
        self._text += b"".join(self._parts)
        self._parts.clear()
        if not self._open(last=last):
            return
        if self._closed:
            self._no_more(self._text)
            self._text = b""
        elif not last:
            yield from self._some()
        else:
            yield from self._all()
        self._size = len(self._text)

    def _open(self, *, last: bool) -> bool:
        if self._opened:
            return True
        text = self._text.removeprefix(BOM).lstrip(_SPACE)
        if not text and not last:
            return False
        if not text.startswith(b"["):
            raise MalformedBody("the body is not a JSON array")
        self._text, self._opened = text[1:], True
        return True

    def _some(self) -> Iterator[BlockT_co]:
        for match in reversed(list(_CUT.finditer(self._text, max(0, len(self._text) - _TAIL)))[-3:]):
            cut = match.end() - 1
            block = self._text[:cut]
            whole = self._rows.elements(b"[" + block + b"]")
            if whole is None and _decoded(block) is None:
                continue
            yield self._chunk(block, whole)
            self._text, self._wait = self._text[cut + 1 :], BLOCK_BYTES
            return
        scan = Scanner()
        scan.feed(self._text)
        if scan.end is not None:
            yield from self._closing(scan.end)
        elif scan.cut is not None:
            yield self._chunk(self._text[: scan.cut], None)
            self._text, self._wait = self._text[scan.cut + 1 :], BLOCK_BYTES
        elif len(self._text) > MAX_ROW_BYTES:
            raise MalformedBody(f"element {self._next} of the array has more than {MAX_ROW_BYTES} bytes")
        else:
            self._wait = 2 * len(self._text)  # so that looking again stays linear

    def _all(self) -> Iterator[BlockT_co]:
        trimmed = self._text.rstrip(_SPACE)
        if trimmed.endswith(b"]") and _decoded(trimmed[:-1]) is not None:
            yield from self._closing(len(trimmed) - 1)
            return
        scan = Scanner()
        scan.feed(self._text)
        if scan.end is None:
            raise MalformedBody("the array is never closed")
        yield from self._closing(scan.end)

    def _closing(self, end: int) -> Iterator[BlockT_co]:
        block, after = self._text[:end], self._text[end + 1 :]
        self._closed, self._text = True, b""
        self._no_more(after)
        if block.strip(_SPACE):
            yield self._chunk(block, self._rows.elements(b"[" + block + b"]"))
        elif self._next > 1:
            raise MalformedBody("the array ends with a comma")

    def _chunk(self, block: bytes, whole: Any) -> BlockT_co:
        first = self._next
        if whole is None:
            elements = _elements(block)
            self._next += len(elements)
            return self._rows.each(enumerate(elements, first))
        self._next += len(whole)
        return self._rows.chunk(whole, first, lambda: enumerate(_elements(block), first))

    def _no_more(self, text: bytes) -> None:
        if text.strip(_SPACE):
            raise MalformedBody("something follows the array")


async def array_blocks(body: AsyncIterator[bytes], rows: ElementReader[BlockT_co]) -> AsyncIterator[BlockT_co]:
    """The blocks that the reader makes of the elements of a body that is one JSON array.

    Raises:
        MalformedBody: no array, never closed, or followed by something.
    """
    array = _Array(rows)
    async for data in body:
        if array.add(data):
            for block in array.chunks(last=False):
                yield block
    for block in array.chunks(last=True):
        yield block


def array_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a body that is one JSON array of objects. Raises what `array_blocks` raises."""
    return array_blocks(body, JsonRows(model))
