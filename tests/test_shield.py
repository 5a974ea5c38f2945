"""The shield: while it is up nothing writes a business row, by whatever way; reads go on. Down again, all goes on.

Every operation of the OpenAPI document that is not a GET is called; an operation without a plausible call here fails.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.jobs import TIDY_JOB
from app.kernel.authorization import SYSTEM
from app.kernel.connections import DatabaseUrls
from app.kernel.jobs import enqueue
from app.kernel.problems import Problem
from app.middleware import shield
from app.settings import Settings
from tests.census import BOOKKEEPING, census, differences
from tests.conftest import SECRET
from tests.identities import PASSWORD, Identities
from tests.ingestion.steps import contract, ndjson, register, send, stored, taken
from tests.service_processes import Surroundings, api_process, eventually, worker_process

pytestmark = pytest.mark.usefixtures("open_for_data")

RECORDS = BOOKKEEPING | {"spyne.system_config", "spyne.login_attempts", "spyne.revoked_tokens"}
"""What may change while the shield is up: records of reads and of log-ins, the workers' own books, the modes."""

PROTECTION = {
    f"{method} /system/security/{path}"
    for method, path in (
        ("PUT", "policy"),
        ("PUT", "rate-limits"),
        ("PUT", "responses"),
        ("POST", "blocks"),
        ("DELETE", "blocks/{block_id}"),
        ("POST", "actions"),
        ("POST", "actions/{action_id}/undo"),
        ("POST", "honeypots"),
        ("DELETE", "honeypots/{honeypot_id}"),
    )
}
"""Open in every mode: attacks do not wait for the end of a maintenance."""

ROWS: list[Any] = [(1, 0, 10), (2, 1, 20)]
LATER = {"Prefer": "respond-async"}
NDJSON = {"Content-Type": "application/x-ndjson"}


async def switch(admin: httpx.AsyncClient, mode: str) -> None:
    answer = await admin.put("/system/maintenance", json={"mode": mode, "reason": "a test"})
    assert answer.status_code == 200, answer.text


async def known_at_the_door(app: FastAPI, mode: str) -> None:
    """Sessions ask the database, the door looks now and then."""
    modes: Any = next(layer.kwargs["modes"] for layer in app.user_middleware if "modes" in layer.kwargs)

    async def known() -> bool:
        return bool(modes.current().mode == mode)

    await eventually(known)


class World:
    """Something of everything that an operation may change, and a plausible call of every operation."""

    def __init__(self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, user: str, ids: dict[str, str]) -> None:
        self.admin = admin
        self.anonymous = anonymous
        self.ids = ids
        change = {"reason": "a test"}
        batch = {"content": ndjson(ROWS), "headers": NDJSON}
        self.writes: dict[str, list[dict[str, Any]]] = {
            "POST /api/clients": [{"json": {"name": "fresh", "roles": ["VIEWER"]}}],
            "POST /api/clients/{client_id}/keys": [{"json": {}}],
            "DELETE /api/clients/{client_id}/keys/{key_id}": [{}],
            "POST /api/tables/adopt": [{"json": {"relations": ["public.legacy"], "reason": "a test"}}],
            "POST /api/tables/{table}/promote": [
                {"table": "things", "json": change | {"from_state": "SHADOW", "to_state": "ACTIVE"}}
            ],
            "POST /api/tables/{table}/deprecate": [{"table": "active", "json": change}],
            "POST /api/tables/{table}/restore": [{"table": "deprecated", "json": change}],
            "POST /api/contracts/register": [{"json": contract("new")}, {"json": contract("open", declared=False)}],
            "POST /api/ingestion/{contract_id}/batches": [
                batch,
                batch | {"params": {"dry_run": True}},
                batch | {"headers": NDJSON | LATER},
                batch | {"headers": NDJSON | {"Idempotency-Key": "k1"}},
            ],
        }
        self.reads: dict[str, list[dict[str, Any]]] = {
            "POST /api/auth/token": [{"data": {"grant_type": "password", "username": user, "password": PASSWORD}}],
            "POST /api/audit/verify": [{"json": {}}],
            "POST /api/query/validate": [{"json": {"sql": "select id from active limit 1"}}],
            "POST /api/query/preview": [{"json": {"sql": "select id from active limit 1"}}],
            "POST /api/query/execute": [{"json": {"preview_id": ids["preview_id"]}}],
        }
        self.switches = {"PUT /system/mode", "PUT /system/maintenance"} | PROTECTION

    async def call(self, operation: str, how: dict[str, Any]) -> httpx.Response:
        method, path = operation.split(" ", 1)
        how = dict(how)
        client = self.anonymous if path == "/api/auth/token" else self.admin
        return await client.request(method, path.format(**self.ids | {"table": how.pop("table", "things")}), **how)


@pytest.fixture
async def world(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    identities: Identities,
    owner: asyncpg.Connection,
) -> World:
    for table in ("things", "active", "deprecated"):
        await taken(engineer, await register(engineer, table), ROWS)
    for table in ("active", "deprecated"):
        change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a test"}
        assert (await admin.post(f"/api/tables/{table}/promote", json=change)).status_code == 200
    assert (await admin.post("/api/tables/deprecated/deprecate", json={"reason": "a test"})).status_code == 200
    await owner.execute("CREATE TABLE public.legacy (id int PRIMARY KEY); GRANT SELECT ON public.legacy TO spyne_app")
    client = (await admin.post("/api/clients", json={"name": "client", "roles": ["VIEWER"]})).json()
    key = (await admin.post(f"/api/clients/{client['id']}/keys", json={})).json()
    preview = await admin.post("/api/query/preview", json={"sql": "select id from active limit 1"})
    assert preview.status_code == 200, preview.text
    user, _ = await identities.user("VIEWER")
    ids = {
        "contract_id": "things_v1",
        "client_id": client["id"],
        "key_id": key.get("key_id") or key["id"],
        "preview_id": preview.json()["preview_id"],
    }
    return World(admin, anonymous, user, ids)


@pytest.mark.parametrize("door", ["closed", "unaware"])
async def test_every_operation(
    app: FastAPI,
    world: World,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if method not in {"get", "head", "options"}
    }
    assert documented == world.writes.keys() | world.reads.keys() | world.switches, "each has a plausible call"
    if door == "unaware":  # what a process would do that has not heard of the shield yet
        monkeypatch.setattr(shield, "passes", lambda *_: True)
    await switch(admin, "read_only")
    before = await census(owner, RECORDS)
    for operation, calls in world.writes.items():
        for how in calls:
            answer = await world.call(operation, how)
            assert (answer.status_code, answer.json()["code"]) == (503, "read-only"), (operation, answer.text)
            assert int(answer.headers["Retry-After"]) > 0
    for operation, calls in world.reads.items():
        for how in calls:
            answer = await world.call(operation, how)
            assert answer.status_code == 200, (operation, answer.text)
    assert differences(before, await census(owner, RECORDS)) == []
    await switch(admin, "maintenance")
    await known_at_the_door(app, "maintenance")
    for operation in ("POST /api/query/preview", "POST /api/contracts/register"):
        answer = await world.call(operation, (world.reads | world.writes)[operation][0])
        assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
    assert differences(before, await census(owner, RECORDS)) == []
    await switch(admin, "normal")
    await known_at_the_door(app, "normal")
    for operation, calls in world.writes.items():
        for how in calls:
            was = await census(owner, RECORDS)
            answer = await world.call(operation, how)
            assert answer.is_success, (operation, answer.text)
            changes = differences(was, await census(owner, RECORDS))
            assert bool(changes) is not how.get("params", {}).get("dry_run", False), "the call was a plausible one"


async def test_the_session_factory_refuses_whoever_asks(app: FastAPI, admin: httpx.AsyncClient) -> None:
    database = app.state.resources.database
    await switch(admin, "read_only")
    for opening in (database.write, database.load):
        with pytest.raises(Problem, match="a test") as refused:
            async with opening():
                raise AssertionError
        assert refused.value.code == "read-only"


async def test_an_upload_begun_before_does_not_land_after(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, world: World
) -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield ndjson([(7, 7, 7)])
        await go_on.wait()
        yield ndjson([(8, 8, 8)])

    uploads = [
        asyncio.create_task(send(engineer, world.ids["contract_id"], slow(), headers=headers))
        for headers in ({}, LATER)
    ]
    await asyncio.sleep(0.3)
    before = await census(owner, RECORDS)
    await switch(admin, "read_only")
    go_on.set()
    for answer in await asyncio.gather(*uploads):
        assert (answer.status_code, answer.json()["code"]) == (503, "read-only")
    assert differences(before, await census(owner, RECORDS)) == []
    raws = [info.key async for info in admin_storage(admin).list("raw/")]
    assert len(raws) == 3, "those of the batches before"


def admin_storage(admin: httpx.AsyncClient) -> Any:
    """The storage of the application behind a client."""
    transport = admin._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app.state.resources.storage  # type: ignore[attr-defined]


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    return Surroundings(urls, SECRET, settings.home, tmp_path)


async def test_jobs_wait_behind_the_shield_and_go_on_after_it(
    app: FastAPI,
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    surroundings: Surroundings,
) -> None:
    things = await register(engineer, "things")
    midway, waiting = await register(engineer, "midway"), await register(engineer, "waiting")
    held = "SELECT pg_advisory_lock(hashtextextended('data.midway__v1', 0))"
    await owner.execute(held)
    assert (await send(engineer, midway, ROWS, headers=LATER)).status_code == 202

    async def reaches(query: str, wanted: Any) -> Callable[[], Any]:
        async def there() -> bool:
            return bool(await owner.fetchval(query) == wanted)

        return there

    async with worker_process(surroundings):
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(await reaches(waits, 1))
        assert (await send(engineer, things, ROWS, headers=LATER)).status_code == 202
        await eventually(await reaches("SELECT count(*) FROM data.things__v1", 2))
        await switch(admin, "read_only")
        before = await census(owner, RECORDS)
        await owner.execute(held.replace("lock(", "unlock("))  # the merge under way goes on, as far as its commit
        async with app.state.resources.database.write(operation=shield.OperationClass.CONTROL) as session:
            await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
        put_back = "SELECT state FROM spyne.job_runs WHERE key = 'ingest:midway_v1'"
        await eventually(await reaches(put_back, "queued"))
        await asyncio.sleep(2)  # several looks of the worker
        assert differences(before, await census(owner, RECORDS)) == []
        assert await owner.fetchval("SELECT bool_and(starts = 0) FROM spyne.job_runs WHERE state = 'queued'")
        await switch(admin, "normal")
        await known_at_the_door(app, "normal")
        assert (await send(engineer, waiting, ROWS, headers=LATER)).status_code == 202
        await eventually(await reaches("SELECT count(*) FROM spyne.job_runs WHERE state <> 'succeeded'", 0), 30)
    for table in ("things", "midway", "waiting"):
        assert len(await stored(owner, table)) == 2


async def test_every_process_follows_within_a_second(
    admin: httpx.AsyncClient, surroundings: Surroundings, identities: Identities
) -> None:
    headers = {"Authorization": f"Bearer {await identities.token('ENGINEER')}"}
    async with (
        api_process(surroundings) as elsewhere,
        httpx.AsyncClient(base_url=elsewhere.url, headers=headers) as client,
    ):
        numbers = iter(range(1000))

        async def register_one() -> int:
            return (await client.post("/api/contracts/register", json=contract(f"t{next(numbers)}"))).status_code

        async def follows(status: int) -> float:
            """Seconds until a call gets this answer: until its beginning."""
            switched = begun = time.monotonic()
            while await register_one() != status:
                assert begun - switched < 10
                await asyncio.sleep(0.01)
                begun = time.monotonic()
            return begun - switched

        assert await follows(201) < 5
        for _ in range(3):
            await switch(admin, "read_only")
            assert await follows(503) == pytest.approx(0, abs=0.01), "at once: sessions ask the database"
            await asyncio.sleep(0.5)
            await switch(admin, "normal")
            assert await follows(201) <= 1.0
