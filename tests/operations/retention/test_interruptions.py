"""Killed, shut out or held up: a run goes on where it was, with the same totals, and takes nothing that is held."""

import asyncio
import logging
from pathlib import Path
from random import Random
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.audit.archiving.archiver import Archiver
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import WriteSession
from app.kernel.jobs import enqueue
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.retention import running
from app.operations.retention.running import Sweeping
from app.settings import Settings
from tests.audit.archiving.archived import asked
from tests.audit.logs import sealer, tell, verified
from tests.conftest import SECRET
from tests.operations.retention.steps import ROOT, amount, count, ended, held, keys, previewed, ran, working
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

KEYS = "idempotency_keys"


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    return Surroundings(urls, SECRET, settings.home, tmp_path)


async def raw_batches(
    resources: Resources, owner: asyncpg.Connection, number: int, days: float, status: str = "completed"
) -> None:
    """Batches of this age with their bodies, under a contract that is there."""
    for _ in range(number):
        row = await owner.fetchval(
            "INSERT INTO spyne.ingestion_history (contract_id, status, media_type, actor_kind, actor_label, "
            "bytes_received, created_at, completed_at) SELECT id, $2, 'application/x-ndjson', 'user', 'ada', "
            "100, now() - $1 * interval '1 day', now() - $1 * interval '1 day' FROM spyne.contracts LIMIT 1 "
            "RETURNING id", days, status,
        )  # fmt: skip
        key = f"raw/things_v1/{row}.zst"
        async with resources.storage.writer(key) as writer:
            await writer.write(b"x" * 50)
        await owner.execute("UPDATE spyne.ingestion_history SET raw_key = $2 WHERE id = $1", row, key)


async def bodies(resources: Resources) -> set[str]:
    return {info.key async for info in resources.storage.list("raw")}


@pytest.fixture
async def contract(admin: httpx.AsyncClient, open_for_data: None) -> None:  # noqa: ARG001 - for what it does
    body = {
        "endpoint": "/api/v1/things", "table_name": "things",
        "ingestion_semantics": {
            "mode": "upsert", "idempotency_key": ["id"], "event_time_column": "at", "processing_time_column": "got",
            "dedupe_window": "5h", "conflict_resolution": "latest_wins",
        },
        "schema": {"columns": [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]},
    }  # fmt: skip
    answer = await admin.post("/api/contracts/register", json=body)
    assert answer.status_code == 201, answer.text


async def test_a_worker_that_is_killed_again_and_again_ends_with_the_totals_of_the_preview(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    surroundings: Surroundings,
    contract: None,  # noqa: ARG001 - for what it does
) -> None:
    random = Random(14)
    await raw_batches(resources, owner, 60, 100)
    await raw_batches(resources, owner, 3, 10)
    kept = {each["raw_key"] for each in await owner.fetch(
        "SELECT raw_key FROM spyne.ingestion_history WHERE created_at > now() - interval '90 days'"
    )}  # fmt: skip
    await keys(owner, [20] * 30_000)
    found = {category: await previewed(admin, category) for category in ("raw_batches", KEYS)}
    assert amount(found["raw_batches"]) == (0, 6000, 60)
    # So slow that kills hit every phase: rows going, objects going, and between.
    await owner.execute(
        "CREATE FUNCTION spyne.slowly() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$; "
        "CREATE TRIGGER slowly AFTER UPDATE ON spyne.retention_runs FOR EACH ROW EXECUTE FUNCTION spyne.slowly(); "
        "CREATE TRIGGER slowly AFTER DELETE ON spyne.retention_tombstones FOR EACH ROW EXECUTE FUNCTION spyne.slowly()"
    )
    places = {}
    for category, preview in found.items():
        answer = await admin.post(f"{ROOT}{category}/run", json={"cut_off": preview["cut_off"]})
        places[category] = answer.headers["location"]
    kills = 0
    for _ in range(4):
        async with worker_process(surroundings):
            await eventually(lambda: _running(owner), 60)
            await asyncio.sleep(random.uniform(0.0, 0.6))
        kills += 1
        if not await _open(owner):
            break
    async with worker_process(surroundings):
        for category, place in places.items():
            run = await ended(admin, place)
            assert (run["status"], amount(run)) == ("completed", amount(found[category])), kills
    assert await bodies(resources) == kept
    assert await count(owner, "retention_tombstones") == 0
    assert await count(owner, "ingestion_history", "raw_key IS NOT NULL") == len(kept)
    print(f"kills: {kills}")


async def _open(owner: asyncpg.Connection) -> bool:
    return await count(owner, "retention_runs", "status IN ('queued', 'running')") > 0


async def _running(owner: asyncpg.Connection) -> bool:
    alive = await count(owner, "job_runs", "name = 'retention:run' AND state = 'running'")
    return alive > 0 or not await _open(owner)


@pytest.mark.parametrize("phase", ["archive", "vouch", "_clear"])
async def test_archiving_that_is_interrupted_leaves_no_object_of_nobody(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    """Behind each step of it the process is gone, once."""
    await tell(resources, 12)
    await sealer(resources, batch_rows=4).seal_waiting()
    rows = await count(owner, "audit_sealed_entries")
    target = Sweeping if phase == "_clear" else Archiver
    genuine = getattr(target, phase)
    died: list[str] = []

    async def dying(self: object, *args: object) -> object:
        answer = await genuine(self, *args)
        if not died:
            died.append(phase)
            raise ConnectionResetError("the process is gone")
        return answer

    monkeypatch.setattr(target, phase, dying)
    run_place = await asked(admin, owner)
    async with working(resources):
        run = await ended(admin, run_place)
    assert (died, run["status"], run["rows"]) == ([phase], "completed", rows)
    stored = [info.key async for info in resources.storage.list("audit")]
    assert stored == [each["object"] for each in run["archives"]]
    assert await count(owner, "retention_tombstones") == 0
    assert (await verified(resources.database, resources)).clean


async def test_the_shield_stops_a_run_within_a_step_and_it_goes_on_afterwards(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "app.kernel.jobs")
    monkeypatch.setattr(running, "STEP_ROWS", 10)
    await keys(owner, [20] * 2_000)
    answer = await admin.post(f"{ROOT}{KEYS}/run", json={})
    async with working(resources):

        async def begun() -> bool:
            return await count(owner, KEYS) < 2_000

        await eventually(begun, 20, 0.005)
        closed = await admin.put("/system/maintenance", json={"mode": "read_only", "reason": "why"})
        assert closed.status_code == 200
        left = await count(owner, KEYS)
        await eventually(lambda: "job waits" in caplog.text, what="a worker that looked in vain")
        assert await count(owner, KEYS) == left > 0
        await admin.put("/system/maintenance", json={"mode": "normal"})
        run = await ended(admin, answer.headers["location"])
    assert (run["status"], run["rows"], await count(owner, KEYS)) == ("completed", 2_000, 0)


async def test_nothing_goes_from_the_answer_to_a_hold_on_although_a_run_is_under_way(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "STEP_ROWS", 7)
    for scope in ("a", "b", "c"):
        await keys(owner, [20] * 400, scope=scope)
    answer = await admin.post(f"{ROOT}{KEYS}/run", json={})
    left = {}
    async with working(resources):
        for scope in ("c", "b"):
            await asyncio.sleep(0.05)
            await held(admin, KEYS, scope=scope)
            left[scope] = await count(owner, KEYS, f"scope = '{scope}'")
        run = await ended(admin, answer.headers["location"])
    assert {scope: await count(owner, KEYS, f"scope = '{scope}'") for scope in left} == left
    assert (await count(owner, KEYS, "scope = 'a'"), run["rows"]) == (0, 1_200 - sum(left.values()))


async def test_a_hold_waits_for_the_step_that_is_under_way(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that has chosen its rows is committed before the hold is answered: no row goes after that."""
    await keys(owner, [20] * 5, scope="x")
    reached, go = asyncio.Event(), asyncio.Event()
    genuine = Sweeping._step

    async def pausing(self: Sweeping, session: WriteSession) -> bool:
        answer = await genuine(self, session)
        reached.set()
        await go.wait()
        return answer

    monkeypatch.setattr(Sweeping, "_step", pausing)
    place = (await admin.post(f"{ROOT}{KEYS}/run", json={})).headers["location"]
    async with working(resources):
        await reached.wait()
        holding = asyncio.create_task(held(admin, KEYS, scope="x"))
        await asyncio.sleep(0.3)
        assert not holding.done()
        go.set()
        await holding
        assert await count(owner, KEYS) == 0
        await ended(admin, place)


async def test_runs_whose_job_is_over_are_taken_up_by_the_schedule(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await keys(owner, [20])
    answer = await admin.post(f"{ROOT}{KEYS}/run", json={})
    await owner.execute("UPDATE spyne.job_runs SET state = 'dead', finished_at = now()")
    await owner.execute("DELETE FROM jobs.pgqueuer")
    async with working(resources):
        async with resources.database.write() as session:
            await _enqueue_sweep(session)
        run = await ended(admin, answer.headers["location"])

        async def all_over() -> bool:
            return not await _open(owner)

        await eventually(all_over, 30)
    assert (run["status"], run["rows"]) == ("completed", 1)
    swept = {row["category"] for row in await owner.fetch("SELECT category FROM spyne.retention_runs")}
    assert swept == {KEYS, "job_runs", "sessions", "security_events"}, "what is enabled, and nothing else"


async def _enqueue_sweep(session: WriteSession) -> UUID:
    return await enqueue(session, "retention:sweep", {}, actor=SYSTEM)


async def test_bodies_go_their_records_stay_and_held_ones_stay_whole(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    contract: None,  # noqa: ARG001
) -> None:
    await raw_batches(resources, owner, 4, 100)
    one = await owner.fetchval("SELECT id FROM spyne.ingestion_history LIMIT 1")
    await held(admin, "raw_batches", batch_id=str(one))
    found = await previewed(admin, "raw_batches")
    assert (amount(found), found["held"]) == ((0, 300, 3), {"rows": 0, "bytes": 100, "objects": 1})
    run = await ran(resources, admin, "raw_batches")
    assert amount(run) == amount(found)
    assert [key.rpartition("/")[2] for key in await bodies(resources)] == [f"{one}.zst"]
    assert await count(owner, "ingestion_history") == 4
    assert (await admin.get(f"/api/ingestion/batches/{one}")).status_code == 200


async def test_the_body_of_a_batch_stays_until_the_batch_is_merged_or_given_up(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    contract: None,  # noqa: ARG001
) -> None:
    for status in ("completed", "failed", "pending"):
        await raw_batches(resources, owner, 1, 100, status)
    found = await previewed(admin, "raw_batches")
    assert amount(found) == amount(await ran(resources, admin, "raw_batches")) == (0, 200, 2)
    waiting = await owner.fetch("SELECT status, raw_key FROM spyne.ingestion_history WHERE raw_key IS NOT NULL")
    assert [each["status"] for each in waiting] == ["pending"]
    assert await bodies(resources) == {waiting[0]["raw_key"]}
