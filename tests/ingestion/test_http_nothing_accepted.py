"""Batches whose rows are all refused: a refusal that says why, rows in quarantine, an announcement; by every door."""

import gzip
import json
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.storage.object_storage import ObjectStorage
from app.kernel.telemetry.metrics import REGISTRY
from app.warehouse.refused_rows import REFUSED_AT_FIRST
from tests.census import census, differences
from tests.ingestion.steps import CSV, JSON, Row, counted, ndjson, raw_keys, register, send, stored, taken
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

LATER = {"Prefer": "respond-async"}
ROWS: list[Row] = [(1, 0, 10), (2, 1, 20)]

CHANGED = {
    "spyne.audit_log",
    "spyne.ingestion_history",
    "spyne.ingestion_quarantine",
    "spyne.ingestion_quarantine_totals",
}
"""What a batch of refused rows leaves."""

DRIFT = {"spyne.drift_reports", "spyne.drift_changes"}
"""What it leaves as well where its rows say something of the schema."""

REFUSED: list[tuple[str, str, bytes, dict[tuple[str, str | None], int]]] = [
    ("an object without fields", "application/x-ndjson", b"{}\n" * 3, {("missing-key", "id"): 3}),
    ("another case", "application/x-ndjson", b'{"ID": 1, "AT": "2026-01-01T00:00:00Z"}\n', {}),
    ("times without a zone", CSV, b"id,at,v\n1,2026-01-01 10:00,1\n2,2026-01-01 11:00,2\n", {("wrong-type", "at"): 2}),
    ("numbers as text", JSON, b'[{"id": "1", "at": "2026-01-01T00:00:00Z"}]', {("wrong-type", "id"): 1}),
    ("no JSON", "application/x-ndjson", b"x\n" * 5, {("malformed-line", None): 5}),
]


async def announced(owner: asyncpg.Connection) -> list[dict[str, Any]]:
    """What was announced of batches, the first first; empty without a channel."""
    found = await owner.fetch("SELECT payload FROM spyne.notification_outbox WHERE event LIKE 'batch:%' ORDER BY id")
    return [json.loads(row["payload"]) for row in found]


@pytest.mark.parametrize(("name", "media", "body", "faults"), REFUSED, ids=[case[0] for case in REFUSED])
@pytest.mark.parametrize("mode", ["upsert", "append", "replace"])
async def test_a_batch_of_refused_rows_is_refused_and_says_why(
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    name: str,
    media: str,
    body: bytes,
    faults: dict[tuple[str, str | None], int],
    mode: str,
) -> None:
    contract_id = await register(engineer, "things", mode)
    await taken(engineer, contract_id, ROWS)
    before, raws = await census(owner), await raw_keys(storage)
    answer = await send(engineer, contract_id, body, media)
    assert answer.status_code == 422, (name, answer.text)
    problem = answer.json()
    assert problem["code"] == "nothing-accepted"
    found = {(each["code"], each["column"]): each["rows"] for each in problem["fault_counts"]}
    assert found.items() >= faults.items(), (name, found)
    assert problem["rejected_rows"] == problem["received_rows"] == problem["quarantined_rows"] > 0
    assert problem["rejected_sample"][0]["faults"][0]["message"]
    assert set(differences(before, await census(owner))) - DRIFT == CHANGED
    assert await raw_keys(storage) == raws, "its sender still has it"
    assert len(await stored(owner, "things")) == 2
    report = (await engineer.get(problem["links"]["self"])).json()
    assert (report["id"], report["status"], report["counts"]["rejected"]) == (
        problem["batch_id"],
        "rejected",
        problem["rejected_rows"],
    )
    assert report["problem"]["code"] == "nothing-accepted"
    assert report["fault_counts"] == problem["fault_counts"]
    assert (report["quarantined_rows"], report["unkept_rows"]) == (problem["rejected_rows"], 0)
    kept = (await engineer.get(problem["links"]["quarantine"])).json()["items"]
    assert len(kept) == problem["rejected_rows"]
    assert [row["line"] for row in report["quarantined"]] == [row["line"] for row in kept]
    assert report["bytes"] == len(body)


ACCEPTED: list[tuple[str, bytes | list[Row], dict[str, int]]] = [
    ("no rows", b"", {}),
    ("known rows", ROWS, {"unchanged": 2}),
    ("rows that are too late", [(1, -5, 0)], {"late": 1}),
    ("one row among refused ones", ndjson([(3, 0, 0)]) + b"{}\n" * 50, {"inserted": 1, "rejected": 50}),
    ("a known row among refused ones", ndjson(ROWS[:1]) + b"{}\n" * 50, {"unchanged": 1, "rejected": 50}),
]


async def test_a_batch_with_any_verdict_but_rejected_is_taken(engineer: httpx.AsyncClient, things: str) -> None:
    await taken(engineer, things, ROWS)
    for name, body, counts in ACCEPTED:
        assert counted(await taken(engineer, things, body)) == counts, name


async def test_a_repetition_is_refused_with_the_same_answer(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    body = b"{}\n" * 3
    first = await send(engineer, things, body, key="k1")
    assert (first.status_code, first.headers.get("Idempotency-Replayed")) == (422, None)
    before = await census(owner)
    for headers in ({}, LATER):
        again = await send(engineer, things, body, key="k1", headers=headers)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (422, "true")
        assert again.headers["Location"] == first.json()["links"]["self"]
        same, shown = first.json(), again.json()
        assert same.pop("correlation_id") != shown.pop("correlation_id")
        assert shown == same
    assert differences(before, await census(owner)) == []
    other = await send(engineer, things, body + b"{}\n", key="k1")
    assert other.json()["code"] == "idempotency-key-reused"


async def test_a_dry_run_says_it_and_leaves_nothing(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage, things: str
) -> None:
    before = await census(owner)
    answer = await send(engineer, things, b"{}\n" * 3, dry_run=True, key="k1")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["rejected_rows"]) == (422, "nothing-accepted", 3)
    assert not {"batch_id", "quarantined_rows", "links"} & problem.keys()
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == []
    assert (await send(engineer, things, ROWS, key="k1")).status_code == 201


async def test_a_first_batch_of_refused_rows_gives_no_columns(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage
) -> None:
    contract_id = await register(engineer, "undeclared", declared=False)
    body = b'{"id": 1, "id": 1, "at": "2026-01-01T00:00:00Z"}\n' * 2
    answer = await send(engineer, contract_id, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "nothing-accepted"), answer.text
    report = (await engineer.get(f"/api/ingestion/batches/{problem['batch_id']}")).json()
    assert (report["status"], report["quarantined_rows"], report["unkept_rows"]) == ("rejected", 0, 2)
    assert report["problem"]["rejected_sample"][0]["code"] == "duplicate-field"
    assert (await engineer.get(f"/api/contracts/{contract_id}/schema")).status_code == 404
    assert await raw_keys(storage) == []
    assert counted(await taken(engineer, contract_id, ROWS)) == {"inserted": 2}
    assert await owner.fetchval("SELECT count(*) FROM spyne.ingestion_quarantine") == 0


async def test_a_limit_that_was_asked_for_comes_first(engineer: httpx.AsyncClient, things: str) -> None:
    for limit in ("0", "1", "50%"):
        answer = await send(engineer, things, b"{}\n" * 2, max_rejected=limit)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "reject-limit-exceeded")
        assert problem["fault_counts"][0]["code"] == "missing-key"
        report = (await engineer.get(f"/api/ingestion/batches/{problem['batch_id']}")).json()
        assert (report["status"], report["fault_counts"]) == ("failed", problem["fault_counts"])
    assert (await send(engineer, things, b"{}\n" * 2, max_rejected="2")).json()["code"] == "nothing-accepted"


async def test_who_waits_for_a_worker_hears_of_it(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    surroundings: Surroundings,
    things: str,
) -> None:
    target = {"name": "ears", "channel_type": "webhook", "target": "https://hooks.example.com/x"}
    made = await admin.post("/system/notify/channels", json=target | {"event_filter": ["batch:*"]})
    assert made.status_code == 201, made.text
    at_once = await send(engineer, things, b"{}\n")
    later = await send(engineer, things, b"{}\n" * 3, headers=LATER)
    assert later.status_code == 202, later.text
    place = later.headers["Location"]
    async with worker_process(surroundings):

        async def over() -> bool:
            return (await engineer.get(place)).json()["status"] != "pending"

        await eventually(over, 30)
    report = (await engineer.get(place)).json()
    assert (report["status"], report["counts"]["rejected"], report["quarantined_rows"]) == ("rejected", 3, 3)
    assert report["problem"]["code"] == "nothing-accepted"
    assert report["problem"]["batch_id"] == report["id"]
    assert await raw_keys(storage) == [f"raw/things_v1/{report['id']}.zst"], "its sender was told that we have it"
    told = await announced(owner)
    assert [each["batch_id"] for each in told] == [at_once.json()["batch_id"], report["id"]]
    assert {each["code"] for each in told} == {"nothing-accepted"}
    audited = await owner.fetch("SELECT action, outcome FROM spyne.audit_log WHERE action = 'batch:reject'")
    assert [tuple(row) for row in audited] == [("batch:reject", "failure")] * 2


async def test_refused_rows_count_in_the_metrics(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "refused")
    await send(engineer, contract_id, b"{}\n" * 7)
    found = REGISTRY.get_sample_value("spyne_ingestion_rows_total", {"contract_id": contract_id, "status": "rejected"})
    assert found == 7


@pytest.mark.slow
async def test_a_small_body_of_many_refused_rows_costs_little(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    packed = gzip.compress(b"{}\n" * 2_000_000)
    assert len(packed) < 10_000
    answer = await send(engineer, things, packed, headers={"Content-Encoding": "gzip"}, key="k1")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "nothing-accepted"), answer.text
    assert REFUSED_AT_FIRST < problem["received_rows"] < 10 * REFUSED_AT_FIRST, "the rest was not read"
    assert "not read" in problem["detail"]
    assert (problem["quarantined_rows"], len(problem["rejected_sample"])) == (10_000, 20)
    report = (await engineer.get(problem["links"]["self"])).json()
    assert report["unkept_rows"] == problem["received_rows"] - 10_000
    assert report["bytes"] == len(packed), "what was not read still tells requests apart"
    assert await owner.fetchval("SELECT count(*) FROM spyne.ingestion_quarantine") == 10_000
    again = await send(engineer, things, packed, headers={"Content-Encoding": "gzip"}, key="k1")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (422, "true")
    hidden = gzip.compress(ndjson(ROWS) + b"{}\n" * 2_000_000)
    answer = await send(engineer, things, hidden, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-dense"), "one good row makes it no better"
    assert await stored(owner, "things") == []
    assert await owner.fetchval("SELECT count(*) FROM spyne.ingestion_quarantine") == 10_000
