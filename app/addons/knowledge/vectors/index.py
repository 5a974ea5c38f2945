"""Where embeddings are kept and compared: the protocol of an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.addons.knowledge.vectors.embeddings import Vector
from app.addons.knowledge.vectors.outcome import NoVectors


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """A passage's embedding."""

    id: UUID
    """Of the passage."""
    vector: Vector


@dataclass(frozen=True, slots=True)
class Match:
    """A passage that is near a vector."""

    id: UUID
    score: float
    """Cosine of the angle between: 1 is the same direction."""


class VectorIndex(Protocol):
    """Keeps embeddings of one model. No session may be open while one is called: it may go over the network."""

    @property
    def place(self) -> str:
        """`postgres` or `pinecone`, as `knowledge_embeddings.place` has it."""

    async def upsert(self, records: Sequence[VectorRecord]) -> NoVectors | None:
        """Keep these, instead of what was kept of the same passages. None when they are kept."""

    async def delete(self, ids: Sequence[UUID]) -> NoVectors | None:
        """Keep these no longer, whether they were kept or not. None when that is so."""

    async def query(self, vector: Vector, limit: int) -> Sequence[Match] | NoVectors:
        """The nearest passages, the nearest first. Some may be gone since."""
