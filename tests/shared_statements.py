"""SQL texts of statements, shared by all engines of a test process.

Each engine writes every statement anew, and each test has engines of its own: a twentieth of the time of tests on the
database. All speak to one server in one way, so what was written for one of them fits the others.
"""

from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from app.kernel.db import database

_written: LRUCache[Any, Any] = LRUCache(3_000)


def share() -> None:
    """Let the engines that are made from now on share what they write; it is kept by statement and dialect."""
    PGDialect_asyncpg.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    PGDialect_asyncpg.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]

    def create(url: str, **options: Any) -> AsyncEngine:
        return create_async_engine(url, execution_options={"compiled_cache": _written}, **options)

    database.create_async_engine = create  # type: ignore[assignment]
