"""Raw bodies of batches in object storage: plain content, zstd, one object per batch, kept for replay and retention."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.ingestion.models import BatchRow
from app.kernel.compression import ZstdWriter, unzstd_stream
from app.kernel.storage import ByteWriter, ObjectStorage


class RawBatches:
    """Keeps and reads raw bodies."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    @staticmethod
    def key(batch: BatchRow) -> str:
        """Where the body of the batch is kept."""
        return f"raw/{batch.contract_id}/{batch.id}.zst"

    @asynccontextmanager
    async def writer(self, batch: BatchRow) -> AsyncIterator[ByteWriter]:
        """Takes the body; it is published, whole, when the block ends well, and never otherwise."""
        async with self._storage.writer(self.key(batch)) as target, ZstdWriter(target) as compressed:
            yield compressed

    async def stream(self, batch: BatchRow) -> AsyncIterator[bytes]:
        """The body, its content coding undone."""
        async for data in unzstd_stream(self._storage.get_stream(self.key(batch))):
            yield data

    async def discard(self, batch: BatchRow) -> None:
        """Remove the body, if it is there."""
        await self._storage.delete(self.key(batch))
