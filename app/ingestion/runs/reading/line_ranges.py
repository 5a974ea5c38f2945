"""A body taken in ranges of lines, each of them one batch: read once while a run goes on, begun anew after a stop.

Chunks of rows do not end where ranges do. A chunk that reaches over the end of a range is given to both, and the merge
counts those of its rows that stand on the range's lines (`of_lines`).
"""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from app.ingestion.bodies import RowSource
from app.ingestion.rows.observations import Observations
from app.ingestion.rows.row_model import RowModel
from app.warehouse.layout import LINE
from app.warehouse.merge import S
from app.warehouse.rejections import Chunk

Opening = Callable[[RowModel], AsyncGenerator[Chunk, None]]
"""Begins to read a body from its first line."""


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines of a body: those after `after`, up to `last`."""

    after: int
    last: int

    @property
    def condition(self) -> str:
        """SQL condition on a staged row."""
        return f"{S}.{LINE} > {self.after} AND {S}.{LINE} <= {self.last}"

    def covers(self, line: int) -> bool:
        """Whether the line is one of them."""
        return self.after < line <= self.last


class OpenBody:
    """The body that is read from range to range; none at the begin of a process, or after something went wrong."""

    def __init__(self) -> None:
        self._name: Any = None
        self.at = 0
        """Lines up to this one were read."""
        self._chunks: AsyncGenerator[Chunk, None] | None = None
        self._held: list[Chunk] = []
        self._observations: Observations | None = None

    async def close(self) -> None:
        """Stop reading; the next range is looked for from the first line on."""
        chunks, self._chunks, self._held = self._chunks, None, []
        if chunks is not None:
            await chunks.aclose()

    async def open(self, name: Any, lines: LineRange, opening: Opening, model: RowModel) -> None:
        """Be where the range begins: `name` says which body, and how it is read.

        A body that is read on is read by the model of its first range. What that has observed since is what the model
        of this range has observed: a column is gone when no row so far has brought it.
        """
        if self._chunks is None or (self._name, self.at) != (name, lines.after):
            await self.close()
            self._chunks, self._name, self._observations = opening(model), name, model.observations
        elif self._observations is not None:
            model.observations = self._observations
        self.at = lines.last

    async def next(self) -> Chunk | None:
        """The next chunk with a row; None at the end of the body."""
        if self._held:
            return self._held.pop(0)
        assert self._chunks is not None
        async for chunk in self._chunks:
            if chunk.received:
                return chunk
        return None

    def hold(self, *chunks: Chunk) -> None:
        """Keep chunks for the range that comes next."""
        self._held = [*chunks, *self._held]


class RangeOfBody(RowSource):
    """The rows on a range of lines.

    After they were read, `beyond` is the last line before further rows; None when the body has no more.
    """

    def __init__(self, open_body: OpenBody, name: Any, opening: Opening, lines: LineRange) -> None:
        self._body, self._name, self._opening, self._lines = open_body, name, opening, lines
        self.beyond: int | None = None

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows. What goes wrong with them closes the body: nobody knows how far it was read."""
        try:
            await self._body.open(self._name, self._lines, self._opening, model)
            yield self._chunks()
        except BaseException:
            await self._body.close()
            raise

    async def _chunks(self) -> AsyncIterator[Chunk]:
        lines, current = self._lines, await self._body.next()
        while current is not None:
            after = await self._body.next()
            if after is not None and first_line(after) <= lines.after + 1:
                current = after  # all lines of the current one are before the range
                continue
            if first_line(current) > lines.last:
                self._body.hold(*([current] if after is None else [current, after]))
                self.beyond = self._body.at = first_line(current) - 1
                return
            yield replace(current, rejected=tuple(row for row in current.rejected if lines.covers(row.line)))
            if after is not None and first_line(after) > lines.last:
                self._body.hold(current, after)
                self.beyond = lines.last
                return
            if after is None and last_line(current) > lines.last:
                self._body.hold(current)
                self.beyond = lines.last
                return
            current = after
        await self._body.close()


def last_line(chunk: Chunk) -> int:
    """The line of the last row of a chunk that has one. Its rows are parsed, since texts may have line feeds."""
    text = io.StringIO(chunk.payload.decode(), newline="")
    found = [int(row[0]) for row in csv.reader(text, escapechar="\\", doublequote=False)]
    return max([*found[-1:], *(row.line for row in chunk.rejected[-1:])])


def first_line(chunk: Chunk) -> int:
    """The line of the first row of a chunk that has one: an encoded row begins with its line."""
    found = [int(chunk.payload.partition(b",")[0])] if chunk.payload else []
    found += [chunk.rejected[0].line] if chunk.rejected else []
    return min(found)
