"""What the settings of pools do, on real connections."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import base as pool_base

from app.kernel.db import lookups
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.kernel.db.lookups import Lookup
from app.settings import DatabaseSettings

PID = text("SELECT pg_backend_pid()")
WHOSE = Lookup.of(select(func.pg_backend_pid()))


@asynccontextmanager
async def database(urls: DatabaseUrls, **settings: Any) -> AsyncIterator[Database]:
    small = {"pool_size": 1, "read_pool_size": 1, "load_pool_size": 1, "pool_timeout_seconds": 0.2}
    opened = Database(urls.app, DatabaseSettings(**{**small, **settings}))
    try:
        yield opened
    finally:
        await opened.dispose()


async def pids(database: Database, number: int) -> set[int]:
    """The backends of as many reading sessions at once."""
    async with AsyncExitStack() as opened:
        sessions = [await opened.enter_async_context(database.read()) for _ in range(number)]
        return {(await session.execute(PID)).scalar_one() for session in sessions}


async def test_at_a_peak_there_are_more_connections_and_afterwards_no_more(urls: DatabaseUrls) -> None:
    async with database(urls, max_overflow=2) as opened:
        assert len(await pids(opened, 3)) == 3
        with pytest.raises(PoolTimeoutError):
            await pids(opened, 4)
        assert opened.reader.pool.checkedin() == 1, "what is beyond the pool is not kept"  # type: ignore[attr-defined]
        async with opened.load() as loading, opened.load() as another:
            await loading.execute(PID)
            with pytest.raises(PoolTimeoutError):
                await another.execute(PID)


async def test_without_a_word_there_is_no_overflow(urls: DatabaseUrls) -> None:
    async with database(urls) as opened:
        with pytest.raises(PoolTimeoutError):
            await pids(opened, 2)


async def test_old_connections_are_replaced(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database(urls, pool_recycle_seconds=60) as recycling, database(urls) as keeping:
        before = [(await pids(each, 1), await each.lookups.one(WHOSE, {})) for each in (recycling, keeping)]
        assert before == [(await pids(each, 1), await each.lookups.one(WHOSE, {})) for each in (recycling, keeping)]
        later = time.time() + 61, time.monotonic() + 61
        monkeypatch.setattr(pool_base, "time", SimpleNamespace(time=lambda: later[0]))
        monkeypatch.setattr(lookups, "time", SimpleNamespace(monotonic=lambda: later[1]))
        await recycling.lookups.one(WHOSE, {})  # its connection is closed when it is given back
        after = [(await pids(each, 1), await each.lookups.one(WHOSE, {})) for each in (recycling, keeping)]
    assert after[1] == before[1]
    assert after[0][0] != before[0][0]
    assert after[0][1] != before[0][1]


async def test_the_echo_has_every_statement_and_no_value(urls: DatabaseUrls, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = Lookup.of(select(func.pg_backend_pid()).where(func.upper(lookups.given("name")) == lookups.constant("HUSH")))
    async with database(urls, echo=True) as opened:
        async with opened.write() as session:
            await session.execute(text("SELECT :value || 'written hush'"), {"value": "hush"})
        await pids(opened, 1)
        await opened.lookups.one(one, {"name": "hush"})
    said = [vars(record)["sql"] for record in caplog.records if record.name == "app.kernel.telemetry.statements"]
    assert said[0] == "SELECT $1 || '…'"
    assert "SELECT pg_backend_pid()" in said
    assert said[-1].startswith("SELECT pg_backend_pid() AS ")
    assert "hush" not in caplog.text.lower()
    assert "hush" not in str([vars(record) for record in caplog.records]).lower()


async def test_without_a_word_nothing_is_echoed(urls: DatabaseUrls, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with database(urls) as opened:
        await pids(opened, 1)
    assert [record for record in caplog.records if record.name == "app.kernel.telemetry.statements"] == []
