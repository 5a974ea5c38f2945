"""Use case: passages get embeddings, in steps that a restart goes on from; searches get the nearest of them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from app.addons.knowledge.states import EMBED_JOB
from app.addons.knowledge.vectors.embedding_repository import EmbeddingReads, EmbeddingWrites
from app.addons.knowledge.vectors.embeddings import EmbeddingModel
from app.addons.knowledge.vectors.index import Match, VectorIndex, VectorRecord
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.addons.knowledge.vectors.pinecone import PineconeIndex
from app.addons.knowledge.vectors.postgres import PostgresIndex
from app.kernel.db.database import Units, WriteSession
from app.kernel.jobs import JobContext, enqueue_once
from app.kernel.security.authorization import Actor
from app.settings import Settings

log = logging.getLogger(__name__)

REMOVED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Batch:
    ids: Sequence[UUID]
    texts: Sequence[str]


class Embeddings:
    """The model and the index of the settings; both may be off."""

    def __init__(self, units: Units, settings: Settings) -> None:
        self._units = units
        self._settings = settings.embedding
        self.model = EmbeddingModel(settings.embedding)
        self.index: VectorIndex = (
            PineconeIndex(settings.pinecone)
            if settings.pinecone.url is not None
            else PostgresIndex(units, settings.embedding.model)
        )

    @property
    def search_seconds(self) -> float:
        """How long a search waits for the nearest passages."""
        return self._settings.search_seconds

    async def nearest(self, query: str, limit: int) -> Sequence[Match] | NoVectors:
        """The passages that are nearest to the query in meaning, the nearest first; or why they are not known."""
        vectors = await self.model.embed([query])
        if isinstance(vectors, NoVectors):
            return vectors
        return await self.index.query(vectors[0], limit)

    async def embed_pending(self, context: JobContext) -> NoVectors | None:
        """Give passages without one an embedding, batch by batch, and remove those of inactive documents.

        None when nothing is left to do; else why it was left: the next run goes on from there.
        """
        if not self.model.is_configured:
            return NoVectors(Obstacle.OFF)
        done, refused = 0, await self._remove_unwanted(context)
        left = await self._left()
        while refused is None:
            batch = await self._pending()
            if not batch.ids:
                break
            refused = await self._embed(context, batch)
            done += 0 if refused else len(batch.ids)
            await context.progress(done=done, total=max(done, left), unit="passages", **_told(refused))
        if refused is not None:
            log.warning("passages wait for embeddings", extra={"reason": refused.obstacle.value})
        return refused

    async def _pending(self) -> _Batch:
        async with self._units.read() as session:
            found = await EmbeddingReads(session).pending(self._settings.model, self.index.place, self._settings.batch)
        return _Batch([each for each, _ in found], [text for _, text in found])

    async def _left(self) -> int:
        async with self._units.read() as session:
            return await EmbeddingReads(session).count_pending(self._settings.model, self.index.place)

    async def _embed(self, context: JobContext, batch: _Batch) -> NoVectors | None:
        vectors = await self.model.embed(batch.texts)
        if isinstance(vectors, NoVectors):
            return vectors
        records = [VectorRecord(each, vector) for each, vector in zip(batch.ids, vectors, strict=True)]
        refused = await self.index.upsert(records)
        if refused is None and self.index.place != PostgresIndex.place:
            await context.step(partial(self._note, batch.ids))
        return refused

    async def _note(self, ids: Sequence[UUID], session: WriteSession) -> int:
        await EmbeddingWrites(session).note(self._settings.model, self.index.place, ids)
        return len(ids)

    async def _remove_unwanted(self, context: JobContext) -> NoVectors | None:
        """Remove embeddings of inactive documents from the index, until none is left."""
        while True:
            async with self._units.read() as session:
                ids = await EmbeddingReads(session).unwanted(self.index.place, REMOVED_AT_ONCE)
            if not ids:
                return None
            refused = await self.index.delete(ids)
            if refused is not None:
                return refused
            await context.step(partial(_forget, ids))


async def wake(session: WriteSession, settings: Settings, actor: Actor) -> None:
    """Let passages get their embeddings once the session's transaction commits, where there is a model for it."""
    if settings.embedding.url is not None:
        await enqueue_once(session, EMBED_JOB, {}, actor=actor, key=EMBED_JOB)


async def _forget(ids: Sequence[UUID], session: WriteSession) -> int:
    await EmbeddingWrites(session).forget(ids)
    return len(ids)


def _told(refused: NoVectors | None) -> dict[str, str]:
    return {} if refused is None else {"obstacle": refused.obstacle.value, "detail": refused.sentence}
