"""Rate limits over HTTP: who is counted under what, what is told, and one count for all processes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from app.kernel.db.connections import DatabaseUrls
from app.kernel.telemetry.metrics import RATE_LIMIT_FALLBACKS
from app.main import create_app
from app.settings import RateLimitSettings, ServerSettings, Settings
from tests.conftest import SECRET
from tests.identities import Identities
from tests.operations.security.conftest import ROOT, At, Redis, client_at, settled

ADDRESS = "93.184.216.34"
PATH = f"{ROOT}/rate-limits"
FIELD = re.compile(r'"([a-z-]+)";r=(\d+);t=(\d+)')


async def limit(admin: httpx.AsyncClient, route_class: str, scope: str, amount: int, **more: Any) -> None:
    """Set one rule, and wait until it is in force."""
    table = (await admin.get(PATH)).json()
    for rule in table["rules"]:
        if (rule["route_class"], rule["scope"]) == (route_class, scope):
            rule.update({"amount": amount, "window_seconds": 60} | more)
    answer = await admin.put(PATH, json=table)
    assert answer.status_code == 200, answer.text
    await settled(admin)


async def statuses(client: httpx.AsyncClient, times: int, path: str = "/api/tables") -> list[int]:
    return [(await client.get(path)).status_code for _ in range(times)]


async def test_an_address_is_limited_and_told(admin: httpx.AsyncClient, at: At) -> None:
    await limit(admin, "read", "address", 20, window_seconds=60)
    client = at(ADDRESS)
    told = [await client.get("/api/tables") for _ in range(45)]
    refused = [answer for answer in told if answer.status_code == 429]
    assert {answer.status_code for answer in told} == {401, 429}
    assert len(refused) >= 5, "a new window may have begun once: each takes twenty"
    for answer in told:
        assert answer.headers["RateLimit-Policy"] == '"read-address";q=20;w=60'
        name, left, seconds = FIELD.fullmatch(answer.headers["RateLimit"]).groups()  # type: ignore[union-attr]
        assert (name, 0 <= int(left) < 20, 1 <= int(seconds) <= 60) == ("read-address", True, True)
    last = refused[-1]
    assert last.json()["code"] == "rate-limited"
    assert last.json()["violated-policies"] == ["read-address"]
    assert last.headers["Retry-After"] == FIELD.fullmatch(last.headers["RateLimit"])[3]  # type: ignore[index]
    assert last.headers["content-type"] == "application/problem+json"
    assert (await client.get("/health/live")).status_code == 200
    assert "RateLimit" not in (await client.get("/health/live")).headers
    assert (await at("93.184.216.35").get("/api/tables")).status_code == 401, "another address"
    assert (await client.post("/api/query/preview", json={})).status_code == 401, "another class"


async def test_an_ipv6_subscriber_is_counted_as_one(admin: httpx.AsyncClient, at: At) -> None:
    await limit(admin, "read", "address", 10)
    found = [(await at(f"2001:db8:1:2::{number:x}").get("/api/tables")).status_code for number in range(25)]
    assert found.count(429) >= 5
    assert (await at("2001:db8:1:3::1").get("/api/tables")).status_code == 401


async def test_a_caller_is_counted_wherever_it_is(
    app: FastAPI, admin: httpx.AsyncClient, identities: Identities
) -> None:
    await limit(admin, "read", "caller", 20)
    headers = {"Authorization": f"Bearer {await identities.token('VIEWER')}"}
    found = []
    for number in range(45):  # a new window may begin once: each takes twenty
        async with client_at(app, f"93.184.216.{number}", **headers) as client:
            found.append((await client.get("/api/tables")).status_code)
    assert set(found) == {200, 429}
    assert found.count(429) >= 5
    other = {"Authorization": f"Bearer {await identities.token('VIEWER')}"}
    async with client_at(app, "93.184.216.1", **other) as client:
        assert (await client.get("/api/tables")).status_code == 200


async def test_guesses_count_for_the_address_whatever_they_carry(admin: httpx.AsyncClient, at: At) -> None:
    """Credentials that are not valid give nobody a count of their own."""
    await limit(admin, "read", "address", 10)
    found = []
    for number in range(25):
        client = at(ADDRESS, Authorization=f"Bearer made-up-{number}", **{"X-Forwarded-For": f"8.8.8.{number}"})
        found.append((await client.get("/api/tables")).status_code)
    assert found.count(429) >= 5


async def test_log_ins_count_for_the_address_also_with_a_credential(
    app: FastAPI, admin: httpx.AsyncClient, identities: Identities
) -> None:
    await limit(admin, "login", "address", 12)
    headers = {"X-API-Key": await identities.api_key("VIEWER")}
    form = {"grant_type": "password", "username": "nobody", "password": "guess"}
    async with client_at(app, ADDRESS, **headers) as client:
        assert (await client.get("/api/tables")).status_code == 200
        found = [(await client.post("/api/auth/token", data=form)).status_code for _ in range(30)]
        assert found.count(429) >= 6


async def test_a_rule_that_is_off_limits_nobody(admin: httpx.AsyncClient, at: At) -> None:
    await limit(admin, "read", "address", 10, enabled=False)
    assert set(await statuses(at(ADDRESS), 30)) == {401}
    assert "RateLimit" not in (await at(ADDRESS).get("/api/tables")).headers


async def test_the_defaults_leave_honest_use_alone(admin: httpx.AsyncClient, at: At) -> None:
    assert set(await statuses(admin, 300)) == {200}
    assert set(await statuses(at(ADDRESS), 300)) == {401}


async def test_behind_a_trusted_proxy_clients_are_apart(settings: Settings, urls: DatabaseUrls) -> None:
    server = ServerSettings(trusted_proxies="10.0.0.0/8")  # type: ignore[arg-type]  # read as from the environment
    application = create_app(settings.model_copy(update={"server": server}), urls, SECRET)
    async with application.router.lifespan_context(application):

        async def left(address: str) -> int:
            headers = {"X-Forwarded-For": f"1.1.1.1, {address}"}
            async with client_at(application, "10.0.0.1", **headers) as client:
                found = FIELD.fullmatch((await client.get("/api/tables")).headers["RateLimit"])
                assert found is not None
                return int(found[2])

        first = await left(ADDRESS)
        assert await left("93.184.216.35") == first
        assert await left(ADDRESS) in {first - 1, 5999}


@pytest.fixture
async def pair(settings: Settings, urls: DatabaseUrls, redis_server: Redis) -> AsyncIterator[list[FastAPI]]:
    """Two processes' applications that count together."""
    shared = RateLimitSettings(storage_url=SecretStr(redis_server.url))
    async with AsyncExitStack() as stack:
        apps = [create_app(settings.model_copy(update={"rate_limit": shared}), urls, SECRET) for _ in range(2)]
        for application in apps:
            await stack.enter_async_context(application.router.lifespan_context(application))
        yield apps


async def within_one_window(pair: list[FastAPI]) -> list[int]:
    """What fifty requests of an address are answered, by turns, in a window that no other one followed meanwhile."""
    for last in range(1, 10):
        clients = [client_at(app, f"9.9.9.{last}") for app in pair]
        answers = [await clients[number % 2].get("/api/tables") for number in range(50)]
        left = [int(FIELD.fullmatch(answer.headers["RateLimit"])[3]) for answer in answers]  # type: ignore[index]
        if left == sorted(left, reverse=True):
            return [answer.status_code for answer in answers]
    raise AssertionError("each time another window began")


async def test_processes_with_a_redis_count_together(pair: list[FastAPI], redis_server: Redis) -> None:
    identities = Identities(pair[0].state.resources)
    bearer = {"Authorization": f"Bearer {await identities.token('ADMIN')}"}
    async with client_at(pair[0], **bearer) as admin, client_at(pair[1], **bearer) as there:
        await limit(admin, "read", "address", 20)
        await settled(there)
        found = await within_one_window(pair)
        assert found.count(429) == 30, "counted apart, each would have let all of its 25 pass but five"
        assert (await there.get("/api/tables")).status_code == 200
        redis_server.stop()
        before = RATE_LIMIT_FALLBACKS._value.get()
        answers = await asyncio.gather(*(there.get("/api/tables") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}, "a count that is away refuses nobody"
        assert all("RateLimit" in answer.headers for answer in answers)
        assert RATE_LIMIT_FALLBACKS._value.get() > before


@pytest.mark.parametrize("url", ["memcached://127.0.0.1", "http://127.0.0.1", "redis"])
def test_requests_are_counted_in_redis_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_STORAGE_URL", url)
    with pytest.raises(ValidationError):
        RateLimitSettings()
