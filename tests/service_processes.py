"""Real processes for tests: the API and the worker as `python -m app.cli serve | worker` on a test's database.

They are ended by process id alone, and what they logged is printed, so that a failing test shows it.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.kernel.db.connections import DatabaseUrls
from app.kernel.security.secrets import ServiceSecret
from tests import loopback
from tests.spawning import Spawned, free_port, spawned
from tests.waiting import eventually

START_SECONDS = 90.0
STOP_SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[1]
_numbers = itertools.count()


@dataclass
class Surroundings:
    """What a process of the service needs to know: the database, the secret, the state directory."""

    urls: DatabaseUrls
    secret: ServiceSecret
    home: Path
    logs: Path
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process here."""
        own = {
            "DATABASE_URL": self.urls.owner,
            "SPYNE_SECRET": self.secret._value.decode(),
            "SPYNE_HOME": str(self.home),
            "SERVER_LOG_LEVEL": "warning",
            "JOBS_LEASE_SECONDS": "1.5",
            "JOBS_POLL_SECONDS": "0.3",
            "JOBS_GRACE_SECONDS": "5",
        }
        return os.environ | own | self.extra | more


class ServiceProcess:
    """One process of the service."""

    def __init__(self, command: str, surroundings: Surroundings, **environment: str) -> None:
        self._command = command
        self._surroundings = surroundings
        self._environment = surroundings.environment(**environment)
        self._process: Spawned | None = None
        self.log = surroundings.logs / f"{command}-{next(_numbers)}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def spawn(self) -> None:
        """Start it; its output is appended to the log."""
        self._process = await spawned("app.cli", self._command, env=self._environment, output=self.log)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            await self._process.ended()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        if self.running:
            os.kill(self.pid, signal.SIGTERM)
        return await asyncio.wait_for(self._process.ended(), STOP_SECONDS)


class ApiProcess(ServiceProcess):
    """The API on a free port of the loopback address; the port stays the same over restarts."""

    def __init__(self, surroundings: Surroundings, **environment: str) -> None:
        port = free_port()
        super().__init__("serve", surroundings, SERVER_HOST="127.0.0.1", SERVER_PORT=str(port), **environment)
        self.url = f"http://127.0.0.1:{port}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        await self.spawn()
        async with loopback.client(self.url, timeout=2) as client:

            async def alive() -> bool:
                if not self.running:
                    raise RuntimeError(self.log.read_text()[-4000:])
                try:
                    return (await client.get("/health/live")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(alive, START_SECONDS)


@asynccontextmanager
async def api_process(surroundings: Surroundings, **environment: str) -> AsyncIterator[ApiProcess]:
    """A running API; killed at the end."""
    process = ApiProcess(surroundings, **environment)
    try:
        await process.start()
        yield process
    finally:
        await process.kill()
        print(process.log.read_text()[-8000:])


@asynccontextmanager
async def worker_process(surroundings: Surroundings, **environment: str) -> AsyncIterator[ServiceProcess]:
    """A worker, started; killed at the end."""
    process = ServiceProcess("worker", surroundings, **environment)
    try:
        await process.spawn()
        yield process
    finally:
        await process.kill()
        print(process.log.read_text()[-8000:])
