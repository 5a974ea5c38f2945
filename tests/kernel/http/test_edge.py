"""The edge of a request: the commit comes before the answer, losers run again, and trouble of the database is a 503."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.db.database import MAX_ATTEMPTS, OpenShield
from app.kernel.db.query_login import QueryLimits, QueryLogin
from app.kernel.embedded import EmbeddedServer, postmaster
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Reads, Writes
from app.kernel.problems import Unavailable
from app.kernel.telemetry.metrics import OPERATIONAL_FAILURES
from app.main import create_app
from app.settings import DatabaseSettings, Settings
from tests.conftest import FAST, SECRET
from tests.homes import open_home
from tests.promises import kept
from tests.waiting import eventually

PROBE = (
    "CREATE TABLE data.probe (id int PRIMARY KEY, value int NOT NULL);"
    "INSERT INTO data.probe VALUES (1, 10), (2, 20); GRANT ALL ON data.probe TO spyne_app;"
)


class Change(BaseModel):
    id: int
    value: int


class Routes:
    """Operations that do one thing each, through the production edge."""

    def __init__(self) -> None:
        self.calls = self.held = 0
        self.go_on = asyncio.Event()
        self.both = asyncio.Barrier(2)
        self.router = APIRouter(prefix="/probe", route_class=TransactionalRoute)
        for method, path, handler in (
            ("GET", "/read", self.read),
            ("POST", "/write", self.write),
            ("POST", "/write-in-read", self.write_in_read),
            ("POST", "/write-on-standby", self.write_on_standby),
            ("POST", "/hold", self.hold),
            ("POST", "/swap", self.swap),
        ):
            self.router.add_api_route(path, handler, methods=[method])

    async def read(self, session: Reads) -> int:
        return int((await session.execute(text("SELECT sum(value) FROM data.probe"))).scalar_one())

    async def write(self, change: Change, session: Writes) -> dict[str, bool]:
        self.calls += 1
        await session.execute(text("INSERT INTO data.probe VALUES (:id, :value)"), change.model_dump())
        return {"stored": True}

    async def write_in_read(self, change: Change, session: Reads) -> dict[str, bool]:
        await session.execute(text("INSERT INTO data.probe VALUES (:id, :value)"), change.model_dump())
        return {"stored": True}

    async def write_on_standby(self, change: Change, session: Writes) -> dict[str, bool]:
        await session.execute(text("SET TRANSACTION READ ONLY"))  # PostgreSQL refuses with the state of a standby
        return await self.write(change, session)

    async def hold(self, session: Writes) -> None:
        await session.execute(text("SELECT 1"))
        self.held += 1
        await self.go_on.wait()

    async def swap(self, first: int, second: int, session: Writes) -> dict[str, int]:
        """Lock two rows in the order of the parameters; the first two calls deadlock when their orders differ."""
        self.calls += 1
        meet = self.calls <= 2
        for place, id_ in enumerate((first, second)):
            await session.execute(text("UPDATE data.probe SET value = value + 1 WHERE id = :id"), {"id": id_})
            if meet and place == 0:
                await self.both.wait()
        return {"calls": self.calls}


@pytest.fixture
def routes() -> Routes:
    return Routes()


@asynccontextmanager
async def serving(
    urls: DatabaseUrls, home: Path, routes: Routes, database: DatabaseSettings
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(home=home, database=database), urls, SECRET)
    app.include_router(routes.router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://spyne.test") as client,
    ):
        client.app = app  # type: ignore[attr-defined]  # for tests that look behind the door
        yield client


@pytest.fixture
async def client(
    urls: DatabaseUrls, owner: asyncpg.Connection, tmp_path: Path, routes: Routes
) -> AsyncIterator[httpx.AsyncClient]:
    await owner.execute(PROBE)
    tight = DatabaseSettings(pool_size=2, read_pool_size=2, pool_timeout_seconds=0.2, lock_timeout_seconds=0.2)
    async with serving(urls, tmp_path, routes, tight) as client:
        yield client


async def fail_at_commit(owner: asyncpg.Connection, state: str, times: int) -> None:
    """Let the next commits of inserts fail; a sequence counts them, since it survives their rollback."""
    await owner.execute(
        "CREATE SEQUENCE data.failures; GRANT ALL ON SEQUENCE data.failures TO spyne_app;"
        "CREATE FUNCTION data.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        f"IF nextval('data.failures') <= {times} THEN RAISE EXCEPTION 'told to' USING ERRCODE = '{state}'; END IF; "
        "RETURN NULL; END$$;"
        "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON data.probe DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION data.fail()"
    )


def expect_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["correlation_id"] == answer.headers["X-Request-ID"]


DURABLE = FAST | {"synchronous_commit": "on"}  # what the crash test has written must be there afterwards
CHANGE = {"id": 3, "value": 30}


async def test_a_failing_commit_answers_500_and_never_2xx(
    client: httpx.AsyncClient, owner: asyncpg.Connection, routes: Routes
) -> None:
    await fail_at_commit(owner, "23514", 1)
    answer = await client.post("/probe/write", json=CHANGE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "stored" not in answer.text
    assert "told to" not in answer.text
    assert routes.calls == 1, "only losers of a race are run again"
    assert await owner.fetchval("SELECT count(*) FROM data.probe") == 2
    assert (await client.post("/probe/write", json=CHANGE)).status_code == 200


async def test_a_commit_that_loses_runs_the_whole_request_again(
    client: httpx.AsyncClient, owner: asyncpg.Connection, routes: Routes
) -> None:
    await fail_at_commit(owner, "40001", 2)
    answer = await client.post("/probe/write", json=CHANGE)
    assert (answer.status_code, routes.calls) == (200, 3)
    assert await owner.fetchval("SELECT value FROM data.probe WHERE id = 3") == 30


async def test_who_always_loses_is_asked_to_come_back(
    client: httpx.AsyncClient, owner: asyncpg.Connection, routes: Routes
) -> None:
    await fail_at_commit(owner, "40001", 100)
    expect_unavailable(await client.post("/probe/write", json=CHANGE))
    assert routes.calls == MAX_ATTEMPTS


async def test_of_two_requests_in_deadlock_both_succeed(
    owner: asyncpg.Connection, superuser: asyncpg.Connection, routes: Routes, urls: DatabaseUrls, tmp_path: Path
) -> None:
    await owner.execute(PROBE)
    name = await owner.fetchval("SELECT current_database()")
    await superuser.execute(f"ALTER DATABASE {name} SET deadlock_timeout = 50")
    async with serving(urls, tmp_path, routes, DatabaseSettings()) as patient:
        answers = await asyncio.gather(
            patient.post("/probe/swap?first=1&second=2"), patient.post("/probe/swap?first=2&second=1")
        )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert routes.calls == 3
    assert await owner.fetchval("SELECT array_agg(value ORDER BY id) FROM data.probe") == [12, 22]


async def test_the_answer_leaves_after_the_commit(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """The answer's first byte is sent to a transport that looks into the database by another connection."""
    seen: list[int] = []
    app: FastAPI = client.app  # type: ignore[attr-defined]
    body = b'{"id": 3, "value": 30}'
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, object]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            seen.append(await owner.fetchval("SELECT count(*) FROM data.probe WHERE id = 3"))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/probe/write",
        "raw_path": b"/probe/write",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]  # plain dictionaries are what a server passes
    assert seen == [1]


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**63, 10**90])
async def test_a_value_beyond_its_column_is_the_callers_fault(
    client: httpx.AsyncClient, owner: asyncpg.Connection, value: int
) -> None:
    answer = await client.post("/probe/write", json={"id": 3, "value": value})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert await owner.fetchval("SELECT count(*) FROM data.probe") == 2


async def test_a_statement_that_is_wrong_is_a_bug_and_not_unavailable(client: httpx.AsyncClient) -> None:
    app: FastAPI = client.app  # type: ignore[attr-defined]
    router = APIRouter(route_class=TransactionalRoute)

    @router.post("/probe/wrong/{kind}")
    async def wrong(kind: str, session: Writes) -> None:
        connection = await session.connection()
        if kind == "statement":
            await connection.exec_driver_sql("SELECT no_such_column FROM data.probe")
        await connection.exec_driver_sql("SELECT $1::int", (1, 2))

    app.include_router(router)
    for kind in ("statement", "parameters"):
        answer = await client.post(f"/probe/wrong/{kind}")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal-error"), kind


async def test_a_write_by_a_read_operation_is_a_bug_and_changes_nothing(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await client.post("/probe/write-in-read", json=CHANGE)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error"), "a retry would not mend it"
    assert await owner.fetchval("SELECT count(*) FROM data.probe") == 2


async def test_a_server_that_only_reads_for_now_is_a_503(client: httpx.AsyncClient) -> None:
    expect_unavailable(await client.post("/probe/write-on-standby", json=CHANGE))


async def test_an_exhausted_pool_is_a_503_and_passes(client: httpx.AsyncClient, routes: Routes) -> None:
    held = [asyncio.create_task(client.post("/probe/hold")) for _ in range(2)]
    await eventually(lambda: routes.held == 2, what="both connections held")
    started = time.monotonic()
    expect_unavailable(await client.post("/probe/write", json=CHANGE))
    await kept(time.monotonic() - started, 2, "the refusal of an exhausted pool")
    assert (await client.get("/probe/read")).status_code == 200, "reads have a pool of their own"
    routes.go_on.set()
    await asyncio.gather(*held)
    assert (await client.post("/probe/write", json=CHANGE)).status_code == 200


async def test_a_lock_that_is_not_given_in_time_is_a_503(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    before = _failures("55P03")
    async with owner.transaction():
        await owner.execute("LOCK TABLE data.probe IN EXCLUSIVE MODE")
        expect_unavailable(await client.post("/probe/write", json=CHANGE))
    assert _failures("55P03") == before + 1
    assert (await client.post("/probe/write", json=CHANGE)).status_code == 200


def _failures(reason: str) -> float:
    return OPERATIONAL_FAILURES.labels(reason)._value.get()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("the underlying connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_backend_that_dies_anywhere_in_a_statement_is_a_503(
    client: httpx.AsyncClient, error: Exception
) -> None:
    app: FastAPI = client.app  # type: ignore[attr-defined]
    router = APIRouter(route_class=TransactionalRoute)

    @router.get("/probe/dying")
    async def dying() -> None:
        raise error

    app.include_router(router)
    expect_unavailable(await client.get("/probe/dying"))


async def test_a_serialization_failure_between_two_requests_is_retried(
    client: httpx.AsyncClient, owner: asyncpg.Connection, routes: Routes
) -> None:
    """Write skew: each takes 20 from its own row if the sum of both is at least 30."""
    app: FastAPI = client.app  # type: ignore[attr-defined]
    app.state.resources.database.shield = OpenShield()  # asks nothing before the isolation level is set
    router = APIRouter(route_class=TransactionalRoute)

    @router.post("/probe/take/{mine}")
    async def take(mine: int, session: Writes) -> bool:
        routes.calls += 1
        meet = routes.calls <= 2
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
        enough = (await session.execute(text("SELECT sum(value) FROM data.probe"))).scalar_one() >= 30
        if meet:
            await routes.both.wait()
        if enough:
            await session.execute(text("UPDATE data.probe SET value = value - 20 WHERE id = :id"), {"id": mine})
        return bool(enough)

    app.include_router(router)
    answers = await asyncio.gather(client.post("/probe/take/1"), client.post("/probe/take/2"))
    assert sorted(answer.json() for answer in answers) == [False, True]
    assert routes.calls == 3
    assert await owner.fetchval("SELECT sum(value) FROM data.probe") == 10


async def test_the_service_outlives_a_restart_of_its_database(routes: Routes) -> None:
    """Away: 503, and not ready within about a second. Back: the very next requests are served, without a restart."""
    with open_home() as home, EmbeddedServer(home / "postgres", password="owner", settings=DURABLE) as address:
        url = address.url("postgres")
        await migrations.prepare(url, DatabaseSettings(), SECRET)
        await asyncio.to_thread(migrations.upgrade, url)
        connection = await migrations.connect(url)
        await connection.execute(PROBE)
        await connection.close()
        async with serving(database_urls(url, DatabaseSettings(), SECRET), home, routes, DatabaseSettings()) as client:
            await _all_served(client)
            await _crash(home / "postgres")
            await _expect_away(client)
            async with EmbeddedServer(home / "postgres", password="owner", settings=DURABLE):
                await _all_served(client)
                assert (await client.post("/probe/write", json=CHANGE)).status_code == 200

                async def ready() -> bool:  # what the checks found is kept for a second
                    return (await client.get("/health/ready")).status_code == 200

                await eventually(ready)


async def _all_served(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/probe/read") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10


async def _crash(data: Path) -> None:
    found = postmaster.running(data)
    assert found is not None
    os.kill(found.pid, signal.SIGQUIT)
    await eventually(lambda: postmaster.running(data) is None, every=0.02)


async def _expect_away(client: httpx.AsyncClient) -> None:
    expect_unavailable(await client.get("/probe/read"))
    expect_unavailable(await client.post("/probe/write", json=CHANGE))
    started = time.monotonic()
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "failing")
    await kept(time.monotonic() - started, 1.5, "the health while the database is away")
    assert [(await client.get(path)).status_code for path in ("/health", "/health/live")] == [503, 200]


@pytest.mark.parametrize("address", ["/d?host=/nowhere", "127.0.0.1:1/d", "no.such.invalid/d"])
async def test_a_query_login_out_of_reach_is_unavailable(address: str) -> None:
    login = QueryLogin(f"postgresql+asyncpg://spyne_query:x@{address}", DatabaseSettings())
    await login.open()
    with pytest.raises(Unavailable):
        async with login.transaction(QueryLimits()):
            pass
    await login.close()
