"""Queries that want all the memory there is: each is told so, and nobody else notices."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.settings import MIB, DatabaseSettings, Settings
from tests.query.asking import ask, rows
from tests.query.conftest import Warehouse

pytestmark = pytest.mark.slow

GREEDY = (
    "SELECT length(string_agg(body, '')) FROM letters",
    "SELECT count(*) FROM (SELECT array_agg(body) AS a FROM letters) s WHERE cardinality(a) > 0",
    "SELECT length(json_agg(body)::text) FROM letters",
    f"SELECT count(*) FROM letters WHERE length(replace(body, 'a', '{'b' * 200}')) > 0",
    "SELECT length((SELECT string_agg(body, '') FROM letters) || (SELECT string_agg(body, '') FROM letters))",
    "SELECT count(*) FROM (SELECT string_agg(body, '') OVER (ORDER BY id) AS s FROM letters) w WHERE length(s) > 0",
)
"""The guard lets them through: what they make grows with the data alone."""

ROUNDS = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3, query_memory_bytes=64 * MIB)
    return Settings(home=tmp_path / "home", database=database)


@pytest.fixture
async def letters(warehouse: Warehouse) -> Warehouse:
    """A hundred rows of a megabyte each."""
    await warehouse.table(
        "letters", "id integer, body text", "SELECT n, repeat('a', 1000000) FROM generate_series(1, 100) n"
    )
    return warehouse


async def _started(owner: "asyncpg.Connection[Any]") -> Any:
    return await owner.fetchval("SELECT pg_postmaster_start_time()")


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("sql", GREEDY)
async def test_a_query_that_needs_too_much_memory_is_told_so(analyst: httpx.AsyncClient, sql: str) -> None:
    answer = await ask(analyst, sql)
    assert (answer.status_code, answer.json()["code"]) == (422, "query-memory")
    assert "memory" in answer.json()["detail"]
    assert await rows(analyst, "SELECT count(*) AS n FROM letters") == [[100]]


async def test_greedy_queries_in_a_loop_harm_nobody_else(
    letters: Warehouse, analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    """No session is lost, as all are when PostgreSQL recovers from a crash; who asks and writes gets what he wants."""
    began, session, over = await _started(owner), owner.get_server_pid(), asyncio.Event()
    asked, written = 0, 0

    async def attack(sqls: Iterator[str]) -> list[tuple[int, str]]:
        answers = [await ask(analyst, sql) for sql in sqls]
        return [(answer.status_code, answer.json()["code"]) for answer in answers]

    async def ask_on() -> None:
        nonlocal asked
        while not over.is_set():
            assert await rows(analyst, "SELECT count(*) AS n FROM airlines") == [[16]]
            asked += 1

    async def write_on() -> None:
        nonlocal written
        while not over.is_set():
            await letters.table(f"made_{written}", "id integer", "SELECT 1")
            written += 1

    others = [asyncio.create_task(ask_on()), asyncio.create_task(write_on())]
    attacks = await asyncio.gather(attack(iter(GREEDY * ROUNDS)), attack(iter(GREEDY[::-1] * ROUNDS)))
    over.set()
    await asyncio.gather(*others)
    assert {answer for each in attacks for answer in each} == {(422, "query-memory")}
    assert (await _started(owner), owner.get_server_pid()) == (began, session)
    assert asked > 0
    assert written > 0
