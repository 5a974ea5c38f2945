"""The API over an open platform, and real processes on the same database or on one that is killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.storage.object_storage import ObjectStorage
from app.settings import DatabaseSettings, Settings
from app.wiring import open_resources
from tests.conftest import SECRET
from tests.identities import Identities
from tests.ingestion.crash_place import Place
from tests.ingestion.steps import register
from tests.service_processes import Surroundings
from tests.slow_commits import slow_commits
from tests.spawning import free_port


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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of the services at the place of crashes."""
    return tmp_path_factory.mktemp("crashes")


@pytest.fixture(scope="module")
def postgres(home: Path) -> Iterator[EmbeddedServer]:
    """A server with the settings of production: what it has acknowledged survives it."""
    server = EmbeddedServer(home / "postgres", password="crash-tests")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def place(postgres: EmbeddedServer, home: Path, tmp_path: Path) -> AsyncIterator[Place]:
    """A fresh database on the server that is killed."""
    address, name = postgres.start(), f"crash_{uuid4().hex}"
    admin = await asyncpg.connect(**address.connect_kwargs())
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    async with slow_commits(address, free_port()) as door:
        urls = database_urls(door.url(name), DatabaseSettings(), SECRET)
        await migrations.prepare(urls.owner, DatabaseSettings(), SECRET)
        await asyncio.to_thread(migrations.upgrade, urls.owner)
        async with open_resources(Settings(home=home), urls, SECRET) as resources:
            token = await Identities(resources).token("ADMIN")
        yield Place(postgres, door, urls, Surroundings(urls, SECRET, home, tmp_path), token, name)
