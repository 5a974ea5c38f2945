"""What a backfill reads, step by step: each step is one batch, and says where the next one begins.

Bodies are read by lines, an adopted relation in the order of its keys. A position is kept with the run, in the
transaction of the part that came to it; None is the beginning.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.ingestion.bodies import RowSource
from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.rows.row_model import RowModel
from app.ingestion.runs.reading.adopted import AdoptedRows
from app.ingestion.runs.reading.line_ranges import LineRange, OpenBody, Opening, RangeOfBody
from app.kernel.db.database import Units, snapshot_connection
from app.warehouse.rejections import Chunk

Position = dict[str, Any]

FORMATS = {
    ".ndjson": BodyFormat.NDJSON,
    ".jsonl": BodyFormat.NDJSON,
    ".json": BodyFormat.JSON,
    ".csv": BodyFormat.CSV,
    ".parquet": BodyFormat.PARQUET,
}
"""What an object is, by the end of its key."""


def format_of(key: str) -> BodyFormat | None:
    """What an object is; None when its key does not say that it holds rows."""
    return next((found for ending, found in FORMATS.items() if key.lower().endswith(ending)), None)


class Step(Protocol):
    """The rows of one batch."""

    @property
    def rows(self) -> RowSource:
        """The rows."""

    @property
    def condition(self) -> str | None:
        """SQL condition on staged rows, when not all of these rows are of the step."""

    @property
    def batch_id(self) -> UUID | None:
        """The batch whose body the rows come from."""

    @property
    def following(self) -> Position:
        """Where the step after this one begins, once its rows were read."""


class Steps(Protocol):
    """A source."""

    async def at(self, position: Position | None) -> Step | None:
        """The step that begins there; None at the end."""


OpenItem = Callable[[str], Awaitable[tuple[Opening, UUID | None]]]
"""Answers how the body of that name is read, and the batch whose body it is."""


@dataclass(frozen=True, slots=True)
class BodyStep:
    """Some lines of a body."""

    item: int
    lines: LineRange
    rows: RangeOfBody
    batch_id: UUID | None

    @property
    def condition(self) -> str:
        """As `Step` says."""
        return self.lines.condition

    @property
    def following(self) -> Position:
        """The next lines, or the next body."""
        if self.rows.beyond is None:
            return {"item": self.item + 1, "line": 0}
        return {"item": self.item, "line": self.rows.beyond}


@dataclass(frozen=True, slots=True)
class BodySteps:
    """Bodies one after another, in steps of so many lines."""

    names: Sequence[str]
    size: int
    body: OpenBody
    opening: OpenItem

    async def at(self, position: Position | None) -> BodyStep | None:
        """As `Steps` says."""
        item, line = (0, 0) if position is None else (position["item"], position["line"])
        if item >= len(self.names):
            return None
        lines = LineRange(line, line + self.size)
        opening, batch_id = await self.opening(self.names[item])
        return BodyStep(item, lines, RangeOfBody(self.body, self.names[item], opening, lines), batch_id)


class AdoptedPage(RowSource):
    """Rows of an adopted relation after a key, in its order; read on a connection of their own."""

    def __init__(self, units: Units, adopted: AdoptedRows, size: int, after: Sequence[str] | None) -> None:
        self._units, self._adopted, self._size, self._after = units, adopted, size, after
        self.last_key: list[str] = []
        """The key of the row that was read last, as text."""

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows as a contract reads them: as records of JSON."""
        yield Representation(BodyFormat.NDJSON, Coding.IDENTITY).chunks(self._records(), model)

    async def _records(self) -> AsyncIterator[bytes]:
        statement = self._adopted.page(self._size, first=self._after is None)
        async with self._units.snapshot() as session:
            connection = await snapshot_connection(session)
            async for record, *key in connection.cursor(statement, *(self._after or ()), prefetch=1000):
                self.last_key = key
                yield record.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class AdoptedStep:
    """A page of an adopted relation: all of its rows count."""

    rows: AdoptedPage
    condition: None = None
    batch_id: None = None

    @property
    def following(self) -> Position:
        """After the last key that was read."""
        return {"after": self.rows.last_key}


@dataclass(frozen=True, slots=True)
class AdoptedSteps:
    """An adopted relation, in pages of about so many rows: rows of one key are not parted."""

    units: Units
    adopted: AdoptedRows
    size: int

    async def at(self, position: Position | None) -> AdoptedStep | None:
        """As `Steps` says."""
        after = None if position is None else position["after"]
        async with self.units.snapshot() as session:
            connection = await snapshot_connection(session)
            more = await connection.fetchrow(self.adopted.page(1, first=after is None), *(after or ()))
        return None if more is None else AdoptedStep(AdoptedPage(self.units, self.adopted, self.size, after))
