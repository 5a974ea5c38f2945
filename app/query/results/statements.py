"""Runs regenerated statements as the query login: plan, describe, and read through a cursor in bounded chunks.

Nothing but text that the guard wrote comes here. Every method raises a `Problem` for what is the statement's own fault.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import asyncpg
import orjson

from app.kernel.db.query_login import QueryConnection, QueryLimits, QueryLogin
from app.kernel.tabular.rendering import Column, columns_of
from app.query.results.columns import readable
from app.query.results.estimates import Estimate, read_plan
from app.query.results.failures import problem_of
from app.query.results.formats import Format
from app.query.results.limits import Limits

LOCK_TIMEOUT_MS: Final = 2_000

MAX_ROW_BYTES: Final = 8 * 1024 * 1024
"""Twice the longest row that ingestion takes."""

_STANDS_FOR: Final = """
WITH RECURSIVE under(oid) AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    UNION
    SELECT child.oid FROM under JOIN LATERAL (
        SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = under.oid
        UNION ALL
        SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d
            ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_class'::regclass
        WHERE r.ev_class = under.oid
    ) child(oid) ON true
)
SELECT n.nspname, c.relname FROM under JOIN pg_class c ON c.oid = under.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
"""
"""The relations that a relation reads in its stead: partitions, and what an adopted view is made of. The search path is
`pg_catalog` alone."""


class Statement:
    """A regenerated statement within one transaction of the query login."""

    def __init__(self, connection: QueryConnection, sql: str, limits: Limits, names: Mapping[str, str]) -> None:
        """Binds; runs nothing.

        Args:
            connection: inside a READ ONLY transaction.
            sql: written by the guard.
            limits: of the caller.
            names: physical relation names and the logical ones that messages show instead.
        """
        self._connection, self._sql, self._limits, self._names = connection, sql, limits, names
        self._cursor: Any = None

    async def estimate(self) -> Estimate:
        """The planner's estimate, without running the statement."""
        with self._faults():
            plan = await self._connection.fetchval(f"EXPLAIN (FORMAT JSON, VERBOSE) {self._sql}")
        return read_plan(orjson.loads(plan)[0])

    async def columns(self) -> tuple[Column, ...]:
        """The columns of the result, without running the statement."""
        with self._faults():
            prepared = await self._connection.prepare(self._sql)
        return columns_of(prepared.get_attributes())

    async def stands_for(self, relations: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """The relations, and those that PostgreSQL may read in their stead."""
        found = await self._connection.fetch(_STANDS_FOR, [r[0] for r in relations], [r[1] for r in relations])
        return frozenset((row["nspname"], row["relname"]) for row in found)

    async def open(self, columns: Sequence[Column], form: Format) -> None:
        """Run the statement, whose columns are those of `columns()`. Its rows arrive as they are fetched."""
        with self._faults():
            prepared = await self._connection.prepare(readable(self._sql, columns, MAX_ROW_BYTES, form))
            self._cursor = await prepared.cursor()

    async def fetch(self, count: int) -> list[Any]:
        """The next rows of the running statement, at most `count`; fewer at the end."""
        with self._faults():
            rows: list[Any] = await self._cursor.fetch(count)
        return rows

    @contextmanager
    def _faults(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except asyncpg.PostgresError as error:
            problem = problem_of(
                error, names=self._names, timeout_ms=self._limits.timeout_ms, elapsed_seconds=time.monotonic() - started
            )
            if problem is None:
                raise
            raise problem from error


@asynccontextmanager
async def open_statement(
    login: QueryLogin, sql: str, limits: Limits, names: Mapping[str, str]
) -> AsyncIterator[Statement]:
    """The statement on a connection of the query login. Raises `Unavailable` when none is free in time."""
    wanted = QueryLimits(limits.timeout_ms, LOCK_TIMEOUT_MS, limits.work_mem_kb)
    async with login.transaction(wanted) as connection:
        yield Statement(connection, sql, limits, names)
