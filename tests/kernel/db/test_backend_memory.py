"""The kernel holds backends of the query login to their memory, and to nobody else's harm."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from app.kernel.db import backend_memory
from app.kernel.db.backend_memory import Confinement, confine, limit_of, read_limit
from app.kernel.db.backend_priority import LONG_SECONDS
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.query_login import QueryLimits, QueryLogin
from app.settings import MIB, DatabaseSettings

LIMIT = 64 * MIB
pytestmark = pytest.mark.skipif(not backend_memory.LINUX, reason="other kernels have no prlimit(2)")

GREEDY = {
    "a long text": "SELECT length(repeat('x', 100000000))",
    "a constant that is folded": "SELECT length(repeat('x', 50000000) || repeat('y', 50000000))",
    "many texts": "SELECT length(string_agg(repeat('x', 10000), '')) FROM generate_series(1, 100000)",
    "an array": "SELECT cardinality(array_agg(n)) FROM (SELECT generate_series(1, 20000000) AS n) s",
    "an array of texts": "SELECT cardinality(array_agg(repeat('x', 1000) || n)) FROM generate_series(1, 1000000) n",
    "json": "SELECT length(json_agg(repeat('x', 1000))::text) FROM generate_series(1, 1000000) n",
    "replacing": "SELECT length(replace(repeat('a', 1000000), 'a', repeat('b', 900)))",
    "splitting": "SELECT cardinality(string_to_array(repeat('a,', 20000000), ','))",
    "a pattern": "SELECT count(*) FROM regexp_matches(repeat('ab', 20000000), 'a', 'g')",
}


@pytest.fixture
async def login(urls: DatabaseUrls) -> AsyncIterator[QueryLogin]:
    login = QueryLogin(urls.query, DatabaseSettings(query_pool_size=2, query_memory_bytes=LIMIT))
    await login.open()
    yield login
    await login.close()


async def test_a_backend_of_the_query_login_is_confined(login: QueryLogin) -> None:
    async with login.transaction(QueryLimits()) as connection:
        pid = connection.get_server_pid()
        assert limit_of(pid) == LIMIT
        with open(f"/proc/{pid}/oom_score_adj") as file:  # noqa: ASYNC230, PTH123 - a line of the kernel's
            assert int(file.read()) == backend_memory.FIRST_TO_KILL
        assert await connection.fetchval("SHOW max_parallel_workers_per_gather") == "0"
    assert login.confinement is Confinement.CONFINED


@pytest.mark.parametrize("statement", GREEDY.values(), ids=GREEDY)
async def test_too_much_memory_fails_the_statement_and_nothing_else(
    statement: str, login: QueryLogin, owner: "asyncpg.Connection[Any]"
) -> None:
    began = await owner.fetchval("SELECT pg_postmaster_start_time()")
    async with login.transaction(QueryLimits()) as connection:
        pid, started = connection.get_server_pid(), time.monotonic()
        with pytest.raises(asyncpg.OutOfMemoryError):
            await connection.fetchval(statement)
        took = time.monotonic() - started
    async with login.transaction(QueryLimits()) as connection:
        # The session goes on; where the statement took long, its backend has stepped back and was given up for another.
        assert connection.get_server_pid() == pid or took > LONG_SECONDS
        with pytest.raises(asyncpg.OutOfMemoryError):
            await connection.execute(f"EXPLAIN ANALYZE {statement}")
    assert await owner.fetchval("SELECT pg_postmaster_start_time()") == began


async def test_what_is_folded_while_planning_is_confined_too(login: QueryLogin) -> None:
    async with login.transaction(QueryLimits()) as connection:
        with pytest.raises(asyncpg.OutOfMemoryError):
            await connection.execute(f"EXPLAIN {GREEDY['a constant that is folded']}")


async def test_other_logins_are_not_confined(owner: "asyncpg.Connection[Any]") -> None:
    assert limit_of(owner.get_server_pid()) is None
    assert await owner.fetchval(GREEDY["a long text"]) == 100_000_000


async def test_no_stranger_is_confined(owner: "asyncpg.Connection[Any]") -> None:
    """A process number of another machine or container may be that of any process here."""
    transport = owner._transport  # type: ignore[attr-defined]
    before = resource.prlimit(os.getpid(), resource.RLIMIT_DATA)
    assert confine(transport, os.getpid(), LIMIT) is Confinement.NOT_OURS
    assert confine(transport, 2**22 + 1, LIMIT) is Confinement.NOT_OURS
    assert resource.prlimit(os.getpid(), resource.RLIMIT_DATA) == before


async def test_nothing_is_confined_over_a_network(owner: "asyncpg.Connection[Any]") -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert confine(writer.transport, owner.get_server_pid(), LIMIT) is Confinement.NOT_OURS
    writer.close()
    server.close()
    no_socket = SimpleNamespace(get_extra_info=lambda _: None)
    assert confine(no_socket, owner.get_server_pid(), LIMIT) is Confinement.NOT_OURS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is another user than PostgreSQL")
async def test_a_root_without_the_privilege_asks_as_the_servers_user(
    owner: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(backend_memory.resource, "prlimit", refuse)
    transport = owner._transport  # type: ignore[attr-defined]
    assert confine(transport, owner.get_server_pid(), LIMIT) is Confinement.CONFINED
    monkeypatch.setattr(backend_memory, "PROGRAM", "/nowhere/prlimit")
    assert confine(transport, owner.get_server_pid(), LIMIT) is Confinement.NOT_PERMITTED


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("Max data size             67108864             67108864             bytes", LIMIT),
        ("Max data size             unlimited            unlimited            bytes", None),
        ("Max stack size            8388608              unlimited            bytes", None),
        ("", None),
    ],
)
def test_a_limit_is_read_as_the_kernel_writes_it(line: str, limit: int | None) -> None:
    assert read_limit(["Limit                     Soft Limit           Hard Limit           Units", line]) == limit
