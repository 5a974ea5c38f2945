"""Bodies of batches: how they are kept (plain content, zstd, one object per batch), and the rows that come of them.

Rows come from a body on its way in, or from one that is kept, of this batch or of another.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.ingestion.decoding.body import BatchBody, BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.density import within_density
from app.ingestion.rows.inference import Summary, infer_columns, summarise
from app.ingestion.rows.row_model import RowModel
from app.kernel.problems import Problem
from app.kernel.storage.compression import ZstdWriter, unzstd_stream
from app.kernel.storage.object_storage import ByteWriter, ObjectStorage, StorageUnavailable
from app.warehouse.plan import Column
from app.warehouse.rejections import Chunk

PREFIX, SUFFIX = "raw", ".zst"


@dataclass(slots=True)
class Cleanup:
    """Whether the body of a batch is to be removed when its request is over."""

    commit_begun: bool = False
    """The commit may have happened: only a refusal says for certain that it has not."""
    unwanted: bool = False
    """The batch is not kept, whatever happens."""


class RawBodies:
    """Keeps and reads raw bodies."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    @staticmethod
    def key(batch: BatchRow) -> str:
        """The key under which the body of the batch is kept."""
        return f"{PREFIX}/{batch.contract_id}/{batch.id}{SUFFIX}"

    @asynccontextmanager
    async def writer(self, batch: BatchRow) -> AsyncIterator[ByteWriter]:
        """The writer of a body, which is published, whole, when the block ends well, and never otherwise."""
        async with self._storage.writer(self.key(batch)) as target, ZstdWriter(target) as compressed:
            yield compressed

    async def keep(self, batch: BatchRow, body: BatchBody) -> None:
        """Keep a whole body without looking into it. Raises what reading it raises."""
        async with self.writer(batch) as copy:
            async for _ in body.decoded(copy):
                pass

    async def stream(self, batch: BatchRow) -> AsyncIterator[bytes]:
        """The kept body, its content coding undone."""
        async for data in unzstd_stream(self._storage.get_stream(self.key(batch))):
            yield data

    @asynccontextmanager
    async def unless_committed(self, batch: BatchRow) -> AsyncIterator[Cleanup]:
        """What decides whether the body is removed at the end: that of a batch that came to nothing is.

        Before the commit any error says so. Around it only a problem does: a connection that breaks during the commit
        leaves open whether the batch is there, and its body must not be missed then.
        """
        cleanup = Cleanup()
        try:
            yield cleanup
        except BaseException as error:
            cleanup.unwanted = not cleanup.commit_begun or isinstance(error, Problem)
            raise
        finally:
            if cleanup.unwanted:
                with contextlib.suppress(StorageUnavailable):  # what stays behind is found by the tidying job
                    await self._storage.delete(self.key(batch))

    async def has(self, batch: BatchRow) -> bool:
        """Whether the body of the batch is kept."""
        return await self._storage.exists(self.key(batch))

    async def older_than(self, before: datetime) -> AsyncIterator[tuple[UUID, str]]:
        """Batch and key of the bodies that were published before this time."""
        async for info in self._storage.list(f"{PREFIX}/"):
            name = info.key.rpartition("/")[2].removesuffix(SUFFIX)
            with contextlib.suppress(ValueError):
                if info.modified_at < before:
                    yield UUID(name), info.key

    async def remove(self, key: str) -> None:
        """Remove a body, if it is there."""
        await self._storage.delete(key)


class RowSource(ABC):
    """Rows, as a contract reads them."""

    @abstractmethod
    def rows(self, model: RowModel) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The rows; what the source does when they were taken is done when the block ends well."""

    async def drain(self) -> None:  # noqa: B027 - most sources have nothing to do
        """Read what is left of a body that comes from its sender; of all others nobody waits for that."""


@dataclass(frozen=True, slots=True)
class SentBody(RowSource):
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
class StoredBody(RowSource):
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
