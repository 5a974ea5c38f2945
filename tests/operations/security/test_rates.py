"""Classes of requests, tables of rules, and counting in windows."""

import asyncio
import re
import time
from collections import Counter

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st

from app.middleware.probes import HEALTH_PATHS
from app.operations.security.edge.counting import MemoryCounter, SharedCounter, window_end
from app.operations.security.edge.rates import (
    PAIRS,
    UNLIMITED,
    RateRule,
    RateScope,
    RouteClass,
    route_class,
    table_faults,
)
from tests.operations.security.conftest import Redis
from tests.promises import kept

LOGIN, READ, WRITE, QUERY = RouteClass.LOGIN, RouteClass.READ, RouteClass.WRITE, RouteClass.QUERY
INGESTION, OTHER = RouteClass.INGESTION, RouteClass.OTHER


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/health", None),
        ("GET", "/health/live", None),
        ("GET", "/metrics", READ),
        ("GET", "/health/other", OTHER),
        ("POST", "/api/auth/token", LOGIN),
        ("GET", "/api/auth/token", LOGIN),
        ("GET", "/api/auth/oidc/callback", LOGIN),
        ("GET", "/api/auth/me", READ),
        ("GET", "/api/tables", READ),
        ("HEAD", "/api/tables/x", READ),
        ("OPTIONS", "/api/query/preview", READ),
        ("POST", "/api/query/preview", QUERY),
        ("POST", "/api/ingestion/x_v1/batches", INGESTION),
        ("POST", "/api/contracts/register", WRITE),
        ("PUT", "/system/mode", WRITE),
        ("BREW", "/api/tables", WRITE),
        ("GET", "/docs", READ),
        ("GET", "/openapi.json", READ),
        ("GET", "/", OTHER),
        ("GET", "", OTHER),
        ("GET", "/wp-login.php", OTHER),
        ("POST", "/API/auth/token", OTHER),
    ],
)
def test_the_class_of_a_request(method: str, path: str, kind: RouteClass | None) -> None:
    assert route_class(method, path) is kind


def test_every_route_of_the_service_has_a_class(app: FastAPI) -> None:
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute):
            continue
        for method in context.original_route.methods:
            kind = route_class(method, context.original_route.path)
            assert kind is not OTHER, context.original_route.path
            assert (kind is None) == (context.original_route.path in HEALTH_PATHS)
    assert UNLIMITED == HEALTH_PATHS


def whole_table() -> list[RateRule]:
    return [RateRule(kind, scope, 600, 60) for kind, scope in PAIRS]


def test_a_whole_table_has_no_faults() -> None:
    assert table_faults(whole_table()) == []


def test_every_fault_of_a_table_is_told() -> None:
    rules = [*whole_table()[1:], RateRule(LOGIN, RateScope.CALLER, 600, 60), whole_table()[3]]
    rules[0] = RateRule(rules[0].route_class, rules[0].scope, 9, 60)
    assert [(fault.pointer, fault.code) for fault in table_faults(rules)] == [
        ("/rules/0/amount", "too-low"),
        ("/rules/10/scope", "no-such-rule"),
        ("/rules/11", "repeated-rule"),
        ("/rules", "missing-rule"),
    ]


@given(st.text(max_size=50), st.integers(1, 86_400), st.floats(0, 4e9))
def test_windows_follow_each_other(key: str, seconds: int, now: float) -> None:
    end = window_end(key, seconds, now)
    assert now < end <= now + seconds + 1e-6
    assert window_end(key, seconds, end) == end + seconds


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 300)), max_size=60))
def test_no_window_counts_another(hits: list[tuple[str, float]]) -> None:
    """However requests come: what a window says is how many came in it."""
    counter, came = MemoryCounter(), Counter[tuple[str, float]]()
    for key, now in sorted(hits, key=lambda hit: hit[1]):
        count, end = counter.hit(key, 60, now)
        came[key, end] += 1
        assert (count, end) == (came[key, end], window_end(key, 60, now))


def test_windows_of_callers_begin_at_different_moments() -> None:
    ends = {window_end(f"user:{number}", 60, 1e9) for number in range(200)}
    assert len(ends) > 40


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    counter = MemoryCounter(max_counted=100)
    for number in range(10_000):
        counter.hit(str(number), 60, 0)
    assert len(counter._windows) <= 100
    assert counter.hit("9999", 60, 0)[0] == 2


def test_a_shorter_window_counts_from_when_it_is_in_force() -> None:
    counter = MemoryCounter()
    counter.hit("a", 86_400, 0)
    _, end = counter.hit("a", 60, 1)
    assert end <= 61


async def test_processes_share_one_count(redis_server: Redis) -> None:
    first, other = SharedCounter(redis_server.url), SharedCounter(redis_server.url)
    now = time.time()
    counts = [(await (first, other)[number % 2].hit("user:1", 60, now, 100))[0] for number in range(20)]
    assert counts == list(range(1, 21))
    later = window_end("user:1", 60, now)
    assert (await first.hit("user:1", 60, later, 100))[0] == 1, "the next window begins anew"
    await first.close()
    await other.close()


async def test_requests_at_once_are_all_counted(redis_server: Redis) -> None:
    first, other = SharedCounter(redis_server.url), SharedCounter(redis_server.url)
    now = time.time()
    for _ in range(10):
        await asyncio.gather(*((first, other)[number % 2].hit("user:1", 60, now, 120) for number in range(10)))
    assert (await first.hit("user:1", 60, now, 1))[0] == 101
    await first.close()
    await other.close()


async def test_of_who_is_fast_each_process_knows_nearly_all(redis_server: Redis) -> None:
    first, other = SharedCounter(redis_server.url), SharedCounter(redis_server.url)
    now, amount = time.time(), 10_000
    known = [(await (first, other)[number % 2].hit("user:1", 60, now, amount))[0] for number in range(4_000)]
    assert max(number + 1 - count for number, count in enumerate(known)) <= 2 * amount / 100
    calls = re.search(r"cmdstat_evalsha:calls=(\d+)", redis_server.told("info", "commandstats"))
    assert calls is not None
    assert int(calls[1]) < 400, "a tenth at most, on however slow a machine"
    await first.close()
    await other.close()


async def test_a_shared_count_that_is_away_refuses_nobody_and_comes_back(
    redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.security.edge.counting.RETRY_SECONDS", 0.2)
    counter, now = SharedCounter(redis_server.url), time.time()
    assert (await counter.hit("a", 60, now, 100))[0] == 1
    redis_server.stop()
    began = time.monotonic()
    counts = [(await counter.hit("a", 60, now, 100))[0] for _ in range(50)]
    assert counts == list(range(2, 52)), "it goes on from what it knew"
    await kept(time.monotonic() - began, 2, "fifty requests without Redis")
    redis_server.start()
    await asyncio.sleep(0.25)
    assert (await counter.hit("a", 60, now, 100))[0] == 51, "all but the one that Redis lost"
    fresh = SharedCounter(redis_server.url)
    assert (await fresh.hit("a", 60, now, 100))[0] == 52, "what was counted alone was told"
    await counter.close()
    await fresh.close()
