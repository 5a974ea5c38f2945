"""Where the rows of a batch come from: a body on its way in, or one that is kept, of this batch or of another."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from app.ingestion.decoding.body import BatchBody, BodyFormat, Representation
from app.ingestion.decoding.inference import Summary, infer_columns, summarise
from app.ingestion.decoding.inflate import Coding
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.density import within_density
from app.ingestion.raw_bodies import RawBodies
from app.ingestion.rows.row_model import RowModel
from app.warehouse.plan import Column
from app.warehouse.rejections import Chunk


class RowSource(Protocol):
    """Rows, as a contract reads them."""

    def rows(self, model: RowModel) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The rows; what the source does when they were taken is done when the block ends well."""

    async def drain(self) -> None:
        """Read what is left of a body that comes from its sender."""


@dataclass(frozen=True, slots=True)
class SentBody:
    """A body that comes from its sender; its copy is kept when the block of its rows ends well."""

    raw: RawBodies
    batch: BatchRow
    form: Representation
    body: BatchBody

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows of the body."""
        async with self.raw.writer(self.batch) as copy:
            chunks = self.form.chunks(self.body.decoded(copy), model)
            async with aclosing(dense(chunks, lambda: self.body.bytes)) as rows:
                yield rows

    async def drain(self) -> None:
        """Read the rest of the body: it still tells this request from others."""
        await self.body.drain()


@dataclass(frozen=True, slots=True)
class StoredBody:
    """The body that is kept of a batch; the rows may become part of another batch."""

    raw: RawBodies
    batch: BatchRow

    @property
    def form(self) -> Representation:
        """What the body is: bodies are kept with their content coding undone."""
        assert self.batch.media_type is not None
        return Representation(BodyFormat(self.batch.media_type), Coding.IDENTITY)

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows of the body."""
        async with aclosing(self.chunks(model)) as rows:
            yield rows

    def chunks(self, model: RowModel) -> AsyncGenerator[Chunk, None]:
        """The rows, from the first; close what is not read to the end."""
        return dense(self.form.chunks(self.raw.stream(self.batch), model), lambda: self.batch.bytes_received)

    async def drain(self) -> None:
        """Nothing: nobody waits for it to be read."""

    async def columns(self, received: str) -> list[Column]:
        """The columns that the rows have, but for the processing time `received`, which is Spyne's to set."""
        summary = Summary()
        objects = self.form.objects(self.raw.stream(self.batch))
        async for rows in within_density(objects, lambda rows: (len(rows), 0), lambda: self.batch.bytes_received):
            summary |= summarise(rows, textual=self.form.textual)
        return [column for column in infer_columns(summary, textual=self.form.textual) if column.name != received]


def dense(chunks: AsyncIterator[Chunk], sent: Callable[[], int]) -> AsyncGenerator[Chunk, None]:
    """The rows of a body of which so many bytes came, held to how many it may have."""
    return within_density(chunks, lambda chunk: (chunk.received, len(chunk.rejected)), sent)
