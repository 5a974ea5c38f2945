"""A database with the two schemas that the engine writes to, and nothing else."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress


@pytest.fixture(scope="session")
async def bare_database(server: ServerAddress) -> AsyncIterator[str]:
    name = f"engine_{os.getpid()}"
    owner = await asyncpg.connect(**server.connect_kwargs())
    await owner.execute(f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(**server.connect_kwargs(name))
    await connection.execute("CREATE SCHEMA data; CREATE SCHEMA staging")
    await connection.close()
    yield name
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


@pytest.fixture(scope="session")
async def connection(server: ServerAddress, bare_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**server.connect_kwargs(bare_database))
    yield connection
    await connection.close()
