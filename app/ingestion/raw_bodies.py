"""Raw bodies of batches in object storage: plain content, zstd, one object per batch, kept for replay and retention."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.ingestion.decoding.body import BatchBody
from app.ingestion.models import BatchRow
from app.kernel.problems import Problem
from app.kernel.storage.compression import ZstdWriter, unzstd_stream
from app.kernel.storage.object_storage import ByteWriter, ObjectStorage, StorageUnavailable

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
