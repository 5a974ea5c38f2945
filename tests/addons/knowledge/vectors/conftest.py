"""A service beside a model that makes embeddings, and an index that keeps them."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import asyncpg
import httpx
import pytest

from app.addons.knowledge.embedding import Embeddings
from app.kernel.jobs import JobContext
from app.kernel.runtime.resources import Resources
from app.knowledge_settings import EmbeddingSettings, PineconeSettings
from tests.addons.knowledge.vectors.protocol_server import DIMENSIONS, ProtocolServer
from tests.conftest import ClientOf

KEY = "sk-this-key-is-never-shown"
LOCAL: dict[str, Any] = {"api_key": KEY, "allow_http": True, "allowed_networks": [ip_network("127.0.0.0/8")]}


def embedding_settings(server: str, **changes: Any) -> EmbeddingSettings:
    """Settings of a model at this address on loopback."""
    told = {"url": f"{server}/v1", "name": "tester", "dimensions": DIMENSIONS, "batch": 2, "timeout_seconds": 5}
    return EmbeddingSettings.model_validate(LOCAL | told | changes)


def pinecone_settings(url: str, **changes: Any) -> PineconeSettings:
    """Settings of an index at this address on loopback."""
    return PineconeSettings.model_validate(LOCAL | {"url": url, "namespace": "tests", "timeout_seconds": 5} | changes)


@pytest.fixture
def model() -> Iterator[ProtocolServer]:
    """The model."""
    with ProtocolServer().running() as server:
        yield server


@pytest.fixture
async def manager(as_role: ClientOf) -> httpx.AsyncClient:
    """Who keeps documents."""
    return await as_role("KNOWLEDGE_MANAGER")


@pytest.fixture
async def extension(superuser: asyncpg.Connection) -> None:
    """PostgreSQL has the extension `vector`, and the runtime login may use it."""
    await superuser.execute("CREATE EXTENSION vector SCHEMA public; GRANT USAGE ON SCHEMA public TO spyne_app")


class Context:
    """What the job uses of its context, on a database of the test."""

    def __init__(self, resources: Resources) -> None:
        self.resources, self.database = resources, resources.database
        self.facts: dict[str, Any] = {}

    async def step(self, work: Any) -> Any:
        """Apply a step."""
        return await self.database.run(work)

    async def progress(self, **facts: Any) -> None:
        """Record how far it is."""
        self.facts = facts


async def embedded(resources: Resources) -> dict[str, Any]:
    """How far the job that embeds has come, when it is at its end."""
    context = Context(resources)
    context_of_job: JobContext = context  # type: ignore[assignment]  # what the job uses of one
    await resources.build(Embeddings).embed_pending(context_of_job)
    return context.facts
