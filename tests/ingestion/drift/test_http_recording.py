"""Drift is recorded with whatever becomes of a batch, once; and not at all where a batch leaves nothing."""

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.jobs import JOBS
from tests.census import census, differences
from tests.ingestion.drift.steps import (
    all_drift,
    as_ndjson,
    columns_of,
    contract_with,
    drift,
    drift_of,
    good,
    merged,
    report_of,
    said,
    sent,
    values,
)
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import JSON, counted, register, send
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

LATER = {"Prefer": "respond-async"}
NEW = [good(1, vip=True), good(2)]


async def test_a_batch_of_which_all_rows_were_refused(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await contract_with(engineer, "refused")
    answer = await sent(engineer, contract_id, [good(1, vip=True), good(2, vip=False)])
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing-accepted")
    report = await report_of(engineer, answer)
    (found,) = await drift_of(engineer, report)
    assert (report["status"], found["batch_id"], found["rows"]) == ("rejected", report["id"], 2)
    assert await values(owner, "refused", "v") == {}


async def test_a_batch_that_failed_by_too_many_refused_rows(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "failed")
    answer = await sent(engineer, contract_id, NEW, max_rejected="0")
    assert answer.json()["code"] == "reject-limit-exceeded"
    report = await report_of(engineer, answer)
    (found,) = await drift_of(engineer, report)
    assert (report["status"], found["batch_id"], said(found)) == ("failed", report["id"], [("ADD", "vip")])
    again = await sent(engineer, contract_id, NEW, max_rejected="0")
    assert (await report_of(engineer, again))["drift"] == report["drift"]
    assert (await drift(engineer, found["id"]))["times_seen"] == 2


async def test_a_batch_that_fails_for_other_reasons_evolves_nothing(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "stopped", "evolve")
    without_key = {key: value for key, value in good(1).items() if key != "id"}
    answer = await sent(engineer, contract_id, [*NEW, without_key], max_rejected="0")
    assert answer.json()["code"] == "reject-limit-exceeded"
    (found,) = await drift_of(engineer, await report_of(engineer, answer))
    assert (found["status"], said(found)) == ("open", [("ADD", "vip")])
    assert "vip" not in await columns_of(engineer, contract_id)


async def test_a_body_that_cannot_be_read_leaves_no_drift(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "broken", "evolve")
    answer = await send(engineer, contract_id, b'[{"id": 1, "vip": true}', JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed-body")
    assert await all_drift(engineer) == []
    assert "vip" not in await columns_of(engineer, contract_id)


async def ended(client: httpx.AsyncClient, place: str) -> dict[str, Any]:
    """The report of a batch, once no worker has to merge it any more."""

    async def over() -> bool:
        return bool((await client.get(place)).json()["status"] != "pending")

    await eventually(over, what="the end of a batch")
    report: dict[str, Any] = (await client.get(place)).json()
    return report


async def test_batches_that_are_merged_later(
    app: FastAPI, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    wanted = {
        "merged": ("discard_value", NEW, {}),
        "refused": ("freeze", [good(1, vip=True)], {}),
        "failed": ("freeze", NEW, {"max_rejected": "0"}),
        "grown": ("evolve", NEW, {}),
    }
    places = {}
    for table, (policy, rows, more) in wanted.items():
        contract_id = await contract_with(engineer, table, policy)
        answer = await sent(engineer, contract_id, rows, headers=LATER, **more)
        assert (answer.status_code, answer.json()["drift"]) == (202, []), answer.text
        places[table] = str(answer.headers["Location"])
    assert await all_drift(engineer) == [], "nothing was looked at yet"
    async with working(app.state.resources, JOBS):
        reports = {table: await ended(engineer, place) for table, place in places.items()}
    assert {table: report["status"] for table, report in reports.items()} == {
        "merged": "completed",
        "refused": "rejected",
        "failed": "failed",
        "grown": "completed",
    }
    for table, report in reports.items():
        (found,) = await drift_of(engineer, report)
        assert (found["times_seen"], found["rows"], said(found)) == (1, 1, [("ADD", "vip")]), table
        assert found["batch_id"] == report["id"]
        assert found["status"] == ("accepted" if table == "grown" else "open")
        assert found["found_by"] == report["submitted_by"], "the sender shows it, whoever does the work"
    assert await values(owner, "merged", "v") == {1: 1, 2: 1}
    assert await values(owner, "grown", "vip") == {1: True, 2: None}


async def test_a_dry_run_stores_and_evolves_nothing(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    both = [await contract_with(engineer, f"by_{policy}", policy) for policy in ("discard_value", "evolve")]
    undeclared = await register(engineer, "undeclared", declared=False, unknown_columns="evolve")
    before = await census(owner)
    for contract_id in (*both, undeclared):
        tried = await sent(engineer, contract_id, [*NEW, good(3, 5_000_000_000)], dry_run=True)
        assert tried.status_code == 200, tried.text
        assert tried.json()["drift"] == []
        foreseen = [notice for notice in tried.json()["notices"] if notice.startswith("Drift: ")]
        assert any("/columns/vip" in notice for notice in foreseen) == (contract_id != undeclared), (
            "it says what it saw"
        )
        taken_on = [notice for notice in foreseen if "the schema would take this on" in notice]
        assert len(taken_on) == (contract_id == both[1]), tried.text
    failed = await sent(engineer, both[0], [good(1, "x", vip=True)], dry_run=True, max_rejected="0")
    assert failed.status_code == 422
    assert differences(before, await census(owner)) == []


async def test_a_repeated_request_is_answered_from_the_store_and_counts_nothing(engineer: httpx.AsyncClient) -> None:
    for policy, status in (("discard_value", 201), ("freeze", 422), ("evolve", 201)):
        contract_id = await contract_with(engineer, f"by_{policy}", policy)
        body = as_ndjson([good(1, vip=True)])
        first, again = [await send(engineer, contract_id, body, key="the key") for _ in range(2)]
        assert (first.status_code, again.status_code) == (status, status)
        assert again.json() == first.json() | (
            {"correlation_id": again.json()["correlation_id"]} if status == 422 else {}
        )
        (found,) = await drift_of(engineer, await report_of(engineer, first))
        assert (found["times_seen"], found["rows"]) == (1, 1), policy
        assert (await columns_of(engineer, contract_id)).get("vip") == ("boolean" if policy == "evolve" else None)


async def test_the_first_batch_of_a_contract_without_columns_shows_no_drift(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for policy in ("freeze", "evolve"):
        contract_id = await register(
            engineer, f"by_{policy}", declared=False, unknown_columns=policy, type_changes=policy
        )
        report = await merged(engineer, contract_id, NEW)
        assert (report["drift"], report["schema_version"]) == ([], 1)
        assert await values(owner, f"by_{policy}", "vip") == {1: True, 2: None}
    second = await merged(engineer, "by_evolve_v1", [good(3, vip=False, tier="gold"), good(4, "many")])
    assert counted(second) == {"inserted": 1, "rejected": 1}, "text is no wider integer: its row is refused"
    by_kind = {said(each)[0]: each["status"] for each in await drift_of(engineer, second)}
    assert by_kind == {("ADD", "tier"): "accepted", ("TYPE_CHANGE", "v"): "open"}
