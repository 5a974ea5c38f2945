"""The API over an open platform, and real processes on the same database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.storage.object_storage import ObjectStorage
from app.settings import Settings
from tests.conftest import SECRET
from tests.ingestion.steps import register
from tests.service_processes import Surroundings


@pytest.fixture(scope="session")
async def store(server: ServerAddress) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the run's PostgreSQL, for staging rows in temporary tables."""
    connection = await asyncpg.connect(**server.connect_kwargs())
    yield connection
    await connection.close()


@pytest.fixture
def storage(app: FastAPI) -> ObjectStorage:
    """Where raw bodies are kept."""
    kept: ObjectStorage = app.state.resources.storage
    return kept


@pytest.fixture
async def things(engineer: httpx.AsyncClient, open_for_data: None) -> str:  # noqa: ARG001 - opens it
    """An upsert contract."""
    return await register(engineer, "things")


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    """For processes on this test's database and state directory."""
    return Surroundings(urls, SECRET, settings.home, tmp_path)
