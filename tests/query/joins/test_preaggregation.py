"""The corrected statements on a real PostgreSQL give what statements written by hand give; the naive ones do not."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress
from tests.query.joins.fan_out_cases import CASES, ROWS, UNCORRECTED
from tests.query.joins.orders import COLUMNS, checked, corrected


@contextmanager
def database_of_orders(server: ServerAddress, purpose: str) -> Iterator[str]:
    """A database with empty tables in `data`."""
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


@pytest.fixture(scope="module")
def database(server: ServerAddress) -> Iterator[str]:
    async def fill(name: str) -> None:
        connection = await asyncpg.connect(**server.connect_kwargs(name))
        for table, rows in ROWS.items():
            await connection.execute(f"INSERT INTO data.{table} VALUES {rows}")
        await connection.close()

    with database_of_orders(server, "cases") as name:
        asyncio.run(fill(name))
        yield name


@pytest.fixture
async def connection(server: ServerAddress, database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    connection = await asyncpg.connect(**server.connect_kwargs(database), server_settings={"search_path": "data"})
    yield connection
    await connection.close()


async def _answer(
    connection: "asyncpg.Connection[Any]", sql: str
) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    statement = await connection.prepare(sql)
    columns = [(attribute.name, attribute.type.name) for attribute in statement.get_attributes()]
    return columns, [tuple(map(_cell, row.values())) for row in await statement.fetch()]


def _cell(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else Decimal(value) if isinstance(value, int) else value


@pytest.mark.parametrize(("sql", "reference"), CASES.values(), ids=CASES)
async def test_the_corrected_form_counts_each_row_once(
    connection: "asyncpg.Connection[Any]", sql: str, reference: str
) -> None:
    text = corrected(sql)
    assert text is not None
    columns, rows = await _answer(connection, text)
    named, naive = await _answer(connection, sql)
    _, right = await _answer(connection, reference)
    assert columns == named
    if "ORDER BY" not in sql.rsplit(")", 1)[-1]:
        rows, naive, right = (sorted(found, key=repr) for found in (rows, naive, right))
    assert rows == right
    assert naive != right


@pytest.mark.parametrize("sql", UNCORRECTED)
def test_what_cannot_be_corrected_with_certainty_is_only_warned_of(sql: str) -> None:
    assert corrected(sql) is None
    assert all(warning.message.count(". ") == 1 for warning in checked(sql).fan_outs)
