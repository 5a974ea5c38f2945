"""The model that makes embeddings, by OpenAI's protocol: `POST …/embeddings`."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

import msgspec

from app.addons.knowledge.vectors.calls import post
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.knowledge_settings import EmbeddingSettings

Vector = Sequence[float]

_NUMBER_BYTES: Final = 26
"""Of one number as JSON: 17 digits, sign, point, exponent, comma, and a line break of servers that write prettily."""
_SPARE_BYTES: Final = 64 * 1024
LARGEST: Final = 1e6
"""Of a number in an embedding. Models answer vectors of length 1; pgvector squares them in single precision."""


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


class EmbeddingModel:
    """Asks for embeddings. One per process."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        """Connects to nothing yet."""
        self.settings = settings

    @property
    def is_configured(self) -> bool:
        """Whether there is a model to ask."""
        return self.settings.url is not None

    async def embed(self, texts: Sequence[str]) -> list[Vector] | NoVectors:
        """The embedding of each text, in their order; or why there is none."""
        if not self.is_configured:
            return NoVectors(Obstacle.OFF)
        key = self.settings.api_key
        headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
        wanted = {"model": self.settings.name, "input": list(texts), "encoding_format": "float"}
        most = len(texts) * self.settings.dimensions * _NUMBER_BYTES + _SPARE_BYTES
        body = await post(self.settings, "embeddings", wanted, headers, most_bytes=most)
        if isinstance(body, NoVectors):
            return body
        return await asyncio.to_thread(vectors_of, body, len(texts), self.settings.dimensions)


def vectors_of(body: bytes, count: int, dimensions: int) -> list[Vector] | NoVectors:
    """The embeddings within an answer, by their index; pure.

    Refused are answers with more or fewer than were asked for, with one twice, of another length, and with numbers that
    are none (NaN, infinite), too large, or all zero: such a vector has no direction.
    """
    try:
        data = msgspec.json.decode(body, type=_Answer).data
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return NoVectors(Obstacle.UNREADABLE)
    if sorted(item.index for item in data) != list(range(count)):
        return NoVectors(Obstacle.UNREADABLE)
    if any(len(item.embedding) != dimensions for item in data):
        return NoVectors(Obstacle.WRONG_DIMENSIONS)
    if not all(_has_direction(item.embedding) for item in data):
        return NoVectors(Obstacle.UNREADABLE)
    return [item.embedding for item in sorted(data, key=lambda item: item.index)]


def _has_direction(vector: Vector) -> bool:
    return all(math.isfinite(each) and abs(each) <= LARGEST for each in vector) and any(
        abs(each) > 1 / LARGEST for each in vector
    )
