"""What stands for a job ends with it: exports, batches that are merged later, runs of retention."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from app.ingestion.jobs import JOBS as INGESTION_JOBS
from app.kernel.jobs import JobContext, enqueue
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.exports import work
from app.operations.exports.files.writing import Output, Progress
from app.operations.exports.jobs import JOBS as EXPORT_JOBS
from app.operations.exports.jobs import TIDY_JOB, tidy
from app.operations.retention import running
from app.operations.retention.jobs import JOBS as RETENTION_JOBS
from app.operations.retention.running import Sweeping
from tests.identities import Identities
from tests.ingestion.steps import register, send, stored
from tests.operations.exports.steps import asked, plain_table, started
from tests.operations.jobs.steps import REASON, ROOT, caller, cancel, over, shown, working
from tests.operations.retention.steps import count, keys
from tests.waiting import eventually

NUMBERS = {"filter_params": {"table": "numbers"}}
KEYS = "/system/retention/idempotency_keys"
ROWS: list[Any] = [(1, 0, 10), (2, 1, 20)]
LATER = {"Prefer": "respond-async"}


@pytest.fixture
async def numbers(admin: httpx.AsyncClient, open_for_data: None) -> None:  # noqa: ARG001 - for what it does
    await plain_table(admin, "numbers", 2_000)


async def actions(owner: asyncpg.Connection, entity_id: str) -> list[str]:
    """What the audit log has of a thing, the newest last."""
    found = await owner.fetch("SELECT action FROM spyne.audit_log WHERE entity_id = $1 ORDER BY id", entity_id)
    return [row["action"] for row in found]


def job_of(document: dict[str, Any]) -> str:
    return str(document["links"]["job"].removeprefix(f"{ROOT}/"))


async def job_of_batch(owner: asyncpg.Connection, batch_id: str) -> str:
    return str(await owner.fetchval("SELECT id FROM spyne.job_runs WHERE payload->>'batch_id' = $1", batch_id))


@pytest.mark.usefixtures("numbers")
async def test_an_export_that_waits_ends_with_its_job(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    export = await asked(analyst, **NUMBERS)
    job = await shown(analyst, job_of(export))
    assert (job["name"], job["state"], job["actor"]) == ("exports:make", "queued", (await caller(analyst)).label)
    await cancel(analyst, job["id"])
    found = (await analyst.get(export["links"]["self"])).json()
    assert (found["status"], found["error_code"]) == ("cancelled", None)
    assert found["completed_at"] is not None
    assert await actions(owner, export["id"]) == ["export:create", "export:cancel"]
    async with working(resources, EXPORT_JOBS):
        assert (await over(analyst, job["id"]))["state"] == "cancelled"
    async with resources.database.write() as session:
        tidying = await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
    await started(resources, tidying, tidy)
    assert (await analyst.get(export["links"]["self"])).json() == found, "nothing is tidied up after it"


@pytest.mark.usefixtures("numbers")
async def test_an_export_that_is_made_ends_with_its_job(
    analyst: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(_resources: Any, _content: Any, _format: Any, output: Output, progress: Progress) -> None:
        await output.write(b"x" * 1_000)
        progress.rows, progress.estimated_rows = 500, 2_000
        await asyncio.Event().wait()

    monkeypatch.setattr(work, "write_content", endless)
    monkeypatch.setattr(work, "PROGRESS_SECONDS", 0.05)
    async with working(resources, EXPORT_JOBS):
        export = await asked(analyst, **NUMBERS)
        job_id = job_of(export)

        async def told() -> bool:
            return (await shown(analyst, job_id))["percent_done"] is not None

        await eventually(told)
        job = await shown(analyst, job_id)
        assert (job["state"], job["percent_done"]) == ("running", 25.0)
        assert job["progress"] == {"done": 500, "total": 2_000, "unit": "rows"}
        assert job["eta_seconds"] >= 0
        await cancel(analyst, job_id)
        assert (await over(analyst, job_id))["state"] == "cancelled"
    assert (await analyst.get(export["links"]["self"])).json()["status"] == "cancelled"
    assert [info.key async for info in resources.storage.list("exports")] == []


@pytest.mark.usefixtures("numbers")
async def test_a_job_whose_export_is_completed_says_so(analyst: httpx.AsyncClient, resources: Resources) -> None:
    async with working(resources, EXPORT_JOBS):
        export = await asked(analyst, **NUMBERS)
        job = await over(analyst, job_of(export))
    assert (job["state"], job["percent_done"], job["eta_seconds"]) == ("succeeded", 100, 0)
    assert job["progress"] == {"done": 2_000, "total": 2_000, "unit": "rows"}
    assert (await cancel(analyst, job["id"], 409))["code"] == "job-is-over"
    assert (await analyst.get(export["links"]["self"])).json()["status"] == "completed"


@pytest.mark.usefixtures("numbers")
async def test_a_job_whose_export_was_cancelled_before_is_cancelled_too(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    export = await asked(analyst, **NUMBERS)
    assert (await analyst.post(f"{export['links']['self']}/cancel")).status_code == 200
    assert (await cancel(analyst, job_of(export)))["cancel_requested_at"] is not None
    assert await actions(owner, export["id"]) == ["export:create", "export:cancel"]
    async with working(resources, EXPORT_JOBS):
        assert (await over(analyst, job_of(export)))["state"] == "cancelled"


@pytest.mark.usefixtures("numbers")
async def test_an_export_that_is_over_stays_so_when_its_job_is_cancelled(
    analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    export = await asked(analyst, **NUMBERS)
    await owner.execute("UPDATE spyne.export_jobs SET status = 'failed', completed_at = now()")
    assert (await cancel(analyst, job_of(export)))["cancel_requested_at"] is not None
    assert (await analyst.get(export["links"]["self"])).json()["status"] == "failed"
    assert await actions(owner, export["id"]) == ["export:create"]


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize("mode", ["read_only", "maintenance"])
async def test_what_stands_for_a_job_is_not_ended_while_the_mode_forbids_it(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, mode: str
) -> None:
    export = await asked(analyst, **NUMBERS)
    await admin.put("/system/maintenance", json={"mode": mode} | REASON)
    problem = await cancel(analyst, job_of(export), 503)
    assert problem["code"] == mode.replace("_", "-")
    assert (await shown(analyst, job_of(export)))["cancel_requested_at"] is None
    assert (await analyst.get(export["links"]["self"])).json()["status"] == "pending"
    assert await actions(owner, job_of(export)) == []


@pytest.mark.usefixtures("numbers")
async def test_a_key_without_the_right_to_what_stands_for_a_job_does_not_end_it(
    anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    client_id = await identities.client("ANALYST")
    whole, narrow = [{"X-API-Key": await identities.key_of(client_id, scopes)} for scopes in (None, ["tables:read"])]
    answer = await anonymous.post("/system/exports/", json={"job_type": "table"} | NUMBERS, headers=whole)
    place = f"{answer.json()['links']['job']}/cancel"
    refused = await anonymous.post(place, json=REASON, headers=narrow)
    assert (refused.status_code, refused.json()["missing"]) == (403, ["exports:run"])
    assert (await anonymous.get(answer.json()["links"]["self"], headers=whole)).json()["status"] == "pending"
    assert (await anonymous.post(place, json=REASON, headers=whole)).status_code == 202


@pytest.mark.usefixtures("open_for_data")
async def test_a_batch_that_waits_fails_with_its_job(
    engineer: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    things = await register(engineer, "things")
    batch = (await send(engineer, things, ROWS, headers=LATER)).json()
    job_id = await job_of_batch(owner, batch["id"])
    await cancel(engineer, job_id)
    report = (await engineer.get(batch["links"]["self"])).json()
    assert (report["status"], report["problem"]["code"]) == ("failed", "merge-cancelled")
    async with working(resources, INGESTION_JOBS):
        assert (await over(engineer, job_id))["state"] == "cancelled"
    assert await stored(owner, "things") == []
    assert (await engineer.get(batch["links"]["self"])).json() == report
    assert await actions(owner, batch["id"]) == ["batch:accept", "batch:fail"]


@asynccontextmanager
async def merging_held_up(owner: asyncpg.Connection, table: str) -> AsyncIterator[None]:
    """Merges of the table wait, in the midst of their transaction, while the block runs."""
    key = f"hashtextextended('data.{table}__v1', 0)"
    await owner.execute(f"SELECT pg_advisory_lock({key})")
    try:
        yield
    finally:
        await owner.execute(f"SELECT pg_advisory_unlock({key})")


@pytest.mark.usefixtures("open_for_data")
async def test_a_batch_that_is_merged_fails_when_its_job_is_stopped(
    engineer: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    things = await register(engineer, "things")
    waits = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )

    async def merging() -> bool:
        return bool(await owner.fetchval(waits))

    async with working(resources, INGESTION_JOBS):
        async with merging_held_up(owner, "things"):
            batch = (await send(engineer, things, ROWS, headers=LATER)).json()
            job_id = await job_of_batch(owner, batch["id"])
            await eventually(merging)
            assert (await cancel(engineer, job_id))["state"] == "running", "at once, though its row is locked"
            job = await over(engineer, job_id)
        assert (job["state"], job["starts"]) == ("cancelled", 1)
        report = (await engineer.get(batch["links"]["self"])).json()
        assert (report["status"], report["problem"]["code"]) == ("failed", "merge-cancelled")
        again = (await send(engineer, things, ROWS)).json()
    assert again["status"] == "completed", "the next one is merged"
    assert await stored(owner, "things") == ROWS


async def test_a_run_of_retention_that_waits_ends_with_its_job_and_is_not_taken_up_again(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await keys(owner, [30])
    run = (await admin.post(f"{KEYS}/run", json={})).json()
    assert (await shown(admin, run["job_id"]))["key"] == "retention:idempotency_keys"
    await cancel(admin, run["job_id"])
    place = f"{KEYS}/runs/{run['id']}"
    assert (await admin.get(place)).json()["status"] == "cancelled"
    assert await actions(owner, run["id"]) == ["retention-run:start", "retention-run:cancel"]
    async with working(resources, RETENTION_JOBS):
        assert (await over(admin, run["job_id"]))["state"] == "cancelled"
    assert (await count(owner, "idempotency_keys"), await count(owner, "retention_runs")) == (1, 1)
    async with resources.database.read() as session:
        assert await running.RunReads(session).stranded() == []
    dry = (await admin.post(f"{KEYS}/run", json={"dry_run": True})).json()
    assert dry["job_id"] is None


@pytest.mark.parametrize("by", ["its job", "the run"])
async def test_a_run_of_retention_that_goes_on_ends_with_its_job(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """What it has removed stays removed, and no more goes."""
    monkeypatch.setattr(running, "STEP_ROWS", 2)
    await keys(owner, [30] * 6)
    stepped, go_on, genuine = asyncio.Event(), asyncio.Event(), JobContext.apply

    async def halting(self: JobContext, step: Any) -> Any:
        answer = await genuine(self, step)
        if getattr(step, "__func__", None) is Sweeping._step:
            stepped.set()
            await go_on.wait()
        return answer

    monkeypatch.setattr(JobContext, "apply", halting)
    async with working(resources, RETENTION_JOBS):
        run = (await admin.post(f"{KEYS}/run", json={})).json()
        await stepped.wait()
        assert (await shown(admin, run["job_id"]))["progress"] == {"done": 2, "unit": "rows"}
        if by == "the run":
            assert (await admin.post(f"{KEYS}/runs/{run['id']}/cancel")).status_code == 200
        else:
            await cancel(admin, run["job_id"])
        go_on.set()
        job = await over(admin, run["job_id"])
    found = (await admin.get(f"{KEYS}/runs/{run['id']}")).json()
    assert (job["state"], found["status"], found["rows"]) == ("cancelled", "cancelled", 2)
    assert (job["percent_done"], job["eta_seconds"]) == (None, None)
    assert await count(owner, "idempotency_keys") == 4


async def test_a_run_of_retention_that_was_cancelled_before_is_not_ended_again(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    run = (await admin.post(f"{KEYS}/run", json={})).json()
    ended = (await admin.post(f"{KEYS}/runs/{run['id']}/cancel")).json()
    assert (await cancel(admin, run["job_id"]))["cancel_requested_at"] is not None
    assert (await admin.get(f"{KEYS}/runs/{run['id']}")).json() == ended
    assert await actions(owner, run["id"]) == ["retention-run:start", "retention-run:cancel"]


async def test_a_run_that_was_completed_by_a_start_that_died_is_no_cancelled_job(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    run = (await admin.post(f"{KEYS}/run", json={})).json()
    await owner.execute("UPDATE spyne.retention_runs SET status = 'completed', ended_at = now()")
    async with working(resources, RETENTION_JOBS):
        assert (await over(admin, run["job_id"]))["state"] == "succeeded"


async def test_a_record_that_cannot_be_ended_keeps_its_job(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both or neither: the record is ended in the transaction that cancels the job."""

    async def broken(*_: Any, **__: Any) -> bool:
        raise RuntimeError

    run = (await admin.post(f"{KEYS}/run", json={})).json()
    monkeypatch.setattr("app.operations.jobs.service.cancel_job", broken)
    assert (await admin.post(f"{ROOT}/{run['job_id']}/cancel", json=REASON)).status_code == 500
    assert (await admin.get(f"{KEYS}/runs/{run['id']}")).json()["status"] == "queued"
    assert await actions(owner, run["id"]) == ["retention-run:start"]
