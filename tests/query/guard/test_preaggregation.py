import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.kernel.embedded import ServerAddress
from tests.query.guard.orders import COLUMNS


@contextmanager
def database_of_orders(server: ServerAddress, purpose: str) -> Iterator[str]:
    """A database with the tables in `data`, and views of them under logical names."""
    name = f"fan_out_{purpose}_{os.getpid()}"

    async def run(database: str, *statements: str) -> None:
        connection = await asyncpg.connect(**server.connect_kwargs(database))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    tables = [f"CREATE TABLE data.{table} ({columns})" for table, columns in COLUMNS.items()]
    asyncio.run(run("postgres", f"CREATE DATABASE {name}"))
    asyncio.run(run(name, "CREATE SCHEMA data", *tables))
    try:
        yield name
    finally:
        asyncio.run(run("postgres", f"DROP DATABASE {name} WITH (FORCE)"))
