"""NDJSON: blocks of whole lines. Rows are numbered by physical line; blank lines are no rows."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from app.ingestion.decoding.json_rows import LONG_BYTES, MAX_ROW_BYTES, JsonRows, overlong
from app.ingestion.decoding.pace import Pace, in_turns
from app.ingestion.rows.row_model import RowModel
from app.warehouse.rejections import Chunk

BLOCK_BYTES = 1 << 18
"""Text decoded at once: a millisecond or two of the event loop, and enough to amortise the calls."""

WIDE = 128
"""Columns from which on blocks are smaller: the decoder looks for an unknown name among all of them."""

BOM = b"\xef\xbb\xbf"


def block_bytes(columns: int) -> int:
    """How much text is decoded at once for a contract of so many columns."""
    return BLOCK_BYTES * WIDE // max(WIDE, columns)


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines, the last one ended by a line feed too; or the head of one line that is too long."""

    data: bytes
    first: int
    count: int
    """How many lines there are; 0 of one that is too long."""

    @property
    def overlong(self) -> bool:
        """Whether it is the head of a line that is too long."""
        return not self.count

    def cut(self, lines: int) -> "Iterator[LineBlock]":
        """The block in blocks of so many lines."""
        if self.count <= lines:
            yield self
            return
        all_lines = self.data.split(b"\n")[:-1]
        for start in range(0, len(all_lines), lines):
            part = all_lines[start : start + lines]
            yield LineBlock(b"\n".join([*part, b""]), self.first + start, len(part))

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers."""
        for number, line in enumerate(self.data.split(b"\n"), self.first):
            if line and not line.isspace():
                yield number, line


async def line_blocks(body: AsyncIterator[bytes], size: int = BLOCK_BYTES) -> AsyncIterator[LineBlock]:
    """The body's lines in blocks of about so many bytes; memory is bounded by `MAX_ROW_BYTES`."""
    buffer = _Lines()
    async for data in body:
        buffer.add(data)
        if buffer.size >= max(size, buffer.wait):
            for block in buffer.take():
                yield block
    for block in buffer.finish():
        yield block


class _Lines:
    """Bytes not yet given out as blocks."""

    def __init__(self) -> None:
        self.size = 0
        self.wait = 0
        """Bytes that come before the next look: looking for its end again and again stays linear."""
        self._parts: list[bytes] = []
        self._next = 1
        self._skipping = False
        self._begun = False

    def add(self, data: bytes) -> None:
        if self._skipping:
            _, found, data = data.partition(b"\n")
            if not found:
                return
            self._skipping = False
            self._next += 1
        if data:
            self._parts.append(data)
            self.size += len(data)

    def take(self) -> Iterator[LineBlock]:
        """The whole lines so far; a line that cannot end within the limit is given out by its head and skipped."""
        text = self._text()
        cut = text.rfind(b"\n") + 1
        if cut:
            yield self._block(text[:cut])
        rest = text[cut:]
        self._parts, self.size = ([rest], len(rest)) if rest else ([], 0)
        self.wait = 0 if cut else min(2 * len(rest), MAX_ROW_BYTES + 1)
        if len(rest) > MAX_ROW_BYTES:
            yield LineBlock(rest[: MAX_ROW_BYTES + 1], self._next, 0)
            self._parts, self.size, self.wait, self._skipping = [], 0, 0, True

    def finish(self) -> Iterator[LineBlock]:
        text = self._text()
        if text:
            yield self._block(text if text.endswith(b"\n") else text + b"\n")

    def _text(self) -> bytes:
        text = b"".join(self._parts)
        if not self._begun and len(text) >= len(BOM):
            self._begun = True
            text = text.removeprefix(BOM)
        return text

    def _block(self, data: bytes) -> LineBlock:
        block = LineBlock(data, self._next, data.count(b"\n"))
        self._next += block.count
        return block


async def ndjson_chunks(body: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
    """The chunks of an NDJSON body."""
    rows, pace = JsonRows(model), Pace()
    async for block in line_blocks(body, block_bytes(len(model.names))):
        if block.overlong:
            yield Chunk(0, b"", (overlong(block.first, block.data),))
            continue
        async for chunk in in_turns(_chunks(rows, block), pace, aside=len(block.data) > LONG_BYTES):
            yield chunk


def _chunks(rows: JsonRows, block: LineBlock) -> Iterator[Chunk]:
    blocks = [block] if len(block.data) <= rows.surely_few else block.cut(rows.rows_at_once)
    for part in blocks:
        yield from rows.chunks(rows.lines(part.data, part.count), part.first, part.lines)
