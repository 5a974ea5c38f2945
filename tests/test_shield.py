"""The shield: while it is up nothing writes a business row, by whatever way; reads go on. Down again, all goes on.

The calls are those of the authorisation matrix, which has a sound one of every operation.
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
from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.jobs import enqueue
from app.kernel.problems import Problem
from app.kernel.security.authorization import SYSTEM
from app.middleware import shield
from app.settings import Settings
from tests import loopback
from tests.authorization.matrix import read
from tests.authorization.place import Place, opened
from tests.census import BOOKKEEPING, census, differences
from tests.conftest import SECRET
from tests.identities import Identities
from tests.ingestion.steps import contract, ndjson, register, send, stored
from tests.service_processes import START_SECONDS, Surroundings, api_process, worker_process
from tests.waiting import eventually, known_at_the_door, offered_again

RECORDS = BOOKKEEPING | {
    "spyne.system_config",
    "spyne.login_attempts",
    "spyne.revoked_tokens",
    "spyne.audit_seals",
    "spyne.audit_sealed_entries",
}
"""What may change while the shield is up: records of reads and of log-ins, the workers' own books, seals, the modes."""

ROWS: list[Any] = [(1, 0, 10), (2, 1, 20)]
LATER = {"Prefer": "respond-async"}
NDJSON = {"Content-Type": "application/x-ndjson"}


async def switch(admin: httpx.AsyncClient, mode: str) -> None:
    answer = await admin.put("/system/maintenance", json={"mode": mode, "reason": "a test"})
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
async def place(server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with opened(server, template, tmp_path_factory.mktemp("home")) as place:
        yield place


async def test_every_operation_is_refused_by_its_session_where_the_door_has_not_heard_of_it_yet(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process would do that is half a second behind; the door itself is tested with the matrix."""
    monkeypatch.setattr(shield, "passes", lambda *_: True)
    admin = next(holder for holder in place.holders if holder.column == "ADMIN")
    rows = [row for row in read() if "read_only" in row.closed_in and row.answers["ADMIN"][0] == "2"]
    assert len({row.operation for row in rows}) >= 15
    calls = [
        (row, state, await place.world.call(row, state, admin, fresh=False)) for row in rows for state in row.states
    ]
    await place.switch("read_only")
    try:
        before = await census(place.owner, RECORDS)
        for row, state, call in calls:
            answer = await place.world.send(call, admin)
            told = (row.operation, state, answer.text)
            assert (answer.status_code, answer.json()["code"]) == (503, "read-only"), told
            assert int(answer.headers["Retry-After"]) > 0
        assert differences(before, await census(place.owner, RECORDS)) == []
    finally:
        await place.switch("normal")


@pytest.mark.usefixtures("open_for_data")
async def test_batches_in_every_manner_are_refused(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    things = await register(engineer, "things")
    await switch(admin, "read_only")
    before = await census(owner, RECORDS)
    for headers, params in (({}, {}), ({}, {"dry_run": True}), (LATER, {}), ({"Idempotency-Key": "k1"}, {})):
        path = f"/api/ingestion/{things}/batches"
        answer = await engineer.post(path, content=ndjson(ROWS), headers=NDJSON | headers, params=params)
        assert (answer.status_code, answer.json()["code"]) == (503, "read-only")
    assert differences(before, await census(owner, RECORDS)) == []


@pytest.mark.usefixtures("open_for_data")
async def test_the_session_factory_refuses_whoever_asks(app: FastAPI, admin: httpx.AsyncClient) -> None:
    database = app.state.resources.database
    await switch(admin, "read_only")
    for opening in (database.write, database.load):
        with pytest.raises(Problem, match="a test") as refused:
            async with opening():
                raise AssertionError
        assert refused.value.code == "read-only"


@pytest.mark.usefixtures("open_for_data")
async def test_an_upload_begun_before_does_not_land_after(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    things = await register(engineer, "things")
    go_on, inside = asyncio.Event(), []

    async def slow() -> AsyncIterator[bytes]:
        yield ndjson([(7, 7, 7)])
        inside.append(True)
        await go_on.wait()
        yield ndjson([(8, 8, 8)])

    uploads = [asyncio.create_task(send(engineer, things, slow(), headers=headers)) for headers in ({}, LATER)]
    await eventually(lambda: len(inside) == 2, what="both uploads inside")
    before = await census(owner, RECORDS)
    await switch(admin, "read_only")
    go_on.set()
    for answer in await asyncio.gather(*uploads):
        assert (answer.status_code, answer.json()["code"]) == (503, "read-only")
    assert differences(before, await census(owner, RECORDS)) == []
    raws = [info.key async for info in admin_storage(admin).list("raw/")]
    assert raws == []


def admin_storage(admin: httpx.AsyncClient) -> Any:
    """The storage of the application behind a client."""
    transport = admin._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app.state.resources.storage  # type: ignore[attr-defined]


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    return Surroundings(urls, SECRET, settings.home, tmp_path)


@pytest.mark.usefixtures("open_for_data")
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
        waits = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await eventually(await reaches(waits, 1), START_SECONDS)
        assert (await send(engineer, things, ROWS, headers=LATER)).status_code == 202
        await eventually(await reaches("SELECT count(*) FROM data.things__v1", 2))
        await switch(admin, "read_only")
        before = await census(owner, RECORDS)
        await owner.execute(held.replace("lock(", "unlock("))  # the merge under way goes on, as far as its commit
        async with app.state.resources.database.write(operation=shield.OperationClass.CONTROL) as session:
            await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
        put_back = "SELECT state FROM spyne.job_runs WHERE key = 'ingest:midway_v1'"
        await eventually(await reaches(put_back, "queued"))
        await offered_again(owner)
        assert differences(before, await census(owner, RECORDS)) == []
        assert await owner.fetchval("SELECT bool_and(starts = 0) FROM spyne.job_runs WHERE state = 'queued'")
        await switch(admin, "normal")
        await known_at_the_door(app, "normal")
        assert (await send(engineer, waiting, ROWS, headers=LATER)).status_code == 202
        await eventually(await reaches("SELECT count(*) FROM spyne.job_runs WHERE state <> 'succeeded'", 0), 30)
    for table in ("things", "midway", "waiting"):
        assert len(await stored(owner, table)) == 2


@pytest.mark.usefixtures("open_for_data")
async def test_every_process_follows_within_a_second(
    admin: httpx.AsyncClient, surroundings: Surroundings, identities: Identities
) -> None:
    headers = {"Authorization": f"Bearer {await identities.token('ENGINEER')}"}
    async with api_process(surroundings) as elsewhere, loopback.client(elsewhere.url, headers=headers) as client:
        numbers = iter(range(1000))

        async def register_one() -> int:
            return (await client.post("/api/contracts/register", json=contract(f"t{next(numbers)}"))).status_code

        async def refused_at_the_door() -> bool:
            return (await client.post("/api/contracts/register", json={"not even": "valid"})).status_code == 503

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
            await eventually(refused_at_the_door)
            await switch(admin, "normal")
            assert await follows(201) <= 1.0
