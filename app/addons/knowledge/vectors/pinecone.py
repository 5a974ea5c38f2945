"""An index at Pinecone, spoken to by its data-plane protocol (docs.pinecone.io, "Data plane", version 2025-04).

Of a passage its id and embedding are sent, none of its text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from app.addons.knowledge.vectors.calls import post
from app.addons.knowledge.vectors.embeddings import Vector
from app.addons.knowledge.vectors.index import Match, VectorRecord
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.knowledge_settings import PineconeSettings

VERSION: Final = "2025-04"
MOST_AT_ONCE: Final = 100
"""Vectors of one upsert: 2 MB are taken, and one of 4,096 numbers has up to 20 kB."""
_MOST_BYTES: Final = 256 * 1024
"""Of an answer, which has ids and scores."""


class _Match(msgspec.Struct):
    id: str
    score: float


class _Matches(msgspec.Struct):
    matches: list[_Match]


class PineconeIndex:
    """The namespace of the settings in the index of the settings."""

    place: str = "pinecone"

    def __init__(self, settings: PineconeSettings) -> None:
        """Connects to nothing yet."""
        self._settings = settings

    async def upsert(self, records: Sequence[VectorRecord]) -> NoVectors | None:
        """Keep these; see `VectorIndex`."""
        for begin in range(0, len(records), MOST_AT_ONCE):
            part = records[begin : begin + MOST_AT_ONCE]
            vectors = [{"id": str(record.id), "values": list(record.vector)} for record in part]
            answer = await self._call("vectors/upsert", {"vectors": vectors})
            if isinstance(answer, NoVectors):
                return answer
        return None

    async def delete(self, ids: Sequence[UUID]) -> NoVectors | None:
        """Keep these no longer; see `VectorIndex`."""
        for begin in range(0, len(ids), MOST_AT_ONCE):
            part = [str(each) for each in ids[begin : begin + MOST_AT_ONCE]]
            answer = await self._call("vectors/delete", {"ids": part})
            if isinstance(answer, NoVectors):
                return answer
        return None

    async def query(self, vector: Vector, limit: int) -> Sequence[Match] | NoVectors:
        """The nearest passages; see `VectorIndex`."""
        wanted = {"vector": list(vector), "topK": limit, "includeValues": False, "includeMetadata": False}
        answer = await self._call("query", wanted)
        return answer if isinstance(answer, NoVectors) else matches_of(answer, limit)

    async def _call(self, path: str, document: Mapping[str, Any]) -> bytes | NoVectors:
        key = self._settings.api_key
        assert key is not None  # the settings say so
        headers = {"Api-Key": key.get_secret_value(), "X-Pinecone-Api-Version": VERSION}
        named = {**document, "namespace": self._settings.namespace}
        return await post(self._settings, path, named, headers, most_bytes=_MOST_BYTES)


def matches_of(body: bytes, limit: int) -> Sequence[Match] | NoVectors:
    """The passages within an answer; pure. Refused are ids that are none of ours, and more than were asked for."""
    try:
        found = msgspec.json.decode(body, type=_Matches).matches
        matches = [Match(UUID(match.id), match.score) for match in found]
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return NoVectors(Obstacle.UNREADABLE)
    if len(matches) > limit or len({match.id for match in matches}) != len(matches):
        return NoVectors(Obstacle.UNREADABLE)
    return sorted(matches, key=lambda match: -match.score)
