"""Statements that are made to keep the examiner busy are examined soon, and keep nobody else waiting."""

import asyncio
import math
import threading
import time
from typing import Any, NamedTuple

import httpx
import pytest

from app.kernel.problems import Unavailable
from app.query import check_statement
from app.query.check_statement import examine
from app.query.guard.check import MAX_BYTES, GuardPolicy, check
from app.query.guard.findings import GuardVerdict
from app.query.guard.relations import Catalog
from tests.lag import prompt_loop
from tests.promises import kept, slowdown
from tests.query.conftest import Warehouse
from tests.query.hostile import HOSTILE, WIDE, WIDE_COLUMNS

pytestmark = pytest.mark.slow

SECONDS = 0.2
"""Of a processor, for any statement."""
SHARED = 5
"""A processor whose caches others use takes up to so many times as long for the same code (measured)."""
TRIES = 4
PREVIEW, VALIDATE = "/api/query/preview", "/api/query/validate"
AT_ONCE = 4
SOON = 0.5
"""Seconds for an answer that needs no statement: `/health` asks the database a dozen things, and waits after each for
its turn among two threads that compute."""


class Examined(NamedTuple):
    """What an examination took, and of what it knew."""

    seconds: float
    catalog: Catalog


async def test_a_hostile_statement_is_examined_soon_and_holds_nothing_up(
    warehouse: Warehouse, analyst: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a processor's time the least of some tries counts: caches are shared with other tests."""
    await warehouse.table(WIDE, ", ".join(f"{name} text" for name in WIDE_COLUMNS))
    examined: dict[str, Examined] = {}

    def timed(sql: str, catalog: Catalog, policy: GuardPolicy, *_rest: Any) -> GuardVerdict:
        began = time.thread_time()
        try:
            return check(sql, catalog, policy)
        finally:
            before = examined[sql].seconds if sql in examined else math.inf
            examined[sql] = Examined(min(before, time.thread_time() - began), catalog)

    monkeypatch.setattr(check_statement, "check", timed)
    for name, sql in HOSTILE.items():
        assert len(sql.encode()) <= MAX_BYTES, name
        async with prompt_loop(what=name):
            answer = await analyst.post(VALIDATE, json={"sql": sql})
        assert answer.status_code == 200, answer.text
    most = SHARED * SECONDS
    for sql in [sql for sql in examined if examined[sql].seconds >= most] * (TRIES - 1):
        timed(sql, examined[sql].catalog, GuardPolicy())
    assert examined.keys() == set(HOSTILE.values())
    assert [name for name, sql in HOSTILE.items() if examined[sql].seconds >= most] == []


@pytest.mark.parametrize("name", ["nested subqueries", "chain of stars", "intervals", "nested sources"])
async def test_several_at_once_leave_others_served(analyst: httpx.AsyncClient, name: str) -> None:
    await analyst.get("/health")
    hostile = [asyncio.create_task(analyst.post(PREVIEW, json={"sql": HOSTILE[name]})) for _ in range(AT_ONCE)]
    worst, slowest = 0.0, 1.0
    while not all(task.done() for task in hostile):
        for path in ("/health", "/health/live"):
            began = time.monotonic()
            answer = await analyst.get(path)
            worst = max(worst, time.monotonic() - began)
            if worst > SOON:
                slowest = max(slowest, await asyncio.to_thread(slowdown))
            assert answer.status_code == 200 or worst > SOON  # a check that had no answer in time is failing
        assert (await analyst.post(VALIDATE, json={"sql": "SELECT 1 AS one"})).status_code == 200
        await asyncio.sleep(0.01)
    assert {(await task).status_code for task in hostile} <= {200, 422, 503}
    await kept(worst, SOON, "an answer beside hostile statements", slowest)


async def test_short_statements_wait_for_no_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def slow(sql: str, *_: object) -> str:
        if len(sql) > check_statement.SHORT_CHARACTERS:
            held.wait()
        return threading.current_thread().name

    monkeypatch.setattr(check_statement, "check", slow)
    long = [
        asyncio.create_task(examine("x" * (check_statement.SHORT_CHARACTERS + 1), Catalog.of([]), GuardPolicy()))
        for _ in range(AT_ONCE)
    ]
    await asyncio.sleep(0)
    short = await examine("x" * check_statement.SHORT_CHARACTERS, Catalog.of([]), GuardPolicy())
    assert not any(task.done() for task in long)
    held.set()
    (name,) = set(await asyncio.gather(*long))
    assert len({short, name, threading.current_thread().name}) == len([short, name, "this one"])


async def test_more_than_may_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_statement, "MOST_WAITING", 2)
    long = "SELECT " + "1, " * 1_000 + "1"
    asked = [examine(sql, Catalog.of([]), GuardPolicy()) for sql in (long, long, long, "SELECT 1")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(answer, Unavailable) for answer in answers] == [False, False, True, False]
    assert (await examine(long, Catalog.of([]), GuardPolicy())).allowed
