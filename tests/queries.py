"""Counts the SQL statements that the service sends, as PostgreSQL's driver gets them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.kernel.database import Database


@contextmanager
def recorded(database: Database) -> Iterator[list[str]]:
    """The statements of all pools while the block runs; BEGIN and COMMIT, which the driver sends, are none of them."""
    statements: list[str] = []

    def record(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: Any) -> None:
        statements.append(statement)

    engines = [engine.sync_engine for engine in (database.reader, database.writer, database.loader)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
