"""Sessions and the one commit.

A `ReadSession` is READ ONLY in PostgreSQL itself; a `WriteSession` is refused here while the shield is up, at its
begin and again before its commit. `Database.write()` holds the only commit of the service: whatever a request or job
changes becomes visible there, before the answer leaves, or not at all.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import asyncpg
from sqlalchemy import ExceptionContext, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.db.lookups import Lookups
from app.kernel.telemetry.statements import echo
from app.kernel.telemetry.tracing import unit_of_work
from app.kernel.write_failures import WriteFailures
from app.settings import DatabaseSettings

Result = TypeVar("Result")

MAX_ATTEMPTS = 4
"""Tries of a unit of work that loses against another; PostgreSQL's manual (13.5) asks for retries of the
whole transaction."""

BACKOFF_SECONDS = 0.02
"""First pause before a retry; doubled each time, with full jitter."""

_NEVER = -1
"""SQLAlchemy's word for a connection that is replaced at no age."""

READ_ONLY_SQLSTATE = "25006"
"""read_only_sql_transaction: of a session that only reads, or of a server that does (a standby)."""

RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected (PostgreSQL manual, appendix A)."""


class OperationClass(StrEnum):
    """What an operation is, as far as the shield is concerned."""

    READ = "read"
    """Changes nothing."""
    RECORD = "record"
    """A read by nature that keeps a record of itself: previews, executions, log-ins, audit."""
    WRITE = "write"
    """Changes business rows; the default of every operation that does not say otherwise."""
    CONTROL = "control"
    """Switches the modes themselves; always possible."""


class ReadSession(AsyncSession):
    """Reads. PostgreSQL refuses every write on its connection; each statement sees the latest committed rows."""


class WriteSession(ReadSession):
    """Reads and writes in one transaction, which `Database.write()` commits."""


class Shield(Protocol):
    """Decides whether writes of a class are allowed now."""

    async def admit(self, session: WriteSession, operation: OperationClass) -> None:
        """Return, or raise the problem that says why nothing may be written now."""


class Units(Protocol):
    """Units of work for services that open their own transactions, since work of theirs goes on with none open.

    `Database` says what each of these is.
    """

    def read(self) -> AbstractAsyncContextManager[ReadSession]:
        """A session whose statements each see the latest committed rows."""

    def snapshot(self) -> AbstractAsyncContextManager[ReadSession]:
        """A read session whose statements all see one snapshot."""

    def write(self, operation: OperationClass = OperationClass.WRITE) -> AbstractAsyncContextManager[WriteSession]:
        """A transaction, committed when the block ends well."""

    def load(self, operation: OperationClass = OperationClass.WRITE) -> AbstractAsyncContextManager[WriteSession]:
        """A transaction as `write` has it, over the few connections kept for long uploads."""

    async def run(
        self, work: Callable[[WriteSession], Awaitable[Result]], operation: OperationClass = OperationClass.WRITE
    ) -> Result:
        """The result of `work`, its writes committed; run again, whole, when it loses against another transaction."""


class WriteInReadSessionError(RuntimeError):
    """A statement that writes came to a session that reads: a bug, which no retry mends."""


class OpenShield:
    """Lets everything pass: for migrations and for tools that run before the modes exist."""

    async def admit(self, session: WriteSession, operation: OperationClass) -> None:
        """Return at once."""


def sqlstate(error: BaseException) -> str | None:
    """The five-character SQLSTATE behind an error of SQLAlchemy or asyncpg; None when there is none."""
    current: BaseException | None = error
    while current is not None:
        state = getattr(current, "sqlstate", None) or getattr(getattr(current, "orig", None), "sqlstate", None)
        if isinstance(state, str):
            return state
        current = current.__cause__
    return None


def is_retryable(error: BaseException) -> bool:
    """Whether the same unit of work may succeed when it is run again."""
    return sqlstate(error) in RETRYABLE_SQLSTATES


async def retrying(work: Callable[[], Awaitable[Result]]) -> Result:
    """What `work` answers; run again, whole, after a serialization failure or deadlock.

    Raises `DBAPIError`: the last failure, after `MAX_ATTEMPTS` tries.
    """
    for attempt in range(MAX_ATTEMPTS - 1):
        try:
            return await work()
        except DATABASE_FAILURES as error:
            if not is_retryable(error):
                raise
            await asyncio.sleep(random.uniform(0, BACKOFF_SECONDS * 2**attempt))  # noqa: S311 - jitter, not a secret
    return await work()


_discarding: ContextVar[bool] = ContextVar("discarding", default=False)


@contextmanager
def discarding() -> Iterator[None]:
    """Within the block transactions of this context are rolled back where they would be committed."""
    token = _discarding.set(True)
    try:
        yield
    finally:
        _discarding.reset(token)


class Database:
    """The pools of the runtime role, and the edges at which their transactions end."""

    def __init__(self, url: str, settings: DatabaseSettings, *, shield: Shield | None = None) -> None:
        """Builds the pools of the runtime role; connects to nothing yet. Without a shield every write passes."""
        self.url = url
        self.shield: Shield = shield or OpenShield()
        self.write_failures = WriteFailures("database")
        self.writer = _engine(url, settings, settings.pool_size, settings.max_overflow, read_only=False)
        self.reader = _engine(url, settings, settings.read_pool_size, settings.max_overflow, read_only=True)
        self.loader = _engine(url, settings, settings.load_pool_size, 0, read_only=False)  # its size is a limit
        self.lookups = Lookups(url, settings, _server_settings(settings, read_only=True), _connect)
        self._write_sessions = async_sessionmaker(self.writer, class_=WriteSession, expire_on_commit=False)
        self._load_sessions = async_sessionmaker(self.loader, class_=WriteSession, expire_on_commit=False)
        self._read_sessions = async_sessionmaker(
            self.reader, class_=ReadSession, expire_on_commit=False, autoflush=False
        )
        self._snapshots = async_sessionmaker(
            self.reader.execution_options(isolation_level="REPEATABLE READ"),
            class_=ReadSession,
            expire_on_commit=False,
            autoflush=False,
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A session whose statements each see the latest committed rows."""
        with unit_of_work("database read"):
            async with self._read_sessions() as session:
                yield session

    async def ping(self) -> None:
        """Return when the database answers; raises what a session would."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadSession]:
        """A read session whose statements all see one snapshot."""
        with unit_of_work("database snapshot"):
            async with self._snapshots() as session:
                yield session

    @asynccontextmanager
    async def write(self, operation: OperationClass = OperationClass.WRITE) -> AsyncIterator[WriteSession]:
        """A transaction: committed when the block ends well, rolled back when anything is raised.

        Raises `Problem`: the shield is up for this class of operation, at the begin or by the time of the commit.
        """
        async with self._transaction(self._write_sessions, operation) as session:
            yield session

    @asynccontextmanager
    async def load(self, operation: OperationClass = OperationClass.WRITE) -> AsyncIterator[WriteSession]:
        """A transaction like that of `write`, on the few connections of long uploads: short work never starves."""
        async with self._transaction(self._load_sessions, operation) as session:
            yield session

    @asynccontextmanager
    async def _transaction(
        self, sessions: async_sessionmaker[WriteSession], operation: OperationClass
    ) -> AsyncIterator[WriteSession]:
        with unit_of_work(f"database {operation.value}"):
            async with sessions() as session:
                session.info["operation"] = operation
                await self.shield.admit(session, operation)
                try:
                    yield session
                    await session.flush()
                    await self.shield.admit(session, operation)
                    await (session.rollback() if _discarding.get() else session.commit())
                except Exception as error:
                    self.write_failures.note_state(sqlstate(error))
                    raise

    async def run(
        self, work: Callable[[WriteSession], Awaitable[Result]], operation: OperationClass = OperationClass.WRITE
    ) -> Result:
        """What `work` answers, its writes committed; retried whole when it loses against another transaction."""

        async def attempt() -> Result:
            async with self.write(operation) as session:
                return await work(session)

        return await retrying(attempt)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.lookups.close()
        await self.loader.dispose()
        await self.writer.dispose()
        await self.reader.dispose()


def _engine(url: str, settings: DatabaseSettings, size: int, overflow: int, *, read_only: bool) -> AsyncEngine:
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if read_only else {}
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=settings.pool_timeout_seconds,
        pool_recycle=settings.pool_recycle_seconds or _NEVER,
        pool_pre_ping=False,
        connect_args={
            "async_creator_fn": _connect,
            "timeout": settings.pool_timeout_seconds,
            "server_settings": _server_settings(settings, read_only=read_only),
            "command_timeout": None,
        },
        hide_parameters=True,
        **options,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    if read_only:
        event.listen(engine.sync_engine, "handle_error", _as_bug, retval=True)
    if settings.echo:
        event.listen(engine.sync_engine, "before_cursor_execute", _echo)
    return engine


def _echo(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    echo(statement)


def _server_settings(settings: DatabaseSettings, *, read_only: bool) -> dict[str, str]:
    return {
        "application_name": "spyne",
        "timezone": "UTC",
        "lock_timeout": str(int(settings.lock_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": "300000",
        "default_transaction_read_only": "on" if read_only else "off",
    }


def _as_bug(context: ExceptionContext) -> BaseException | None:
    """Take a refused write for what it is here: elsewhere it says that the server is a standby, and may pass."""
    if sqlstate(context.original_exception) != READ_ONLY_SQLSTATE:
        return None
    return WriteInReadSessionError("a read session was asked to write")


async def _connect(*args: Any, **options: Any) -> "asyncpg.Connection[Any]":  # quoted: generic in its stubs alone
    """A connection of asyncpg. A server out of reach, for want of a socket or a name, is a ConnectionError."""
    try:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(*args, **options)
    except ConnectionError:
        raise
    except OSError as error:
        raise ConnectionRefusedError("the database is out of reach") from error
    return connection


def _refuse_dead(connection: Any, _record: object, _proxy: object) -> None:
    """Make the pool replace a connection whose end the event loop has seen, after a restart of PostgreSQL say.

    A look at a flag instead of the round trip of `pool_pre_ping`, which a read of one row would pay with a third of
    its time. Only who is inside a statement when the server goes sees an error.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed this connection")


async def driver_connection(session: WriteSession) -> "asyncpg.Connection[Any]":  # quoted: generic in its stubs alone
    """The asyncpg connection inside the session's open transaction, for COPY. Valid until the session ends."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection[Any] | None = raw.driver_connection
    if driver is None or not driver.is_in_transaction():
        raise RuntimeError("the session has no transaction: nothing was executed in it yet")
    return driver


async def snapshot_connection(session: ReadSession) -> "asyncpg.Connection[Any]":  # quoted: generic in its stubs alone
    """The asyncpg connection inside a session of `Database.snapshot()`, for COPY. Valid until the session ends.

    The session's snapshot is taken by then: what is read over the connection is of one moment.
    """
    connection = await session.connection()
    await connection.exec_driver_sql("SELECT 1")
    driver: asyncpg.Connection[Any] | None = (await connection.get_raw_connection()).driver_connection
    if driver is None or not driver.is_in_transaction():
        raise RuntimeError("the session has no transaction: it is none of a snapshot")
    return driver
