"""The service with a provider of its own, and browsers that go from the one to the other."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from html import unescape
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.access.oidc.provider import OidcProvider, ProviderInForce
from app.settings import DatabaseSettings, OidcSettings, Settings
from tests import loopback
from tests.access.oidc.provider import CLIENT_ID, CLIENT_SECRET, PASSWORD

HERE = "https://spyne.test"
LOOPBACK = (ip_network("127.0.0.0/8"),)
ROOT = Path(__file__).parents[3]


class RunningProvider:
    """The provider's process, and what the tests tell it."""

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.http = loopback.blocking(url)

    def tell(self, what: str, **facts: Any) -> Any:
        answer = self.http.post(f"/{what}", content=json.dumps(facts))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def plan(self, **misdeeds: Any) -> None:
        """From now on do this, and no other, wrong."""
        self.tell("_plan", **misdeeds)

    def register(self, algorithm: str = "RS256", redirect_uri: str = f"{HERE}/api/auth/oidc/callback") -> None:
        self.tell("_register", redirect_uri=redirect_uri, algorithm=algorithm)

    def seen(self, name: str) -> int:
        """How often something was asked for."""
        return int(self.tell("_seen").get(name, 0))


@pytest.fixture(scope="session")
def provider_process() -> Iterator[RunningProvider]:
    command = [sys.executable, "-m", "tests.access.oidc.provider", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the provider did not start"
        running = RunningProvider(f"http://127.0.0.1:{port}")
        yield running
        running.http.close()
        process.terminate()


@pytest.fixture
def provider(provider_process: RunningProvider) -> RunningProvider:
    """The provider, doing nothing wrong."""
    provider_process.plan()
    provider_process.register()
    return provider_process


@pytest.fixture
def changes() -> dict[str, Any]:
    """What a test wants otherwise in the settings; parametrise it."""
    return {}


@pytest.fixture
def settings(tmp_path: Path, provider: RunningProvider, changes: dict[str, Any]) -> Settings:
    told: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": SecretStr(CLIENT_SECRET),
        "redirect_base_url": HERE,
        "allow_http": True,
        "allowed_networks": LOOPBACK,
    }
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    return Settings(home=tmp_path / "home", database=database, oidc=OidcSettings(**told | changes))


@pytest.fixture
def client_side(app: FastAPI) -> OidcProvider:
    """What the service knows of the provider."""
    found = app.state.resources.extensions.of(ProviderInForce).current
    assert isinstance(found, OidcProvider)
    return found


class Browser:
    """A browser: it keeps cookies, and goes where it is sent when it is told to."""

    def __init__(self, app: FastAPI, provider: RunningProvider) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=HERE)
        self._provider = provider

    async def begin(self, return_to: str | None = None) -> str:
        """The provider's address to which the service sends it."""
        answer = await self.http.get(
            "/api/auth/oidc/login", params={} if return_to is None else {"return_to": return_to}
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def at_provider(self, url: str, username: str = "ada") -> str:
        """The callback to which the provider sends it, after the log-in page."""
        page = self._provider.http.get(url)
        if page.status_code == 302:
            return page.headers["Location"]
        assert page.status_code == 200, page.text
        hidden = re.search('name="token" value="([^"]+)"', page.text)
        assert hidden is not None
        form = {"token": unescape(hidden[1]), "username": username, "password": PASSWORD}
        answer = self._provider.http.post("/verify", data=form)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    async def log_in(self, username: str = "ada", return_to: str | None = None) -> httpx.Response:
        """The service's answer to the whole way."""
        return await self.http.get(self.at_provider(await self.begin(return_to), username))

    async def me(self) -> dict[str, Any]:
        answer = await self.http.get("/api/auth/me")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


NewBrowser = Callable[[], Browser]


@pytest.fixture
async def new_browser(app: FastAPI, provider: RunningProvider) -> AsyncIterator[NewBrowser]:
    browsers: list[Browser] = []

    def make() -> Browser:
        browsers.append(Browser(app, provider))
        return browsers[-1]

    yield make
    for each in browsers:
        await each.http.aclose()


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    return new_browser()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The document of a problem, which must be this one."""
    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, "application/problem+json"), answer.text
    assert answer.json()["code"] == code, answer.text
    return dict(answer.json())
