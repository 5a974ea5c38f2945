"""Decisions about drift: who decides, once, on what was read; further versions of a contract, filled and promoted."""

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.runs.jobs import JOBS
from app.warehouse import relation_checks
from tests.catalog.steps import promoted
from tests.conftest import ClientOf
from tests.ingestion.drift.steps import (
    all_drift,
    columns_of,
    contract_with,
    drift,
    drift_of,
    good,
    merged,
    resolve,
    resolved,
    said,
    undo,
    values,
)
from tests.ingestion.runs.steps import REPLAY, applied
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import COLUMNS, CSV, counted
from tests.query.asking import rows as queried

pytestmark = pytest.mark.usefixtures("open_for_data")

REQUIRED = [*COLUMNS, {"name": "mail", "type": "text", "nullable": False}]


async def compared(client: httpx.AsyncClient, contract_id: str, *columns: dict[str, Any]) -> dict[str, Any]:
    """The report on a schema that is (id, at, v) but for these columns, which replace those of their names."""
    others = {column["name"]: column for column in columns}
    declared = [others.pop(column["name"], column) for column in COLUMNS]
    body = {"schema": {"columns": [*declared, *others.values()]}}
    answer = await client.post(f"/api/contracts/{contract_id}/drift", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_accepting_adds_and_widens_and_is_audited(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await contract_with(engineer, "accepted")
    report = await merged(engineer, contract_id, [good(1), good(2, 5_000_000_000), good(3, vip=True)])
    assert counted(report) == {"inserted": 1, "rejected": 2}
    for number, found in enumerate(await drift_of(engineer, report), 2):
        done = await resolved(engineer, found["id"], "accept")
        assert (done["status"], done["resolution"]["schema_version"]) == ("accepted", number)
        assert done["resolution"]["by"].startswith("engineer")
        assert done["links"]["undo"] == f"/api/drift/{found['id']}/undo"
    assert await columns_of(engineer, contract_id) == {
        "id": "bigint",
        "at": "timestamptz",
        "v": "bigint",
        "vip": "boolean",
    }
    again = await merged(engineer, contract_id, [good(2, 5_000_000_000), good(3, vip=True)])
    assert counted(again) == {"inserted": 2}
    assert await values(owner, "accepted", "v", "vip") == {1: (1, None), 2: (5_000_000_000, None), 3: (1, True)}
    audited = await owner.fetch("SELECT outcome FROM spyne.audit_log WHERE action = 'drift:accept'")
    assert [row["outcome"] for row in audited] == ["success"] * 2
    assert await relation_checks.findings(owner) == []


async def test_a_column_may_be_null_once_that_is_accepted(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "nullable", columns=REQUIRED)
    await merged(engineer, contract_id, [good(1, mail="ada@example.org")])
    found = await compared(engineer, contract_id, {"name": "mail", "type": "text"})
    assert (said(found), found["severity"]) == ([("NULLABILITY", "mail")], "WARNING")
    await resolved(engineer, found["id"], "accept")
    await merged(engineer, contract_id, [good(2, mail=None)])
    assert await values(owner, "nullable", "mail") == {1: "ada@example.org", 2: None}
    refused = await undo(engineer, found["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "undo-impossible")
    assert refused.json()["obstacles"] == [{"column": "mail", "kind": "has-nulls", "rows": 1, "images": 0}]
    assert await relation_checks.findings(owner) == []


async def test_a_decision_is_made_once_and_on_what_was_read(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "once", "discard_value")
    (report,) = (await merged(engineer, contract_id, [good(1, vip=True)]))["drift"]
    etag = (await engineer.get(f"/api/drift/{report}")).headers["ETag"]
    await merged(engineer, contract_id, [good(2, vip=True)])
    stale = await resolve(engineer, report, "accept", **{"If-Match": '"another"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    done = await resolve(engineer, report, "reject", **{"If-Match": etag})
    assert done.status_code == 200, "that it was seen again changes no decision"
    assert done.headers["ETag"] != etag
    for action in ("accept", "reject", "new_version"):
        again = await resolve(engineer, report, action)
        problem = again.json()
        assert (again.status_code, problem["status"], problem["code"]) == (409, 409, "drift-decided")
        assert problem["decision"] == "rejected"
    assert (await resolve(engineer, report, "accept", **{"If-Match": etag})).status_code == 412
    refused = await undo(engineer, report)
    assert (refused.status_code, refused.json()["code"]) == (409, "undo-impossible")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/action"),
        ({"action": "accept"}, "/note"),
        ({"action": "accept", "note": ""}, "/note"),
        ({"action": "merge", "note": "n"}, "/action"),
        ({"action": "accept", "note": "n", "by": "me"}, "/by"),
        ({"action": None, "note": 3}, "/action"),
    ],
)
async def test_faulty_decisions_are_refused(engineer: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    contract_id = await contract_with(engineer, "faulty", "discard_value")
    (report,) = (await merged(engineer, contract_id, [good(1, vip=True)]))["drift"]
    answer = await engineer.post(f"/api/drift/{report}/resolve", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [fault["pointer"] for fault in answer.json()["faults"]]
    assert (await drift(engineer, report))["status"] == "open"


async def test_what_breaks_something_is_not_taken_on_and_says_why(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "breaking")
    await merged(engineer, contract_id, [good(1)])
    found = await compared(engineer, contract_id, {"name": "v", "type": "text"}, {"name": "tier", "type": "text"})
    refused = await resolve(engineer, found["id"], "accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "needs-new-version")
    (reason,) = refused.json()["reasons"]
    assert reason.startswith("/columns/v/type")
    assert (await drift(engineer, found["id"]))["status"] == "open"
    assert "tier" not in await columns_of(engineer, contract_id), "all of a report or nothing"


async def test_a_further_version_is_filled_by_replay_and_promoted(
    app: FastAPI,
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    owner: asyncpg.Connection,
) -> None:
    """Narrower numbers, and a column that is gone: bodies that were sent before still bring it."""
    columns = [*COLUMNS, {"name": "mail", "type": "text", "description": "Where to write to"}]
    contract_id = await contract_with(engineer, "visits", columns=columns, description="Of the shop")
    batches = [await merged(engineer, contract_id, [good(1, 3, mail="a"), good(2, 4, mail="b")])]
    batches.append(await merged(engineer, contract_id, [good(3, 5, mail="c")], CSV))
    await promoted(admin, "visits")
    found = await compared(engineer, contract_id, {"name": "v", "type": "smallint"})
    assert [(change["rule"], change["severity"]) for change in found["changes"]] == [
        ("narrowed", "BREAKING"),
        ("column-removed", "BREAKING"),
    ]
    done = await resolved(engineer, found["id"], "new_version")
    assert (done["status"], done["resolution"]["contract_id"]) == ("new_version", "visits_v2")
    assert done["links"]["successor"] == "/api/contracts/visits_v2"
    made = (await engineer.get("/api/contracts/visits_v2")).json()
    assert (made["state"], made["schema_version"], made["description"]) == ("SHADOW", 1, "Of the shop")
    assert (made["unknown_columns"], made["columns"]) == ("discard_value", {})
    assert await columns_of(engineer, "visits_v2") == {"id": "bigint", "at": "timestamptz", "v": "smallint"}
    async with working(app.state.resources, JOBS):
        ids = [each["id"] for each in batches]
        plan, _ = await applied(admin, REPLAY, contract_id=contract_id, batch_ids=ids, into="visits_v2")
    assert counted(plan) == {"inserted": 3}
    assert await all_drift(engineer, contract_id="visits_v2") == [], "old rows change no schema and tell nobody"
    await promoted(admin, "visits")
    old = (await admin.get("/api/tables/visits@1")).json()
    assert (old["state"], old["successor"]) == ("DEPRECATED", "visits@2")
    assert await queried(analyst, "SELECT id, v FROM visits ORDER BY id") == [[1, 3], [2, 4], [3, 5]]
    assert await relation_checks.findings(owner) == []


async def test_a_further_version_has_other_semantics_and_checks(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "meant", "freeze")
    schema = {"columns": [*COLUMNS[:2], COLUMNS[2] | {"checks": [{"type": "min", "value": 0}]}]}
    body = {"schema": schema, "ingestion_semantics": {"mode": "append", "dedupe_window": "1h"}}
    answer = await engineer.post(f"/api/contracts/{contract_id}/drift", json=body)
    report = answer.json()
    assert {change["kind"] for change in report["changes"]} == {"CONSTRAINT", "SEMANTICS"}, answer.text
    assert (await resolve(engineer, report["id"], "accept")).json()["code"] == "needs-new-version"
    successor = (await resolved(engineer, report["id"], "new_version"))["resolution"]["contract_id"]
    assert successor == "meant_v2"
    made = (await engineer.get(f"/api/contracts/{successor}")).json()
    assert (made["ingestion_semantics"]["mode"], made["ingestion_semantics"]["dedupe_window"]) == ("append", "1h")
    columns = (await engineer.get(f"/api/contracts/{successor}/schema")).json()["columns"]
    assert [each["checks"] for each in columns if each["name"] == "v"] == [[{"type": "min", "value": 0}]]


async def test_a_further_version_that_is_no_contract_is_refused_with_every_fault(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "odd", "freeze")
    body = {"schema": {"columns": [{"name": "at", "type": "timestamptz"}, {"name": "v", "type": "geometry"}]}}
    report = (await engineer.post(f"/api/contracts/{contract_id}/drift", json=body)).json()
    refused = await resolve(engineer, report["id"], "new_version")
    codes = {fault["code"] for fault in refused.json()["faults"]}
    assert (refused.status_code, codes >= {"unknown-column", "unknown-type"}) == (422, True), refused.text
    assert (await drift(engineer, report["id"]))["status"] == "open"
    words = (await engineer.post(f"/api/contracts/{contract_id}/drift", json={"schema": {"columns": COLUMNS}})).json()
    assert words["changes"] == []


async def test_undoing_a_column_that_nobody_filled_and_one_that_somebody_did(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "undone", "discard_value")
    tier = (await merged(engineer, contract_id, [good(1, tier="gold")]))["drift"][0]
    vip = (await merged(engineer, contract_id, [good(2, vip=True)]))["drift"][0]
    await resolved(engineer, tier, "accept")
    await resolved(engineer, vip, "accept")
    await merged(engineer, contract_id, [good(3, tier="gold")])
    first = await undo(engineer, tier)
    assert (first.status_code, first.json()["code"]) == (409, "undo-impossible")
    assert "version 3" in first.json()["detail"], "what came later is undone first"
    undone = await undo(engineer, vip)
    assert (undone.status_code, undone.json()["status"]) == (200, "undone"), undone.text
    assert (await columns_of(engineer, contract_id)).keys() == {"id", "at", "v", "tier"}
    same = await merged(engineer, contract_id, [good(1), good(2), good(3, tier="gold")])
    assert counted(same) == {"unchanged": 3}, "rows are what they were before"
    second = await undo(engineer, tier)
    assert (second.status_code, second.json()["code"]) == (409, "undo-impossible"), second.text
    assert second.json()["obstacles"] == [{"column": "tier", "kind": "has-values", "rows": 1, "images": 0}]
    again = await merged(engineer, contract_id, [good(4, vip=True)])
    assert again["drift"] != [vip], "undone, it is reported anew"
    assert await relation_checks.findings(owner) == []


async def test_undoing_a_wider_type_while_all_values_still_fit(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "narrowed")
    await merged(engineer, contract_id, [good(1, 7)])
    report = await merged(engineer, contract_id, [good(2), good(3, 5_000_000_000)])
    (found,) = report["drift"]
    await resolved(engineer, found, "accept")
    undone = await undo(engineer, found)
    assert undone.status_code == 200, undone.text
    assert (await columns_of(engineer, contract_id))["v"] == "integer"
    (found,) = (await merged(engineer, contract_id, [good(1, 7), good(3, 5_000_000_000)]))["drift"]
    await resolved(engineer, found, "accept")
    await merged(engineer, contract_id, [good(3, 5_000_000_000)])
    refused = await undo(engineer, found)
    assert refused.json()["obstacles"] == [{"column": "v", "kind": "does-not-fit", "rows": 1, "images": 0}]
    assert await values(owner, "narrowed", "v") == {1: 7, 2: 1, 3: 5_000_000_000}
    assert await relation_checks.findings(owner) == []


async def test_an_undone_change_is_not_undone_again(engineer: httpx.AsyncClient) -> None:
    contract_id = await contract_with(engineer, "twice", "discard_value")
    (report,) = (await merged(engineer, contract_id, [good(1, vip=True)]))["drift"]
    accepted = await resolve(engineer, report, "accept")
    stale = await undo(engineer, report, **{"If-Match": '"another"'})
    assert stale.status_code == 412
    assert (await undo(engineer, report, **{"If-Match": accepted.headers["ETag"]})).status_code == 200
    assert (await undo(engineer, report)).json()["code"] == "undo-impossible"
    missing = await engineer.post(f"/api/drift/{report}/undo", json={})
    assert missing.status_code == 422


@pytest.mark.parametrize("role", ["VIEWER", "ANALYST"])
async def test_readers_see_drift_of_tables_that_they_see_and_decide_nothing(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, as_role: ClientOf, role: str
) -> None:
    reader = await as_role(role)
    shadow = await contract_with(engineer, "shadow", "discard_value")
    public = await contract_with(engineer, "public", "discard_value")
    await merged(engineer, public, [good(1)])
    await promoted(admin, "public")
    (hidden,) = (await merged(engineer, shadow, [good(1, vip=True)]))["drift"]
    (shown,) = (await merged(engineer, public, [good(1, vip=True)]))["drift"]
    assert [each["id"] for each in await all_drift(reader)] == [shown]
    assert (await drift(reader, shown))["status"] == "open"
    answer = await reader.get(f"/api/drift/{hidden}")
    assert (answer.status_code, answer.json()["code"]) == (404, "drift-not-found")
    for report in (shown, hidden):
        assert (await resolve(reader, report, "accept")).status_code == 403
        assert (await undo(reader, report)).status_code == 403
    assert {each["id"] for each in await all_drift(engineer)} == {shown, hidden}
    refused = await reader.post(f"/api/contracts/{public}/drift", json={"relation": True})
    assert refused.status_code == 403


async def test_reports_that_are_not_there_and_bad_ids(engineer: httpx.AsyncClient) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    for answer in (
        await engineer.get(f"/api/drift/{nobody}"),
        await resolve(engineer, nobody, "accept"),
        await undo(engineer, nobody),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "drift-not-found")
    assert (await engineer.get("/api/drift/none")).status_code == 422
    for params in ({"status": "lost"}, {"severity": "bad"}, {"cursor": "x"}, {"limit": 0}):
        assert (await engineer.get("/api/drift", params=params)).status_code == 422
