"""A connection to ask PostgreSQL itself."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress


@pytest.fixture(scope="session")
async def connection(server: ServerAddress) -> AsyncIterator[asyncpg.Connection]:
    """The session's own settings are PostgreSQL's."""
    connection = await asyncpg.connect(**server.connect_kwargs("postgres"))
    yield connection
    await connection.close()
