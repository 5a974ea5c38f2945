"""Runs: what a preview counted goes, nothing else, and never what is under a hold."""

from uuid import UUID

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.operations.retention import running
from app.operations.retention.repository import RunReads, RunWrites
from tests.operations.retention.steps import ROOT, amount, count, ended, held, keys, previewed, ran, working

KEYS = "idempotency_keys"


async def test_a_run_removes_just_what_the_preview_counted(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "STEP_ROWS", 3)
    await keys(owner, [0, 1, 6.9, *(7.1 + n for n in range(10))])
    await keys(owner, [30, 31], scope="held")
    await held(admin, KEYS, scope="held")
    found = await previewed(admin, KEYS)
    assert (found["rows"], found["held"]["rows"], found["objects"]) == (10, 2, 0)
    assert found["oldest"] < found["newest"] < found["cut_off"]
    assert (await previewed(admin, KEYS, days_to_keep=1))["rows"] == 12
    dry = await admin.post(f"{ROOT}{KEYS}/run", json={"dry_run": True})
    assert (dry.status_code, dry.json()["status"], amount(dry.json())) == (200, "completed", amount(found))
    assert (await admin.get(f"{ROOT}{KEYS}")).json()["last_run"] is None, "a dry run has removed nothing"
    run = await ran(resources, admin, KEYS, cut_off=found["cut_off"])
    assert (run["status"], amount(run), run["cut_off"]) == ("completed", amount(found), found["cut_off"])
    assert (await count(owner, KEYS), await count(owner, KEYS, "scope = 'held'")) == (5, 2)
    told = await owner.fetchval("SELECT after->>'rows' FROM spyne.audit_log WHERE action = 'retention-run:purge'")
    assert told == "10"
    listed = (await admin.get(f"{ROOT}{KEYS}/runs")).json()["items"]
    assert [each["dry_run"] for each in listed] == [False, True]
    assert (await admin.post(f"{ROOT}{KEYS}/run", json={"dry_run": True})).status_code == 200
    shown = {each["category"]: each["last_run"] for each in (await admin.get(ROOT)).json()["items"]}
    assert shown[KEYS] == (await admin.get(f"{ROOT}{KEYS}")).json()["last_run"] == run


async def test_a_cut_off_is_never_later_than_the_rule(admin: httpx.AsyncClient) -> None:
    cut_off = (await previewed(admin, KEYS, days_to_keep=1))["cut_off"]
    answer = await admin.post(f"{ROOT}{KEYS}/run", json={"cut_off": cut_off})
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, "/cut_off")


async def test_one_run_of_a_category_at_a_time_and_a_cancelled_one_removes_nothing(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await keys(owner, [30])
    first = await admin.post(f"{ROOT}{KEYS}/run", json={})
    second = await admin.post(f"{ROOT}{KEYS}/run", json={})
    assert (first.status_code, second.status_code, second.json()["run_id"]) == (202, 409, first.json()["id"])
    place = first.headers["location"]
    cancelled = await admin.post(f"{place}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await admin.post(f"{place}/cancel")).status_code == 409
    async with working(resources):
        other = await admin.post(f"{ROOT}job_runs/run", json={})
        await ended(admin, other.headers["location"])
    assert ((await ended(admin, place))["status"], await count(owner, KEYS)) == ("cancelled", 1)


async def test_no_object_of_a_run_that_goes_on_is_taken_for_a_leftover(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    """It may be an archive on its way: noted first, then written, and kept in the end."""
    run_id = UUID((await admin.post(f"{ROOT}{KEYS}/run", json={})).json()["id"])
    async with resources.database.write() as session:
        await RunWrites(session).add_tombstones(run_id, ["audit/archives/one"])
    found = {}
    for status in ("queued", "running", "completed", "failed", "cancelled"):
        await owner.execute("UPDATE spyne.retention_runs SET status = $1", status)
        async with resources.database.read() as session:
            found[status] = [each.object_key for each in await RunReads(session).leftovers(10)]
    noted = ["audit/archives/one"]
    assert found == {"queued": [], "running": [], "completed": noted, "failed": noted, "cancelled": noted}


async def test_who_takes_the_kind_is_told(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    channel = {"name": "c", "channel_type": "webhook", "target": "https://hooks.example.org/x", "event_filter": ["*"]}
    assert (await admin.post("/system/notify/channels", json=channel)).status_code == 201
    await ran(resources, admin, KEYS)
    await keys(owner, [30])
    await ran(resources, admin, KEYS)
    payload = await owner.fetchval("SELECT payload->>'rows' FROM spyne.notification_outbox")
    assert payload == "1", "and nothing where nothing went"
