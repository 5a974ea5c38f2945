"""However attempts are spread over addresses, names and processes: never more guesses than the policy takes.

By default a thousand attempts; `SPYNE_LOGIN_ATTEMPTS=10000` asks for more. The counting stands where argon2
would compute, so that what is counted is what an attacker learns something from.
"""

import asyncio
import itertools
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.login.lockout import Bound
from app.access.login.login_keys import Realm, network_of
from app.access.login.login_throttle import LoginThrottle
from app.access.passwords import passwords
from app.kernel.clock import utc_now
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.security.policy import LockoutPolicy
from app.main import create_app
from app.settings import Settings
from tests.access.sessions.steps import SESSIONS, TOKEN, client_of
from tests.conftest import SECRET
from tests.identities import PASSWORD, Identities

ATTEMPTS = int(os.environ.get("SPYNE_LOGIN_ATTEMPTS", "1000"))
AT_ONCE = 24
POLICY = LockoutPolicy()
HOME = "198.51.100.200"
"""Where the person has logged in before."""

Attempt = tuple[str, str, str]
"""Name, address, password."""

_under_way: ContextVar[Attempt] = ContextVar("attempt")


class CountingHasher:
    """Argon2's place: the password is right when it is the person's, and every look is counted."""

    def __init__(self, known: str) -> None:
        self.known = known
        self.guesses: list[tuple[float, str, str]] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify_and_update(self, password: str, encoded: str) -> tuple[bool, None]:
        name, address, _ = _under_way.get()
        self.guesses.append((time.monotonic(), name.strip().lower(), network_of(address)))
        return password == PASSWORD and encoded == self.known, None


@pytest.fixture
async def apps(settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection) -> AsyncIterator[list[FastAPI]]:
    """Two instances of the service on one database; what the door limits is not what is tested here."""
    for table in ("security_rate_rules", "security_responses"):
        await owner.execute(f"UPDATE spyne.{table} SET enabled = false")
    async with AsyncExitStack() as stack:
        made = [create_app(settings, urls, SECRET) for _ in range(2)]
        for app in made:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield made


@asynccontextmanager
async def knocking(apps: list[FastAPI], address: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(client_of(app, address)) for app in apps]


async def attempt(apps: list[FastAPI], number: int, what: Attempt) -> httpx.Response:
    _under_way.set(what)
    name, address, password = what
    async with knocking([apps[number % len(apps)]], address) as (client,):
        if number % 3:
            form = {"grant_type": "password", "username": name, "password": password}
            return await client.post(TOKEN, data=form)
        return await client.post(SESSIONS, json={"username": name, "password": password})


async def all_of(apps: list[FastAPI], attempts: list[Attempt]) -> Counter[int]:
    statuses: Counter[int] = Counter()
    numbered = iter(enumerate(attempts))

    async def knock() -> None:
        for number, what in numbered:
            statuses[(await attempt(apps, number, what)).status_code] += 1

    await asyncio.gather(*(knock() for _ in range(AT_ONCE)))
    return statuses


def hostile(victim: str, count: int) -> list[Attempt]:
    """Attempts of every kind, mixed: one pair, one name, one address, one IPv6 network, and everything at random."""
    draw = random.Random(7)
    words = itertools.count()

    def kinds() -> Iterator[Attempt]:
        for number in itertools.count():
            v4 = f"203.0.{draw.randrange(110, 120)}.{draw.randrange(256)}"
            v6 = f"2001:db8:{draw.randrange(4):x}:{draw.randrange(8):x}:{draw.randrange(1 << 16):x}::1"
            spelled = draw.choice((victim, victim.upper(), f" {victim} ", victim.title()))
            yield victim, "203.0.113.1", f"guess {next(words)}"
            yield spelled, draw.choice((v4, v6)), f"guess {next(words)}"
            yield f"name-{draw.randrange(100_000)}", draw.choice(("203.0.113.7", "::ffff:203.0.113.7")), f"g {number}"
            yield f"name-{draw.randrange(100_000)}", f"2001:db8:77:77:{draw.randrange(1 << 16):x}::9", f"g {number}"
            yield f"name-{draw.randrange(30)}", draw.choice((v4, v6)), f"guess {next(words)}"

    attempts = list(itertools.islice(kinds(), count))
    draw.shuffle(attempts)
    return attempts


def most_within(moments: list[float], seconds: float) -> int:
    """The most moments that lie within any window of that length."""
    moments, most, start = sorted(moments), 0, 0
    for end, moment in enumerate(moments):
        while moment - moments[start] >= seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


async def test_there_are_never_more_guesses_than_are_taken(
    apps: list[FastAPI], owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, _ = await Identities(apps[0].state.resources).user("VIEWER")
    known = await owner.fetchval("SELECT password_hash FROM spyne.users WHERE username = $1", victim)
    hasher = CountingHasher(known)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    passwords._nobodys_hash.cache_clear()
    assert (await attempt(apps, 0, (victim, HOME, PASSWORD))).status_code == 201
    hasher.guesses.clear()
    began = time.monotonic()
    attempts = hostile(victim, ATTEMPTS)
    statuses = await all_of(apps, attempts)
    lasted = time.monotonic() - began
    assert statuses.keys() <= {400, 401, 429}, statuses
    by: dict[str, dict[str, list[float]]] = {
        "pair": defaultdict(list),
        "name": defaultdict(list),
        "address": defaultdict(list),
    }
    for at, name, network in hasher.guesses:
        by["pair"][f"{name}@{network}"].append(at)
        by["name"][name].append(at)
        by["address"][network].append(at)
    most = {
        "pair": max(most_within(moments, POLICY.window.total_seconds()) for moments in by["pair"].values()),
        "name": max(most_within(moments, POLICY.wide_window.total_seconds()) for moments in by["name"].values()),
        "address": max(most_within(moments, POLICY.wide_window.total_seconds()) for moments in by["address"].values()),
    }
    print(
        f"\n{len(attempts)} attempts in {lasted:.0f} s, {AT_ONCE} at once, two instances: "
        f"{len(hasher.guesses)} guesses taken; most of a pair {most['pair']}, of a name {most['name']}, "
        f"of an address {most['address']}; answers {dict(statuses)}"
    )
    assert most["pair"] == POLICY.failures
    assert most["name"] == POLICY.failures_per_name
    assert most["address"] <= POLICY.failures_per_address
    if ATTEMPTS >= 1000:
        assert most["address"] == POLICY.failures_per_address, "the bound was put to the test"

    hasher.guesses.clear()
    right = [(victim, f"192.0.2.{number}", PASSWORD) for number in range(1, 40)]
    assert (await all_of(apps, right)).keys() <= {400, 429}, "the true password among guesses that are not taken"
    assert hasher.guesses == []
    assert (await attempt(apps, 0, (victim, HOME, PASSWORD))).status_code == 201, "nobody is locked out of their place"
    told = await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'user:lock-out'")
    failed = await owner.fetchval(
        "SELECT count(*) FROM spyne.audit_log WHERE action = 'user:login' AND outcome = 'failure'"
    )
    assert failed == sum(len(moments) for moments in by["pair"].values()), "an attempt that was refused is no guess"
    full = [name for name, moments in by["name"].items() if len(moments) >= POLICY.failures_per_name]
    full += [network for network, moments in by["address"].items() if len(moments) >= POLICY.failures_per_address]
    locked = [pair for pair, moments in by["pair"].items() if len(moments) >= POLICY.failures]
    assert len(full) <= told <= len(full) + len(locked), "once for each"


async def test_failed_clients_are_refused_always_and_told_of_only_so_often(
    apps: list[FastAPI], owner: asyncpg.Connection
) -> None:
    async def knock(number: int) -> int:
        async with knocking(apps, f"203.0.113.{number % 4}") as clients:
            form = {"grant_type": "client_credentials", "client_id": f"app-{number % 50}", "client_secret": "x"}
            return (await clients[number % 2].post(TOKEN, data=form)).status_code

    statuses: Counter[int] = Counter()
    for start in range(0, 400, 20):
        statuses.update(await asyncio.gather(*(knock(number) for number in range(start, start + 20))))
    assert statuses.total() == 400
    assert statuses.keys() <= {401, 503}, "none gets in; a busy machine may run out of connections"
    rows = await owner.fetch("SELECT client_address, count(*) AS told FROM spyne.audit_log GROUP BY 1")
    assert sum(row["told"] for row in rows) <= 50 * 2 * POLICY.failures
    assert max(row["told"] for row in rows) <= POLICY.failures_per_address


async def test_a_known_place_is_held_to_its_own_lock(
    apps: list[FastAPI], owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, _ = await Identities(apps[0].state.resources).user("VIEWER")
    known = await owner.fetchval("SELECT password_hash FROM spyne.users WHERE username = $1", victim)
    hasher = CountingHasher(known)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    passwords._nobodys_hash.cache_clear()
    assert (await attempt(apps, 0, (victim, HOME, PASSWORD))).status_code == 201
    hasher.guesses.clear()
    await all_of(apps, [(victim, HOME, f"guess {number}") for number in range(20)])
    assert len(hasher.guesses) == POLICY.failures
    assert (await attempt(apps, 1, (victim, HOME, PASSWORD))).status_code == 400


WRONG, RIGHT = "wrong", "right"
HELD_AFTER: list[tuple[list[str], bool]] = [
    ([WRONG] * 2, False),
    ([WRONG] * 3, True),
    ([WRONG] * 2 + [RIGHT, WRONG], False),
    ([WRONG] * 2 + [RIGHT] + [WRONG] * 2, False),
    ([WRONG] * 2 + [RIGHT] + [WRONG] * 3, True),
    (([WRONG] * 2 + [RIGHT]) * 3 + [WRONG] * 2, False),
]


async def test_a_success_makes_earlier_failures_of_the_pair_count_no_more(resources: Resources) -> None:
    now = utc_now()
    async with resources.database.write() as session:
        throttle = resources.build(LoginThrottle, session, resources.secret, lambda: now)
        for number, (before, held) in enumerate(HELD_AFTER):
            keys = throttle.keys(Realm.PEOPLE, f"ada-{number}", HOME)
            for what in before:
                now += timedelta(seconds=1)
                assert await throttle.admit(keys) is None, before
                if what is RIGHT:
                    await throttle.succeeded(keys)
                else:
                    await throttle.failed(keys, Actor(ActorKind.USER, None, "ada"), HOME)
            found = await throttle.admit(keys)
            assert (found.bound if found else None) == (Bound.PAIR if held else None), before
