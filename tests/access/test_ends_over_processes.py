"""Two real API processes: what ends in one stops in both within a second."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.settings import Settings
from tests import loopback
from tests.access.sessions.steps import bearer, page_of, tokens_of
from tests.conftest import SECRET
from tests.identities import Identities
from tests.promises import kept
from tests.service_processes import Surroundings, api_process

WITHIN_SECONDS = 1.0
EVERY_SECONDS = 0.01


@dataclass
class Pair:
    """Two processes on one database."""

    clients: list[httpx.AsyncClient]

    async def last_success(self, headers: list[dict[str, str]], act: Awaitable[float]) -> list[float]:
        """Seconds from the answer of the act to the last call that succeeded, in whichever process, per credential.

        Both processes are asked all the time, so that what they remember is as fresh as it can be.
        """
        ended = asyncio.Event()
        watches = [asyncio.create_task(self._watch(each, ended)) for each in headers]
        await asyncio.sleep(0.3)
        at = await act
        ended.set()
        return [max(0.0, last - at) for last in await asyncio.gather(*watches)]

    async def _watch(self, headers: dict[str, str], ended: asyncio.Event) -> float:
        last, refused, began = 0.0, [False, False], time.monotonic()
        while not all(refused):
            assert time.monotonic() - began < 10, "still let in"
            for number, client in enumerate(self.clients):
                sent = time.monotonic()
                status = (await client.get("/api/auth/me", headers=headers)).status_code
                assert status == 200 or (status == 401 and (ended.is_set() or last))
                refused[number] = status == 401
                if status == 200:
                    last = sent
            await asyncio.sleep(EVERY_SECONDS)
        return last


@pytest.fixture
async def pair(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> AsyncIterator[Pair]:
    surroundings = Surroundings(urls, SECRET, settings.home, tmp_path)
    async with (
        api_process(surroundings) as one,
        api_process(surroundings) as other,
        loopback.client(one.url, timeout=10) as first,
        loopback.client(other.url, timeout=10) as second,
    ):
        yield Pair([first, second])


async def test_ends_count_in_every_process(pair: Pair, resources: Resources) -> None:
    identities = Identities(resources)
    first, second = pair.clients
    admin = bearer(await identities.token("ADMIN"))
    name, _ = await identities.user("VIEWER")
    disabled, disabled_id = await identities.user("VIEWER")
    client = (await first.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]}, headers=admin)).json()
    key = (await first.post(f"/api/clients/{client['id']}/keys", json={}, headers=admin)).json()
    ended, left, tokens = await page_of(first, name), await page_of(second, name), await tokens_of(first, name)
    token_session = next(
        one["id"]
        for one in (await first.get("/api/sessions", headers=left.cookie)).json()["items"]
        if one["kind"] == "token"
    )
    of_disabled = await page_of(second, disabled)
    shown = {
        "a session that its person ends": ended.cookie,
        "the token of a session that an admin ends": bearer(tokens["access_token"]),
        "a session that logs out": left.cookie,
        "a session of a disabled user": of_disabled.cookie,
        "a token of a disabled user": bearer((await tokens_of(first, disabled))["access_token"]),
        "a revoked key": {"X-API-Key": key["key"]},
    }
    for what, headers in shown.items():
        for each in pair.clients:
            assert (await each.get("/api/auth/me", headers=headers)).status_code == 200, what

    async def act(method: str, path: str, status: int, headers: dict[str, str], **more: object) -> float:
        answer = await first.request(method, path, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return time.monotonic()

    figures: dict[str, float] = {}

    async def measure(what: list[str], acting: Awaitable[float]) -> None:
        lasted = await pair.last_success([shown[one] for one in what], acting)
        figures.update(zip(what, lasted, strict=True))

    sessions = "/api/sessions"
    await measure(["a session that its person ends"], act("DELETE", f"{sessions}/{ended.id}", 204, left.writing))
    await measure(
        ["the token of a session that an admin ends"], act("DELETE", f"{sessions}/{token_session}", 204, admin)
    )
    await measure(["a session that logs out"], act("POST", "/api/auth/logout", 204, left.writing))
    await measure(["a revoked key"], act("DELETE", f"/api/clients/{client['id']}/keys/{key['id']}", 204, admin))
    disabling = act("PATCH", f"/api/users/{disabled_id}", 200, admin, json={"status": "disabled"})
    await measure(["a session of a disabled user", "a token of a disabled user"], disabling)
    print("\nThe last call that succeeded after the end, in two processes:")
    for what, seconds in figures.items():
        print(f"  {what}: {seconds:.2f} s")
    latest = max(figures, key=lambda what: figures[what])
    await kept(figures[latest], WITHIN_SECONDS, latest)
