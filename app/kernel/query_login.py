"""The login that executes previewed queries: the boundary which holds when everything above it fails.

Its own pool; SELECT on published columns is all its role may do. Every use is one READ ONLY transaction with its
limits set locally, rolled back at the end, and the connection is reset (DISCARD ALL) before anybody else gets it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.engine import make_url

from app.kernel.problems import Unavailable
from app.settings import DatabaseSettings


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What PostgreSQL itself enforces on one execution."""

    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 2_000
    work_mem_kb: int = 32_768


QueryConnection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"  # quoted: generic in its stubs alone
"""A connection of the query role, lent by its pool."""


class QueryLogin:
    """Connections of the query role."""

    def __init__(self, url: str, settings: DatabaseSettings) -> None:
        self._url = make_url(url)
        self._size = settings.query_pool_size
        self._wait = settings.pool_timeout_seconds
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the pool; connections are opened when they are first needed."""
        url = self._url
        self._pool = await asyncpg.create_pool(
            host=str(url.query.get("host", url.host)),
            port=url.port or int(str(url.query.get("port", 5432))),
            user=url.username,
            password=url.password,
            database=url.database,
            min_size=0,
            max_size=self._size,
            statement_cache_size=0,
            max_inactive_connection_lifetime=60,
            server_settings={
                "application_name": "spyne-query",
                "timezone": "UTC",
                "default_transaction_read_only": "on",
            },
        )

    async def close(self) -> None:
        """Close every connection, cutting what still runs."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def transaction(self, limits: QueryLimits) -> AsyncIterator[QueryConnection]:
        """A connection inside a READ ONLY transaction with the limits set; always rolled back.

        Raises:
            Unavailable: no connection was free in time.
        """
        if self._pool is None:
            raise Unavailable("The query login is not open.")
        try:
            connection = await self._pool.acquire(timeout=self._wait)
        except TimeoutError as error:
            raise Unavailable("Every query connection is in use.", retry_after_seconds=2) from error
        try:
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
            try:
                await connection.execute(
                    f"SET LOCAL statement_timeout = {limits.statement_timeout_ms:d};"
                    f"SET LOCAL lock_timeout = {limits.lock_timeout_ms:d};"
                    f"SET LOCAL work_mem = {limits.work_mem_kb:d};"
                    "SET LOCAL idle_in_transaction_session_timeout = 60000; SET LOCAL search_path = pg_catalog"
                )
                yield connection
            finally:
                if not connection.is_closed():
                    await transaction.rollback()
        finally:
            # asyncpg's release resets the session; DISCARD ALL also drops plans, temporary state and advisory locks.
            if not connection.is_closed():
                await connection.execute("DISCARD ALL")
            await self._pool.release(connection)
