"""The same difference makes one report: counted when it comes again, announced once, kept apart for each contract."""

import json
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.telemetry.metrics import REGISTRY
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
    resolved,
    said,
    sent,
    values,
)
from tests.ingestion.steps import counted, send

pytestmark = pytest.mark.usefixtures("open_for_data")


@pytest.fixture
async def channel(admin: httpx.AsyncClient) -> None:
    """Somebody listens to what drift announces; nothing is delivered, as no worker runs."""
    target = {"name": "drift", "channel_type": "webhook", "target": "https://hooks.example.org/", "active": True}
    answer = await admin.post("/system/notify/channels", json=target | {"event_filter": ["drift:*"]})
    assert answer.status_code == 201, answer.text


async def announced(owner: asyncpg.Connection) -> list[tuple[str, dict[str, Any]]]:
    """What was announced, the first first."""
    found = await owner.fetch("SELECT event, payload FROM spyne.notification_outbox ORDER BY id")
    return [(row["event"], json.loads(row["payload"])) for row in found]


def detected(contract_id: str, severity: str) -> float:
    """The counter of drift that was found."""
    labels = {"contract_id": contract_id, "severity": severity}
    return REGISTRY.get_sample_value("spyne_drift_detected_total", labels) or 0.0


@pytest.mark.usefixtures("channel")
async def test_seen_again_it_is_counted_and_nobody_is_told_again(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "again", "discard_value")
    first = await merged(engineer, contract_id, [good(1, vip=True), good(2)])
    second = await merged(engineer, contract_id, [good(3, vip=True), good(4, vip="gold")])
    assert first["drift"] == second["drift"], "whatever its type, it is the same column that is new"
    (found,) = await drift_of(engineer, second)
    assert (found["times_seen"], found["rows"], found["batch_id"]) == (2, 3, second["id"])
    assert found["first_seen_at"] < found["last_seen_at"]
    (event,) = await announced(owner)
    assert (event[0], event[1]["reports"], event[1]["severity"]) == ("drift:found", first["drift"], "COMPATIBLE")
    assert detected(contract_id, "COMPATIBLE") == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.drift_changes") == 1


async def test_what_a_policy_takes_on_later_leaves_no_report_open(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "later", "discard_value", "discard_value")
    before = await drift_of(engineer, await merged(engineer, contract_id, [good(1, 5_000_000_000, vip=True)]))
    changed = await engineer.patch(f"/api/contracts/{contract_id}", json={"unknown_columns": "evolve"})
    assert changed.status_code == 200, changed.text
    report = await merged(engineer, contract_id, [good(2, vip=False)])
    after = await drift(engineer, before[0]["id"])
    assert (after["status"], after["resolution"]["by"]) == ("accepted", "policy: evolve")
    assert report["drift"][0] in after["resolution"]["note"]
    assert [each["id"] for each in await all_drift(engineer, status="open")] == [before[1]["id"]], "of types it is not"
    assert await values(owner, "later", "vip") == {1: None, 2: False}


@pytest.mark.usefixtures("channel")
async def test_rejected_it_stays_known_and_accepted_it_is_gone(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "decided", "discard_value")
    (refused,) = (await merged(engineer, contract_id, [good(1, vip=True)]))["drift"]
    assert (await resolved(engineer, refused, "reject"))["status"] == "rejected"
    again = await merged(engineer, contract_id, [good(2, vip=True)])
    assert again["drift"] == [refused]
    assert (await drift(engineer, refused))["status"] == "rejected"
    assert [event for event, _ in await announced(owner)] == ["drift:found", "drift:resolved"]
    (wanted,) = (await merged(engineer, contract_id, [good(3, tier="gold")]))["drift"]
    await resolved(engineer, wanted, "accept")
    assert (await merged(engineer, contract_id, [good(4, tier="gold")]))["drift"] == []
    assert await values(owner, "decided", "tier") == {1: None, 2: None, 3: None, 4: "gold"}
    assert [each["id"] for each in await all_drift(engineer, status="rejected")] == [refused]
    assert [each["id"] for each in await all_drift(engineer, status="accepted")] == [wanted]


async def test_a_type_that_later_rows_have_shown_to_be_wider_is_the_one_that_is_taken_on(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """Who accepts a report accepts what all rows have shown: else the next batch would be refused for it."""
    contract_id = await contract_with(engineer, "wider", "discard_value")
    await merged(engineer, contract_id, [good(1, points=1)])
    (report,) = (await merged(engineer, contract_id, [good(2, points=1.5)]))["drift"]
    assert (await drift(engineer, report))["changes"][0]["new"]["type"] == "numeric"
    (report,) = (await merged(engineer, contract_id, [good(3, points=2)]))["drift"]
    assert (await drift(engineer, report))["changes"][0]["new"]["type"] == "numeric", "narrower ones say less"
    await resolved(engineer, report, "accept")
    again = await merged(engineer, contract_id, [good(1, points=1, hour=1), good(2, points=1.5, hour=1)])
    assert counted(again) == {"updated": 2}
    assert await values(owner, "wider", "points") == {1: 1, 2: Decimal("1.5"), 3: None}


async def test_a_column_whose_first_values_were_null_is_known_by_its_later_values(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "nulls", "discard_value")
    (report,) = (await merged(engineer, contract_id, [good(1, tier=None)]))["drift"]
    assert (await drift(engineer, report))["changes"][0]["new"]["type"] is None
    assert (await merged(engineer, contract_id, [good(2, tier="gold")]))["drift"] == [report]
    assert (await drift(engineer, report))["changes"][0]["new"]["type"] == "text"
    await resolved(engineer, report, "accept")
    assert (await columns_of(engineer, contract_id))["tier"] == "text"


async def test_each_contract_has_reports_of_its_own(engineer: httpx.AsyncClient) -> None:
    ours = await contract_with(engineer, "ours", "discard_value")
    theirs = await contract_with(engineer, "theirs", "discard_value")
    reports = [(await merged(engineer, each, [good(1, vip=True)]))["drift"] for each in (ours, theirs)]
    assert reports[0] != reports[1]
    await resolved(engineer, reports[0][0], "reject")
    assert (await drift(engineer, reports[1][0]))["status"] == "open"
    assert [each["id"] for each in await all_drift(engineer, contract_id=theirs)] == reports[1]
    assert [each["id"] for each in await all_drift(engineer, table="ours")] == reports[0]


async def test_each_change_is_a_report_and_is_decided_by_itself(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "single", "discard_value", "discard_value")
    report = await merged(engineer, contract_id, [good(1, 5_000_000_000, vip=True, tier="gold")])
    found = await drift_of(engineer, report)
    assert [said(each) for each in found] == [[("ADD", "tier")], [("ADD", "vip")], [("TYPE_CHANGE", "v")]]
    await resolved(engineer, found[1]["id"], "accept")
    again = await merged(engineer, contract_id, [good(1, 5_000_000_000, vip=True, tier="gold", hour=1)])
    assert sorted(again["drift"]) == sorted([found[0]["id"], found[2]["id"]])
    assert await values(owner, "single", "v", "vip") == {1: (None, True)}


MANY = {f"field_{number:03}": number for number in range(150)}


async def test_of_more_unknown_fields_than_reports_are_made_for_the_first_are_reported(
    engineer: httpx.AsyncClient,
) -> None:
    contract_id = await contract_with(engineer, "many")
    answer = await sent(engineer, contract_id, [good(1, **MANY)])
    assert answer.status_code == 422, answer.text
    report = await report_of(engineer, answer)
    assert len(report["drift"]) == 100
    page = await all_drift(engineer, contract_id=contract_id, limit=200)
    assert {column for each in page for _, column in said(each)} == set(sorted(MANY)[:100])


async def test_a_batch_with_many_new_fields_evolves_until_all_are_columns(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "many", "evolve")
    report = await merged(engineer, contract_id, [good(1, **MANY)])
    assert (counted(report), report["schema_version"]) == ({"inserted": 1}, 3)
    assert [(each["status"], len(each["changes"])) for each in await drift_of(engineer, report)] == [
        ("accepted", 100),
        ("accepted", 50),
    ]
    assert await values(owner, "many", "field_000", "field_149") == {1: (0, 149)}


async def test_the_names_of_fields_are_data_however_they_are_written(engineer: httpx.AsyncClient) -> None:
    odd = {"": 1, "a/b~c": 2, 'qu"ote': 3, "x" * 300: 4, "nul\u0000": 5, "ümläut": 6, "select": 7, "_spyne_hash": 8}
    contract_id = await contract_with(engineer, "odd", "evolve")
    answer = await send(engineer, contract_id, as_ndjson([good(1, **odd), good(2)]))
    assert answer.status_code == 201, answer.text
    report = answer.json()
    for each in await drift_of(engineer, report):
        assert all(change["path"].startswith("/columns/") for change in each["changes"])
    again = await send(engineer, contract_id, as_ndjson([good(1, **odd, hour=1), good(3)]))
    assert again.status_code == 201, again.text
