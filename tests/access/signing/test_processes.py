"""Keys change under two running API processes: every token that one issues counts at once in the other."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.commands import keys
from app.commands.environment import Environment
from app.commands.key_algorithm import KeyAlgorithm
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.settings import AccessSettings, Settings
from tests import loopback
from tests.conftest import SECRET
from tests.identities import Identities
from tests.service_processes import Surroundings, api_process
from tests.waiting import eventually

ACTIVATION_SECONDS = 4
"""Two looks at the directory."""


class Traffic:
    """Asks for tokens at one process and shows them at the other, again and again."""

    def __init__(self, first: httpx.AsyncClient, second: httpx.AsyncClient, key: str, logs: list[Path]) -> None:
        self._clients = (first, second)
        self.logs = logs
        self._key = key
        self.issued: list[tuple[str, str]] = []
        """Algorithm and text of every token, in order."""
        self.wrong: list[str] = []

    async def turn(self) -> None:
        self._clients = self._clients[::-1]
        form = {"grant_type": "client_credentials", "client_secret": self._key, "client_id": await self._name()}
        answer = await self._clients[0].post("/api/auth/token", data=form)
        assert answer.status_code == 200, answer.text
        text = answer.json()["access_token"]
        header = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
        self.issued.append((header["alg"], text))
        for _, token in (self.issued[0], self.issued[-1], self.issued[len(self.issued) // 2]):
            if (await self.show(token)) != [200, 200]:
                self.wrong.append(header["alg"])

    async def show(self, token: str) -> list[int]:
        bearer = {"Authorization": f"Bearer {token}"}
        return [(await client.get("/api/auth/me", headers=bearer)).status_code for client in self._clients]

    async def go_on(self) -> None:
        while True:
            await self.turn()
            await asyncio.sleep(0.2)

    async def _name(self) -> str:
        answer = await self._clients[0].get("/api/auth/me", headers={"X-API-Key": self._key})
        return str(answer.json()["name"])

    async def until(self, algorithm: str) -> None:
        """Return when the last two tokens from now on, one of each process, are signed so."""
        begun = len(self.issued)
        await eventually(
            lambda: [alg for alg, _ in self.issued[begun:][-2:]] == [algorithm] * 2, what=f"tokens of {algorithm}"
        )


@pytest.fixture
def place(urls: DatabaseUrls, tmp_path: Path) -> Environment:
    access = AccessSettings(signing_keys=tmp_path / "keys", key_activation_seconds=ACTIVATION_SECONDS)
    return Environment(Settings(home=tmp_path / "home", access=access), urls, SECRET)


@pytest.fixture
async def traffic(place: Environment, resources: Resources, tmp_path: Path) -> AsyncIterator[Traffic]:
    keys.prepare(place.settings.access)
    key = await Identities(resources).api_key("VIEWER")
    told = {"ACCESS_SIGNING_KEYS": str(tmp_path / "keys"), "ACCESS_KEY_ACTIVATION_SECONDS": str(ACTIVATION_SECONDS)}
    surroundings = Surroundings(place.urls, SECRET, tmp_path / "home", tmp_path, told)
    async with (
        api_process(surroundings) as one,
        api_process(surroundings) as two,
        loopback.client(one.url) as first,
        loopback.client(two.url) as second,
    ):
        yield Traffic(first, second, key, [one.log, two.log])


@pytest.mark.slow
async def test_keys_come_and_go_without_one_refusal(traffic: Traffic, place: Environment, tmp_path: Path) -> None:
    task = asyncio.create_task(traffic.go_on())
    try:
        await traffic.until("HS256")
        elliptic = await keys.new_key(place, KeyAlgorithm.ES256)
        await traffic.until("ES256")
        modular = await keys.new_key(place, KeyAlgorithm.RS256)
        await traffic.until("RS256")
        await keys.retire_key(place, elliptic.key.kid, last=False)
        (tmp_path / "keys" / "damaged.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
        for log in traffic.logs:
            await eventually(
                lambda log=log: "the signing keys cannot be read" in log.read_text(), what="a record of it"
            )  # type: ignore[misc]
        await traffic.until("RS256")
    finally:
        task.cancel()
    assert traffic.wrong == []
    assert {algorithm for algorithm, _ in traffic.issued} == {"HS256", "ES256", "RS256"}
    (tmp_path / "keys" / "damaged.pem").unlink()
    modular.path.unlink()  # the emergency brake

    async def refused() -> bool:
        return await traffic.show(traffic.issued[-1][1]) == [401, 401]

    await eventually(refused, 5)
    for algorithm in ("HS256", "ES256"):
        token = next(text for alg, text in traffic.issued if alg == algorithm)
        assert await traffic.show(token) == [200, 200]
