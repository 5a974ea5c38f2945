"""Why passages cannot be searched by meaning, by stable names and in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Obstacle(StrEnum):
    """What is in the way."""

    OFF = "off"
    NO_EXTENSION = "no-extension"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    STATUS = "status"
    UNREADABLE = "unreadable"
    WRONG_DIMENSIONS = "wrong-dimensions"


SENTENCES: Final[Mapping[Obstacle, str]] = {
    Obstacle.OFF: "No embedding model is configured; passages are found by their words.",
    Obstacle.NO_EXTENSION: (
        "PostgreSQL has no extension `vector` that may be used, so passages are found by their words; "
        "docs/knowledge.md says what a superuser can run."
    ),
    Obstacle.UNREACHABLE: "The endpoint cannot be reached, or does not speak HTTP as it should.",
    Obstacle.TIMEOUT: "The endpoint did not answer in time.",
    Obstacle.TOO_LARGE: "The endpoint answered more than is taken.",
    Obstacle.STATUS: "The endpoint refused the request.",
    Obstacle.UNREADABLE: "The endpoint did not answer as the protocol says.",
    Obstacle.WRONG_DIMENSIONS: "The model's embeddings have another length than KNOWLEDGE_EMBEDDING_DIMENSIONS says.",
}
"""Each in words. None holds anything that an endpoint answered."""


@dataclass(frozen=True, slots=True)
class NoVectors:
    """Why there is nothing."""

    obstacle: Obstacle
    status: int | None = None
    """What the endpoint answered, if that was no success."""

    @property
    def sentence(self) -> str:
        """The reason in words."""
        shown = f" It answered {self.status}." if self.status is not None else ""
        return f"{SENTENCES[self.obstacle]}{shown}"
