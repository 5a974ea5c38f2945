"""The index in PostgreSQL: embeddings in a table, compared by the extension `vector`."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from app.addons.knowledge.vectors.embedding_repository import EmbeddingReads, EmbeddingWrites
from app.addons.knowledge.vectors.embeddings import Vector
from app.addons.knowledge.vectors.index import Match, VectorRecord
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.kernel.db.database import Units, WriteSession


class PostgresIndex:
    """Embeddings of one model."""

    place: str = "postgres"

    def __init__(self, units: Units, model: str) -> None:
        self._units, self._model = units, model

    async def upsert(self, records: Sequence[VectorRecord]) -> NoVectors | None:
        """Keep these; see `VectorIndex`."""
        if await self._schema() is None:
            return NoVectors(Obstacle.NO_EXTENSION)
        await self._units.run(partial(self._keep, records))
        return None

    async def _keep(self, records: Sequence[VectorRecord], session: WriteSession) -> None:
        await EmbeddingWrites(session).keep(self._model, records)

    async def delete(self, ids: Sequence[UUID]) -> NoVectors | None:
        """Keep these no longer; see `VectorIndex`."""

        async def forget(session: WriteSession) -> None:
            await EmbeddingWrites(session).forget(ids)

        await self._units.run(forget)
        return None

    async def query(self, vector: Vector, limit: int) -> Sequence[Match] | NoVectors:
        """The nearest passages; see `VectorIndex`."""
        async with self._units.read() as session:
            reads = EmbeddingReads(session)
            schema = await reads.schema_of_extension()
            if schema is None:
                return NoVectors(Obstacle.NO_EXTENSION)
            return await reads.nearest(schema, self._model, vector, limit)

    async def _schema(self) -> str | None:
        async with self._units.read() as session:
            return await EmbeddingReads(session).schema_of_extension()
