"""A wrong batch is seen, planned and taken back; what depends on it stands in the way, or goes with it."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from app.ingestion.runs.jobs import JOBS
from app.kernel.runtime.resources import Resources
from tests.census import census, differences
from tests.ingestion.runs.steps import REASON, applied, everything, over, planned, rollback, started
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import Row, counted, register, send, stored, taken
from tests.service_processes import Surroundings, worker_process

pytestmark = pytest.mark.usefixtures("open_for_data")

FIRST: list[Row] = [(1, 0, 10), (2, 0, 20)]
WRONG: list[Row] = [(2, 1, 2000), (3, 1, 3000)]


async def test_a_wrong_batch_is_taken_back_and_the_rollback_as_well(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, surroundings: Surroundings
) -> None:
    contract_id = await register(engineer, "prices")
    await taken(engineer, contract_id, FIRST)
    before = await everything(owner, "prices")
    wrong = await taken(engineer, contract_id, WRONG)
    with_it = await everything(owner, "prices")
    counts = await census(owner)
    plan = await planned(admin, rollback(wrong["id"]))
    assert not differences(counts, await census(owner)), "a plan changes nothing"
    assert (counted(plan), plan["deleted"], plan["parts_total"], plan["warnings"]) == ({"updated": 1}, 1, 1, [])
    samples = {each["change"]: (each["before"]["v"], (each["after"] or {}).get("v")) for each in plan["samples"]}
    assert samples == {"overwritten": (2000, 20), "removed": (3000, None)}
    async with worker_process(surroundings):
        run = await over(admin, await started(admin, rollback(wrong["id"]), plan))
        assert (run["status"], counted(run), run["deleted"], run["percent_done"]) == (
            "COMPLETED",
            {"updated": 1},
            1,
            100,
        )
        assert await everything(owner, "prices") == before, "hidden columns and all"
        made = run["parts"][0]
        assert (made["kind"], made["source_batch_id"]) == ("rollback", wrong["id"])
        report = (await engineer.get(f"/api/ingestion/batches/{wrong['id']}")).json()
        assert (report["status"], report["rolled_back_by"]) == ("completed", made["batch_id"])
        again = await admin.post(rollback(wrong["id"]), json=REASON | {"dry_run": True})
        assert (again.status_code, again.json()["code"]) == (409, "nothing-to-take-back")
        _, second = await applied(admin, rollback(made["batch_id"]))
        assert second["deleted"] == 0
        assert await everything(owner, "prices") == with_it
        report = (await engineer.get(f"/api/ingestion/batches/{wrong['id']}")).json()
        assert report["rolled_back_by"] is None
        await applied(admin, rollback(wrong["id"]))
        assert await everything(owner, "prices") == before
    audited = await owner.fetch(
        "SELECT action, count(*) FROM spyne.audit_log WHERE action ~ 'run:|take-back' GROUP BY 1"
    )
    assert dict(map(tuple, audited)) == {"ingestion-run:start": 3, "ingestion-run:complete": 3, "batch:take-back": 3}


async def test_later_batches_stand_in_the_way_go_with_it_and_come_again(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "prices")
    await taken(engineer, contract_id, FIRST)
    wrong = await taken(engineer, contract_id, [(2, 5, 2000), (3, 5, 3000)])
    late = await taken(engineer, contract_id, [(2, 3, 23), (4, 3, 43)])
    over_it = await taken(engineer, contract_id, [(3, 6, 36), (5, 6, 56)])
    apart = await taken(engineer, contract_id, [(5, 7, 57), (4, 7, 47)])
    refused = await admin.post(rollback(wrong["id"]), json=REASON | {"dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "later-batches")
    assert [each["id"] for each in refused.json()["batches"]] == [apart["id"], over_it["id"]]
    plan = await planned(admin, rollback(wrong["id"]), cascade=True)
    assert [part["batch_id"] for part in plan["parts"]] == [apart["id"], over_it["id"], wrong["id"]]
    assert plan["later_batches"] == [late["id"]], "it had brought a row that the wrong one had outdone"
    async with working(resources, JOBS):
        _, run = await applied(admin, rollback(wrong["id"]), cascade=True, then_replay=True)
    kinds = [(part["kind"], part["source_batch_id"]) for part in reversed(run["parts"])]
    assert kinds == [
        ("rollback", apart["id"]),
        ("rollback", over_it["id"]),
        ("rollback", wrong["id"]),
        ("replay", late["id"]),
        ("replay", over_it["id"]),
        ("replay", apart["id"]),
    ]
    assert await stored(owner, "prices") == [(1, 0, 10), (2, 3, 23), (3, 6, 36), (4, 7, 47), (5, 7, 57)]


async def test_a_plan_holds_for_the_data_it_was_made_on(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "prices")
    await taken(engineer, contract_id, FIRST)
    wrong = await taken(engineer, contract_id, WRONG)
    plan = await planned(admin, rollback(wrong["id"]))
    await taken(engineer, contract_id, [(9, 9, 9)])
    unplanned = await admin.post(rollback(wrong["id"]), json=REASON)
    assert (unplanned.status_code, unplanned.json()["code"]) == (422, "plan-needed")
    stale = await admin.post(rollback(wrong["id"]), json=REASON | {"plan_hash": plan["plan_hash"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "plan-changed")
    fresh = stale.json()["plan"]
    assert fresh == await planned(admin, rollback(wrong["id"]))
    assert fresh["plan_hash"] != plan["plan_hash"]
    place = await started(admin, rollback(wrong["id"]), fresh)
    assert await started(admin, rollback(wrong["id"]), fresh) == place, "of one plan there is one run"
    await taken(engineer, contract_id, [(8, 8, 8)])
    async with working(resources, JOBS):
        run = await over(admin, place)
    assert (run["status"], run["problem"]["code"], run["parts_done"]) == ("FAILED", "plan-changed", 0)
    assert len(await stored(owner, "prices")) == 5
    event = "SELECT count(*) FROM spyne.notification_outbox WHERE event = 'ingestion:run-failed'"
    assert await owner.fetchval(event) in {0, 1}


async def test_a_run_is_ended_before_its_time(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "prices")
    wrong = await taken(engineer, contract_id, WRONG)
    place = await started(admin, rollback(wrong["id"]), await planned(admin, rollback(wrong["id"])))
    ended = await admin.post(f"{place}/cancel", json={"reason": "the batch was right"})
    assert (ended.status_code, ended.json()["status"]) == (200, "CANCELLED")
    again = await admin.post(f"{place}/cancel", json={"reason": "the batch was right"})
    assert (again.status_code, again.json()["code"]) == (409, "run-over")
    async with working(resources, JOBS):
        other: dict[str, Any] = (await applied(admin, rollback(wrong["id"])))[1]
    assert other["links"]["self"] != place
    assert await stored(owner, "prices") == []
    assert (await admin.get(place)).json()["parts_done"] == 0


async def test_a_batch_that_is_not_in_the_table_is_not_taken_back(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    contract_id = await register(engineer, "prices")
    sent = await engineer.post(
        f"/api/ingestion/{contract_id}/batches",
        content=b'{"id": "x"}\n',
        headers={"Content-Type": "application/x-ndjson"},
    )
    refused = await admin.post(rollback(sent.json()["batch_id"]), json=REASON | {"dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing-to-take-back")
    unknown = await admin.post(rollback("00000000-0000-7000-8000-000000000000"), json=REASON | {"dry_run": True})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "batch-not-found")


async def test_a_batch_that_was_refused_whole_stands_in_nobodys_way(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    """In replace mode every later batch that is in the table does."""
    contract_id = await register(engineer, "prices", "replace")
    first = await taken(engineer, contract_id, FIRST)
    refused = await send(engineer, contract_id, b'{"id": "x"}\n')
    assert refused.json()["code"] == "nothing-accepted"
    async with working(resources, JOBS):
        await applied(admin, rollback(first["id"]))
    assert await stored(owner, "prices") == []


async def test_plans_made_side_by_side_are_the_same(engineer: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "prices")
    await taken(engineer, contract_id, FIRST)
    wrong = await taken(engineer, contract_id, WRONG)
    plans = await asyncio.gather(*(planned(admin, rollback(wrong["id"])) for _ in range(4)))
    assert all(plan == plans[0] for plan in plans)
