"""The real thing for every test: one embedded PostgreSQL for the run, a database per test cloned from one that the
real migrations built.

Tests commit for real, through the production path: other logins and COPY must see what a test wrote, which no
rolled-back savepoint could show. A clone costs some tens of milliseconds and only tests that ask for a database pay
it.
"""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.access.passwords import passwords
from app.commands.serving import GC_THRESHOLDS
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.runtime.resources import Resources
from app.kernel.security.secrets import ServiceSecret
from app.main import create_app
from app.settings import DatabaseSettings, Settings
from app.wiring import open_resources
from tests import owners, run_folder, shared_statements, spawning
from tests.identities import Identities

SECRET = ServiceSecret(b"the secret of the tests, which is long enough to be taken")
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "autovacuum": "off",
}
"""Nothing of it outlives the run. No table lives long enough to need a vacuum, which each fresh database would get."""
COLLECTIONS = (*GC_THRESHOLDS[:2], 1_000)
"""As of the service, but for full ones: what the libraries keep grows with the tests, and is never garbage."""
DEAR = passwords._HASHER
"""What the service hashes passwords with."""
_numbers = itertools.count()

hypothesis.settings.register_profile("spyne", deadline=None)  # a busy machine is no fault of what is tested
hypothesis.settings.load_profile("spyne")


def pytest_configure(config: pytest.Config) -> None:
    """The process that hands out the tests makes the folder of the run; its workers inherit it."""
    gc.set_threshold(*COLLECTIONS)
    shared_statements.share()
    if not hasattr(config, "workerinput"):
        folder = run_folder.enter()
        config.add_cleanup(lambda: run_folder.leave(folder))


def pytest_xdist_auto_num_workers() -> int:
    """Twice the cores: what starts processes and servers waits for half of its time."""
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that hold something slow come first, or else all would wait for the last of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays: the garbage collector need not pass it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """What forks the processes of the tests ends before the folder of the run is removed."""
    spawning.end()


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Argon2 is dear on purpose; nearly every test has users, and few are about what a guess costs: `dear_hashes`."""
    cheap = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", cheap)
        yield


@pytest.fixture
def dear_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in production."""
    monkeypatch.setattr(passwords, "_HASHER", DEAR)


@pytest.fixture(scope="session")
def server(testrun_uid: str) -> Iterator[ServerAddress]:
    """The run's PostgreSQL, shared by its worker processes; the last one to leave stops it and removes its data."""
    home = Path(tempfile.gettempdir()) / f"spyne-tests-{testrun_uid}"  # open to the account that PostgreSQL runs as
    with EmbeddedServer(home / "postgres", password="owner-of-the-tests", settings=FAST) as address:
        asyncio.run(owners.set_up(address))
        yield address
    if not any((home / "postgres.handles").glob("*")):
        shutil.rmtree(home, ignore_errors=True)


def _url(server: ServerAddress, database: str) -> str:
    return owners.owner_url(server, database)


@pytest.fixture(scope="session")
async def administrator(server: ServerAddress) -> AsyncIterator[None]:  # noqa: ARG001 - which must be there to the end
    """Closes the connection that makes and drops databases."""
    yield
    if (kept := _administrators.pop(asyncio.get_running_loop(), None)) is not None:
        await kept.close()


@pytest.fixture(scope="session")
def template(server: ServerAddress, administrator: None, worker_id: str) -> str:  # noqa: ARG001 - for those who clone it
    """The name of a database built by the real migrations."""
    name = f"template_{worker_id}"

    async def build() -> None:
        owner = await asyncpg.connect(**server.connect_kwargs("postgres"))
        await owner.execute(f'CREATE DATABASE "{name}"{owners.belonging()}')
        await owner.close()
        await migrations.prepare(_url(server, name), DatabaseSettings(), SECRET)
        await asyncio.to_thread(migrations.upgrade, _url(server, name))

    asyncio.run(build())
    return name


_administrators: dict[asyncio.AbstractEventLoop, asyncpg.Connection] = {}
"""Connections to `postgres`, one for each event loop in which databases are made and dropped."""


async def _admin(server: ServerAddress, *statements: str) -> None:
    loop = asyncio.get_running_loop()
    if loop not in _administrators:
        _administrators[loop] = await asyncpg.connect(**server.connect_kwargs("postgres"))
    for statement in statements:
        await _administrators[loop].execute(statement)


@asynccontextmanager
async def fresh_database(server: ServerAddress, template: str) -> AsyncIterator[DatabaseUrls]:
    """A migrated database of one's own, dropped at the end. Files are copied: pages through the log cost twice that."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await _admin(
        server,
        f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY{owners.belonging()}',
        f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{name}" TO spyne_app, spyne_query',
        f'GRANT TEMPORARY ON DATABASE "{name}" TO spyne_app',
    )
    try:
        yield database_urls(_url(server, name), DatabaseSettings(), SECRET)
    finally:
        await _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def urls(server: ServerAddress, template: str) -> AsyncIterator[DatabaseUrls]:
    """This test's database, as its three logins see it."""
    async with fresh_database(server, template) as urls:
        yield urls


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Default settings with a state directory of the test's own."""
    return Settings(home=tmp_path / "home", database=DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3))


@pytest.fixture
async def resources(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[Resources]:
    """The production wiring on this test's database."""
    async with open_resources(settings, urls, SECRET) as resources:
        yield resources


@pytest.fixture
async def owner(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner, to look behind the service's back."""
    connection = await migrations.connect(urls.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def superuser(server: ServerAddress, urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection of PostgreSQL's superuser to this test's database, for what an owner may not do everywhere."""
    connection = await migrations.connect(owners.superuser_url(server, urls.owner))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The OpenAPI document, which every application has alike. Nobody changes it."""
    return create_app(Settings()).openapi()


@pytest.fixture
async def app(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[FastAPI]:
    """The running application, its lifespan entered."""
    application = create_app(settings, urls, SECRET)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a credential; server errors come back as answers, as a user would see them."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test") as client:
        yield client


@pytest.fixture
async def identities(app: FastAPI) -> Identities:
    """Makes users and tokens: `await identities.token("ENGINEER")`."""
    return Identities(app.state.resources)


ClientOf = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def as_role(app: FastAPI, identities: Identities) -> AsyncIterator[ClientOf]:
    """`client = await as_role("ENGINEER")`: a client whose calls carry the token of a fresh user with these roles."""
    clients: list[httpx.AsyncClient] = []

    async def make(*roles: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {await identities.token(*roles)}"}
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=headers))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def admin(as_role: ClientOf) -> httpx.AsyncClient:
    """An admin's client."""
    return await as_role("ADMIN")


@pytest.fixture
async def engineer(as_role: ClientOf) -> httpx.AsyncClient:
    """An engineer's client."""
    return await as_role("ENGINEER")


@pytest.fixture
async def analyst(as_role: ClientOf) -> httpx.AsyncClient:
    """An analyst's client."""
    return await as_role("ANALYST")


@pytest.fixture
async def open_for_data(admin: httpx.AsyncClient) -> None:
    """The platform is INGESTION_READY."""
    answer = await admin.put("/system/mode", json={"mode": "INGESTION_READY"})
    assert answer.status_code == 200, answer.text
