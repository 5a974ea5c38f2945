"""One real API process for the modules here, on a database of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.kernel.embedded import ServerAddress
from app.settings import Settings
from app.wiring import open_resources
from tests.conftest import SECRET, fresh_database
from tests.identities import Identities
from tests.service_processes import ApiProcess, Surroundings, api_process
from tests.spawning import free_port


@dataclass
class Service:
    """A running API, and an admin's token."""

    process: ApiProcess
    token: str
    surroundings: Surroundings
    metrics: str
    """Where the process answers its metrics, whatever else it is busy with."""

    @property
    def port(self) -> int:
        return int(self.process.url.rpartition(":")[2])


@pytest.fixture(scope="module")
async def service(
    server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Service]:
    """`ENVIRONMENT` in the module says what the process is told beyond the defaults."""
    folder: Path = tmp_path_factory.mktemp("service")
    environment: dict[str, str] = getattr(request.module, "ENVIRONMENT", {})
    async with fresh_database(server, template) as urls:
        async with open_resources(Settings(home=folder), urls, SECRET) as resources:
            token = await Identities(resources).token("ADMIN")
        surroundings = Surroundings(urls, SECRET, folder, folder)
        port = free_port()
        async with api_process(surroundings, SERVER_METRICS_PORT=str(port), **environment) as process:
            yield Service(process, token, surroundings, f"http://127.0.0.1:{port}/metrics")
