"""A JSON array as a body: cut into blocks of whole elements without reading it as one value.

A cut is right when what lies before it is itself a valid JSON array once its bracket is closed: then no string and no
nested value is open. Likely cuts are tried first; where none is right, a scanner finds the elements' borders.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from app.ingestion.decoding.json_rows import LONG_BYTES, MAX_ROW_BYTES, JsonRows
from app.ingestion.decoding.lines import BLOCK_BYTES, BOM, block_bytes
from app.ingestion.decoding.pace import Pace, in_turns
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.rows.row_model import RowModel
from app.warehouse.rejections import Chunk

_SPACE = b" \t\r\n"
_CUT = re.compile(rb"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)
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
    def borders(self) -> int:
        """How many commas between elements there are."""
        return len(self._borders)

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
    """Makes blocks of rows of elements: at once when it can, else one by one."""

    def elements(self, array: bytes) -> Any:
        """The rows of a whole JSON array (something with a length); None when they must be looked at one by one."""

    def chunks(self, decoded: Any, first: int, texts: Callable[[], Iterable[tuple[int, bytes]]]) -> Iterator[BlockT_co]:
        """The blocks of such rows; `first` is the number of the first, `texts` gives all numbers and texts."""


class _Array(Generic[BlockT_co]):
    """Bytes of the array not yet given out as blocks."""

    def __init__(self, rows: ElementReader[BlockT_co], block_bytes: int) -> None:
        self._rows = rows
        self._text = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._next = 1
        self._opened = False
        self._closed = False
        self._block_bytes = self._wait = block_bytes

    def add(self, data: bytes) -> bool:
        """Whether a block may be due, now that these bytes are taken in."""
        self._parts.append(data)
        self._size += len(data)
        return self._size >= self._wait

    def take(self, *, last: bool) -> tuple[Iterator[BlockT_co], bool]:
        """The blocks of whole elements so far, still to be made, and whether making them may take long.

        With `last`, of all that is left; the array's end is checked.

        Raises:
            MalformedBody: no array, or one followed by something.
        """
        self._text += b"".join(self._parts)
        self._parts.clear()
        self._size = len(self._text)
        if not self._open(last=last):
            return iter(()), False
        if self._closed:
            self._no_more(self._text)
            self._text, self._size = b"", 0
            return iter(()), False
        if len(self._text) > LONG_BYTES:
            return (self._all() if last else self._some()), True
        likely = self._ended() if last else self._likely()
        if likely is not None:
            return likely, False
        return (self._all() if last else self._scanned()), True

    def _open(self, *, last: bool) -> bool:
        if self._opened:
            return True
        text = self._text.removeprefix(BOM).lstrip(_SPACE)
        if not text and not last:
            return False
        if not text.startswith(b"["):
            raise MalformedBody(
                'the body is not a JSON array of objects, as [{"id": 1}, {"id": 2}]; rows one to a line, and answers '
                "of queries that are asked for so, are application/x-ndjson"
            )
        self._text, self._opened = text[1:], True
        return True

    def _some(self) -> Iterator[BlockT_co]:
        yield from self._likely() or self._scanned()

    def _likely(self) -> Iterator[BlockT_co] | None:
        """The blocks up to one of the likely cuts; None when none of them is right."""
        for match in reversed(list(_CUT.finditer(self._text, max(0, len(self._text) - _TAIL)))[-3:]):
            cut = match.end() - 1
            block = self._text[:cut]
            whole = self._rows.elements(b"[" + block + b"]")
            if whole is None and _decoded(block) is None:
                continue
            self._keep(self._text[cut + 1 :])
            return self._blocks(block, whole)
        return None

    def _scanned(self) -> Iterator[BlockT_co]:
        """The blocks up to the last border of elements that a scanner finds."""
        scan = Scanner()
        scan.feed(self._text)
        if scan.end is not None:
            yield from self._closing(scan.end)
        elif scan.cut is not None:
            block = self._text[: scan.cut]
            self._keep(self._text[scan.cut + 1 :])
            yield from self._blocks(block, None)
        elif len(self._text) > MAX_ROW_BYTES:
            raise MalformedBody(f"element {self._next} of the array has more than {MAX_ROW_BYTES} bytes")
        else:
            self._wait = 2 * len(self._text)  # so that looking again stays linear

    def _keep(self, text: bytes) -> None:
        self._text, self._size, self._wait = text, len(text), self._block_bytes

    def _ended(self) -> Iterator[BlockT_co] | None:
        """The blocks of all that is left, when it is sound; None when a scanner must say what it is."""
        trimmed = self._text.rstrip(_SPACE)
        if not trimmed.endswith(b"]") or _decoded(trimmed[:-1]) is None:
            return None
        return self._closing(len(trimmed) - 1)

    def _all(self) -> Iterator[BlockT_co]:
        blocks = self._ended()
        if blocks is not None:
            yield from blocks
            return
        scan = Scanner()
        scan.feed(self._text)
        if scan.end is None:
            element = self._next + scan.borders
            raise MalformedBody(f"the array is never closed: element {element} has no end, or nothing follows it")
        yield from self._closing(scan.end)

    def _closing(self, end: int) -> Iterator[BlockT_co]:
        block, after = self._text[:end], self._text[end + 1 :]
        self._closed = True
        self._keep(b"")
        self._no_more(after)
        if block.strip(_SPACE):
            yield from self._blocks(block, self._rows.elements(b"[" + block + b"]"))
        elif self._next > 1:
            raise MalformedBody("the array ends with a comma")

    def _blocks(self, block: bytes, whole: Any) -> Iterator[BlockT_co]:
        first = self._next
        if whole is None:
            elements = _elements(block)
            self._next += len(elements)
            return self._rows.chunks(None, first, lambda: enumerate(elements, first))
        self._next += len(whole)
        return self._rows.chunks(whole, first, lambda: enumerate(_elements(block), first))

    def _no_more(self, text: bytes) -> None:
        if text.strip(_SPACE):
            raise MalformedBody("something follows the array")


async def array_blocks(
    body: AsyncIterator[bytes], rows: ElementReader[BlockT_co], size: int = BLOCK_BYTES
) -> AsyncIterator[BlockT_co]:
    """The blocks that the reader makes of the elements of a body that is one JSON array, of about so many bytes.

    Raises:
        MalformedBody: no array, never closed, or followed by something.
    """
    array, pace = _Array(rows, size), Pace()
    async for data in body:
        if array.add(data):
            blocks, long = array.take(last=False)
            async for block in in_turns(blocks, pace, aside=long):
                yield block
    blocks, long = array.take(last=True)
    async for block in in_turns(blocks, pace, aside=long):
        yield block


def array_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of a body that is one JSON array of objects. Raises what `array_blocks` raises."""
    return array_blocks(body, JsonRows(model), block_bytes(len(model.names)))
