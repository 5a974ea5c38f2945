"""The login that executes previewed queries: the boundary which holds when everything above it fails.

Its own pool; SELECT on published columns is all its role may do. Every use is one READ ONLY transaction with its
limits set locally, rolled back at the end, and the connection is reset (DISCARD ALL) before anybody else gets it. Where
the kernel can, it holds the backend to a limit of memory (`app/kernel/db/backend_memory.py`), and one that computes for
long steps back behind others (`app/kernel/db/backend_priority.py`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction

from app.kernel.db.backend_memory import Confinement, confine
from app.kernel.db.backend_priority import LONG_SECONDS, step_back
from app.kernel.db.connections import driver_arguments
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.problems import Unavailable
from app.kernel.tabular.rendering import SETTINGS as RENDERING
from app.kernel.telemetry.tracing import unit_of_work
from app.settings import DatabaseSettings

log = logging.getLogger(__name__)

GIVE_BACK_SECONDS = 5.0
"""Longest wait for a connection's rollback and reset; then it is cut."""


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
        self._url = url
        self._size = settings.query_pool_size
        self._wait = settings.pool_timeout_seconds
        self._memory = settings.query_memory_bytes
        self.confinement: Confinement | None = None
        """Whether the kernel bounds the memory of the newest connection; None before there was one."""
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._confined: set[int] = set()
        """Process numbers of backends that are surely children of the server here."""
        self._behind: set[int] = set()
        """Process numbers of backends in use that have stepped back."""

    async def open(self) -> None:
        """Make the pool; connections are opened when they are first needed."""
        self._pool = await asyncpg.create_pool(
            **driver_arguments(self._url),
            min_size=0,
            max_size=self._size,
            statement_cache_size=0,
            max_inactive_connection_lifetime=60,
            init=self._prepare,
            reset=_discard,
            server_settings={
                **RENDERING,
                "application_name": "spyne-query",
                "jit": "off",
                # Workers would be children of the server, not of the backend, and so outside of its limit of memory.
                "max_parallel_workers_per_gather": "0",
                "default_transaction_read_only": "on",
            },
        )

    async def close(self) -> None:
        """Close every connection, cutting what still runs."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @property
    def in_use(self) -> int:
        """How many connections are checked out."""
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool is not None else 0

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await _prepare_connection(connection)
        # There is no public way to the socket.
        transport, pid = connection._transport, connection.get_server_pid()  # type: ignore[attr-defined]  # noqa: SLF001
        found = await asyncio.to_thread(confine, transport, pid, self._memory)
        self._confined.discard(pid)
        if found is Confinement.CONFINED:
            self._confined.add(pid)
        if found is not self.confinement and found is not Confinement.CONFINED:
            log.warning("the memory of queries has no limit of its own", extra={"why": found.value})
        self.confinement = found

    @asynccontextmanager
    async def transaction(self, limits: QueryLimits) -> AsyncIterator[QueryConnection]:
        """A connection inside a READ ONLY transaction with the limits set; always rolled back.

        Its statements see one snapshot. When the block is cancelled, so is the statement under way in PostgreSQL.
        Raises `Unavailable` when no connection is free in time.
        """
        with unit_of_work("database query"):
            async with self._transaction(limits) as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self, limits: QueryLimits) -> AsyncIterator[QueryConnection]:
        pool = self._pool
        if pool is None:
            raise Unavailable("The query login is not open.")
        try:
            connection = await pool.acquire(timeout=self._wait)
        except TimeoutError as error:
            raise Unavailable("Every query connection is in use.", retry_after_seconds=2) from error
        except OSError as error:  # refused, no socket, no such name
            raise Unavailable("The database is out of reach.") from error
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        pid = connection.get_server_pid()
        timer = asyncio.get_running_loop().call_later(LONG_SECONDS, self._step_back, connection, pid)
        try:
            await transaction.start()
            await connection.execute(
                f"SET LOCAL statement_timeout = {limits.statement_timeout_ms:d}; "
                f"SET LOCAL lock_timeout = {limits.lock_timeout_ms:d}; "
                "SET LOCAL idle_in_transaction_session_timeout = 60000; "
                f"SET LOCAL work_mem = {limits.work_mem_kb:d}; SET LOCAL search_path = pg_catalog"
            )
            yield connection
        finally:
            timer.cancel()
            leaving = asyncio.create_task(_give_back(pool, connection, transaction, again=pid not in self._behind))
            self._behind.discard(pid)
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            # A second cancellation ends the wait, not the giving back.
            await asyncio.shield(leaving)

    def _step_back(self, connection: QueryConnection, pid: int) -> None:
        if pid in self._confined and not connection.is_closed() and step_back(pid):
            self._behind.add(pid)


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    # asyncpg turns JIT off around its look-ups of types by set_config(), which this role may not call; it is off here.
    caps = connection._server_caps  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public switch for it
    connection._server_caps = caps._replace(jit=False)  # type: ignore[attr-defined]  # noqa: SLF001 - as above


async def _discard(connection: asyncpg.Connection) -> None:
    await connection.execute("DISCARD ALL")


async def _give_back(
    pool: "asyncpg.Pool[asyncpg.Record]", connection: QueryConnection, transaction: Transaction, *, again: bool
) -> None:
    """Return when the connection's place in the pool is free. The connection is kept, to be used `again`, or closed."""
    try:
        async with asyncio.timeout(GIVE_BACK_SECONDS):
            if connection.is_in_transaction():
                await transaction.rollback()
            if not again:
                await connection.close()
    except DATABASE_FAILURES as error:
        log.warning("a query connection is cut", extra={"error": type(error).__name__})
        connection.terminate()
    try:
        await pool.release(connection, timeout=GIVE_BACK_SECONDS)
    except DATABASE_FAILURES as error:
        # asyncpg has cut the connection by now; its place in the pool is free again.
        log.warning("a query connection could not be reset", extra={"error": type(error).__name__})
