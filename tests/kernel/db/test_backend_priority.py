"""A backend of the query login that computes for long has a small share of the processors, and is not used again."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.kernel.db import backend_memory, query_login
from app.kernel.db.backend_memory import Confinement
from app.kernel.db.backend_priority import NICE, step_back
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.query_login import QueryConnection, QueryLimits, QueryLogin
from app.settings import DatabaseSettings
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not backend_memory.LINUX, reason="only a confined backend's number is surely its own")

LONG = "SELECT count(*) FROM generate_series(1, 100000000) a"
GONE = 2**22 + 1
"""No process has this number: it is beyond the most that Linux gives."""


@pytest.fixture
async def login(urls: DatabaseUrls) -> AsyncIterator[QueryLogin]:
    login = QueryLogin(urls.query, DatabaseSettings(query_pool_size=1))
    await login.open()
    yield login
    await login.close()


async def used(login: QueryLogin) -> int:
    async with login.transaction(QueryLimits()) as connection:
        return int(connection.get_server_pid())


def priority(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def group_of(pid: int) -> str:
    """The priority of its group, as the kernel says; empty where the kernel has none."""
    file = Path(f"/proc/{pid}/autogroup")
    return " ".join(file.read_text().split()[1:]) if file.exists() else ""


async def stepped_back(connection: QueryConnection) -> int:
    """The number of the backend, which is computing and has stepped back."""
    pid = int(connection.get_server_pid())
    await eventually(lambda: priority(pid) == NICE, what="a backend that steps back")
    return pid


async def test_a_long_statement_steps_back_and_the_next_has_a_backend_of_its_own(
    login: QueryLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await used(login)
    with monkeypatch.context() as patch:
        patch.setattr(query_login, "LONG_SECONDS", 0.01)
        async with login.transaction(QueryLimits()) as connection:
            computing = asyncio.create_task(connection.fetchval(LONG))
            behind = await stepped_back(connection)
            assert group_of(behind) in {"", f"nice {NICE}"}
            computing.cancel()
            await asyncio.gather(computing, return_exceptions=True)
    assert behind == first
    after = await used(login)
    assert after != behind
    assert priority(after) == 0
    assert await used(login) == after, "a short one keeps its connection"


async def test_a_transaction_that_is_left_gives_its_place_back(
    login: QueryLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_login, "LONG_SECONDS", 0.01)

    async def ask() -> None:
        async with login.transaction(QueryLimits()) as connection:
            begun.set_result(connection)
            await connection.fetchval(LONG)

    begun: asyncio.Future[QueryConnection] = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(ask())
    behind = await stepped_back(await begun)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert login.in_use == 0
    assert await used(login) != behind


async def test_who_is_not_surely_ours_is_left_alone(login: QueryLogin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_login, "LONG_SECONDS", 0.0)
    monkeypatch.setattr(query_login, "confine", lambda *_: Confinement.NOT_OURS)
    async with login.transaction(QueryLimits()) as connection:
        pid = int(connection.get_server_pid())
        await connection.fetchval("SELECT count(*) FROM generate_series(1, 200000) a")
        assert priority(pid) == 0
    assert await used(login) == pid


async def test_other_logins_keep_their_priority(owner: asyncpg.Connection) -> None:
    await owner.fetchval("SELECT 1")
    assert priority(owner.get_server_pid()) == 0


def test_a_process_that_is_gone_cannot_step_back() -> None:
    assert not step_back(GONE)


async def test_who_may_not_change_a_priority_keeps_the_connection(
    login: QueryLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root in a container that has no CAP_SYS_NICE."""

    def refuse(*_: object) -> None:
        refused.append(True)
        raise PermissionError

    refused: list[bool] = []
    monkeypatch.setattr(os, "setpriority", refuse)
    monkeypatch.setattr(query_login, "LONG_SECONDS", 0.0)
    async with login.transaction(QueryLimits()) as connection:
        pid = int(connection.get_server_pid())
        await eventually(lambda: refused, what="a try to step back")
    assert await used(login) == pid
