"""The few questions that are asked all the time: one compiled statement, one row, straight through the driver.

A session costs twice the statement itself, and SQLAlchemy's execution as much again as the driver; what is asked on
every page of every user is worth neither. A lookup's connection is READ ONLY in PostgreSQL, runs single statements in
autocommit and so has no state that would have to be reset between two uses.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import BindParameter, Select, bindparam

from app.kernel.db.connections import DIALECT, driver_arguments
from app.kernel.problems import Unavailable
from app.kernel.telemetry.statements import echo
from app.kernel.telemetry.tracing import unit_of_work
from app.settings import DatabaseSettings

Connect = Callable[..., Coroutine[Any, Any, Any]]

IDLE_SECONDS = 300.0
"""A connection that nobody needed for this long is closed."""


def constant(value: str | int) -> BindParameter[Any]:
    """A value that is part of a lookup's text. Never anything that came from outside."""
    return bindparam(None, value, literal_execute=True)


def given(name: str) -> BindParameter[Any]:
    """What each call brings under this name."""
    return bindparam(name, required=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A statement, compiled once, that answers at most one row."""

    sql: str
    names: tuple[str, ...]
    """What each call brings, in the order of the placeholders."""

    @classmethod
    def of(cls, statement: Select[*tuple[Any, ...]]) -> "Lookup":
        """The lookup of a statement; its values are `given` or `constant`."""
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        return cls(str(compiled), tuple(compiled.positiontup or ()))

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the placeholders."""
        return [parameters[name] for name in self.names]


class Lookups:
    """Answers lookups over connections of its own."""

    def __init__(
        self, url: str, settings: DatabaseSettings, server_settings: Mapping[str, str], connect: Connect
    ) -> None:
        """Connects to nothing yet. The server settings must make every connection read-only."""
        self._url = url
        self._size = settings.read_pool_size
        self._wait = settings.pool_timeout_seconds
        self._recycle = settings.pool_recycle_seconds
        self._echo = settings.echo
        self._settings = dict(server_settings)
        self._connect = connect
        self._opened: WeakKeyDictionary[asyncpg.Connection, float] = WeakKeyDictionary()
        """When each connection was made, where that counts."""
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def one(self, lookup: Lookup, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row's values in the order of the statement's columns; None when there is none.

        Raises `Unavailable`: no connection was free in time.
        """
        with unit_of_work("database lookup"):
            row = await self._fetch(lookup, parameters)
        return None if row is None else tuple(row)

    async def _fetch(self, lookup: Lookup, parameters: Mapping[str, Any]) -> Any:
        pool = self._pool or await self._open()
        try:
            connection = await pool.acquire(timeout=self._wait)
        except TimeoutError as error:
            raise Unavailable("Every connection for reading is in use.") from error
        if self._echo:
            echo(lookup.sql)
        try:
            return await connection.fetchrow(lookup.sql, *lookup.arguments(parameters))
        finally:
            if self._recycle is not None and self._age(connection) > self._recycle:
                await connection.close()  # its place in the pool opens another
            await pool.release(connection)

    def _age(self, connection: Any) -> float:
        return time.monotonic() - self._opened[connection._con]  # noqa: SLF001 - the pool lends a proxy

    async def _note(self, connection: asyncpg.Connection) -> None:
        self._opened[connection] = time.monotonic()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **driver_arguments(self._url),
                    min_size=0,
                    max_size=self._size,
                    max_inactive_connection_lifetime=IDLE_SECONDS,
                    server_settings=self._settings,
                    connect=self._connect,
                    init=self._note if self._recycle is not None else None,
                    reset=_nothing,
                )
            return self._pool

    async def close(self) -> None:
        """Close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()


async def _nothing(_connection: Any) -> None:
    """Instead of the driver's reset, which is a round trip: single statements leave nothing behind."""
