"""Counts the SQL statements that the service sends, as PostgreSQL's driver gets them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.kernel.db.database import Database
from app.kernel.db.lookups import Lookup


@contextmanager
def recorded(database: Database) -> Iterator[list[str]]:
    """The statements of all pools while the block runs; BEGIN and COMMIT, which the driver sends, are none of them."""
    statements: list[str] = []

    def record(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: Any) -> None:
        statements.append(statement)

    ask = database.lookups.one

    async def asked(lookup: Lookup, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        statements.append(lookup.sql)
        return await ask(lookup, parameters)

    database.lookups.one = asked  # type: ignore[method-assign]  # a recorder in its place
    engines = [engine.sync_engine for engine in (database.reader, database.writer, database.loader)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        database.lookups.one = ask  # type: ignore[method-assign]
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
