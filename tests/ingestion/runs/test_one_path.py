"""Plan and run are one path: what breaks one breaks the other; and what runs announce, count and record."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.ingestion.runs import work
from app.ingestion.runs.jobs import JOBS
from app.kernel.runtime.resources import Resources
from app.warehouse import merge
from app.warehouse.reversal import undo
from tests.ingestion.runs.steps import REASON, REPLAY, applied, over, planned, rollback, started
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import Row, register, stored, taken
from tests.operations.notifications.conftest import NOTIFY, make_channel

pytestmark = pytest.mark.usefixtures("open_for_data")

FIRST: list[Row] = [(1, 0, 10), (2, 0, 20)]
WRONG: list[Row] = [(2, 1, 2000), (3, 1, 3000)]


@pytest.mark.parametrize(
    ("module", "name", "path"),
    [(undo, "remove_written", "rollback"), (undo, "put_back", "rollback"), (merge, "update_beaten", "replay")],
)
async def test_a_broken_statement_fails_plan_and_run(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    path: str,
) -> None:
    contract_id = await register(engineer, "prices")
    await taken(engineer, contract_id, FIRST)
    wrong = await taken(engineer, contract_id, WRONG)
    wanted: dict[str, Any] = {} if path == "rollback" else {"contract_id": contract_id, "batch_ids": [wrong["id"]]}
    place = rollback(wrong["id"]) if path == "rollback" else REPLAY
    before = await stored(owner, "prices")
    plan = await planned(admin, place, **wanted)
    run = await started(admin, place, plan, **wanted)

    def broken(*_: Any, **__: Any) -> str:
        return "SELECT FROM nobody_has_this"

    monkeypatch.setattr(module, name, broken)
    monkeypatch.setattr(work, "RUN_STARTS", 1)
    refused = await admin.post(place, json=REASON | wanted | {"dry_run": True})
    assert refused.status_code == 500
    async with working(resources, JOBS):
        ended = await over(admin, run)
    assert (ended["status"], ended["problem"]["code"], ended["parts_done"]) == ("FAILED", "run-failed", 0)
    assert await stored(owner, "prices") == before


async def test_what_runs_announce(engineer: httpx.AsyncClient, admin: httpx.AsyncClient, resources: Resources) -> None:
    await make_channel(admin, "https://example.com/hook", event_filter=["ingestion:*"])
    contract_id = await register(engineer, "prices")
    wrong = await taken(engineer, contract_id, WRONG)
    stale = await started(admin, rollback(wrong["id"]), await planned(admin, rollback(wrong["id"])))
    await taken(engineer, contract_id, [(9, 9, 9)])
    async with working(resources, JOBS):
        assert (await over(admin, stale))["status"] == "FAILED"
        _, run = await applied(admin, rollback(wrong["id"]))
    found = {each["event"]: each["id"] for each in (await admin.get(NOTIFY)).json()["items"]}
    assert set(found) == {"ingestion:run-failed", "ingestion:rolled-back"}
    failed = (await admin.get(f"{NOTIFY}{found['ingestion:run-failed']}")).json()["payload"]
    assert (failed["kind"], failed["code"], failed["parts_done"]) == ("rollback", "plan-changed", 0)
    back = (await admin.get(f"{NOTIFY}{found['ingestion:rolled-back']}")).json()["payload"]
    assert (back["run_id"], back["contract_id"], back["deleted"]) == (run["id"], "prices_v1", 2)


async def test_a_run_whose_job_is_lost_is_ended(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "prices")
    wrong = await taken(engineer, contract_id, WRONG)
    place = await started(admin, rollback(wrong["id"]), await planned(admin, rollback(wrong["id"])))
    await owner.execute("UPDATE spyne.job_runs SET state = 'dead', finished_at = now() WHERE name = 'ingestion:run'")
    async with working(resources, JOBS) as enqueued:
        await enqueued("ingestion:end-lost-runs")
        run = await over(admin, place)
    assert (run["status"], run["problem"]["code"]) == ("FAILED", "run-failed")


async def test_a_run_ends_with_its_job(engineer: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "prices")
    wrong = await taken(engineer, contract_id, WRONG)
    place = await started(admin, rollback(wrong["id"]), await planned(admin, rollback(wrong["id"])))
    job = (await admin.get(place)).json()["links"]["job"]
    cancelled = await admin.post(f"{job}/cancel", json={"reason": "not this one"})
    assert cancelled.status_code == 202, cancelled.text
    assert (await admin.get(place)).json()["status"] == "CANCELLED"
