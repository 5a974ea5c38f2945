"""`POST /api/contracts/{id}/drift`: a schema, rows or the relation that is there, compared on demand."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.census import census, differences
from tests.ingestion.drift.steps import all_drift, contract_with, good, merged, resolve, resolved, said
from tests.ingestion.steps import COLUMNS, at, register

pytestmark = pytest.mark.usefixtures("open_for_data")


async def compared(client: httpx.AsyncClient, reference: str, *, dry_run: bool = False, **body: Any) -> dict[str, Any]:
    """The report of what differs."""
    answer = await client.post(f"/api/contracts/{reference}/drift", json=body, params={"dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert answer.headers.get("Location") == (f"/api/drift/{document['id']}" if document["id"] else None)
    return document


def kinds(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Rule, column and severity of each change."""
    return {(change["rule"], change["column"], change["severity"]) for change in report["changes"]}


OTHER = {
    "columns": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": "timestamp with time zone"},
        {"name": "v", "type": "string"},
        {"name": "tier", "type": "varchar(20)", "nullable": True},
    ]
}


async def test_a_schema_of_another_system(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things")
    same = await compared(engineer, contract_id, schema={"columns": COLUMNS})
    assert (same["id"], same["changes"], same["status"]) == (None, [], None)
    report = await compared(engineer, contract_id, schema=OTHER)
    assert kinds(report) == {("other-family", "v", "BREAKING"), ("column-added", "tier", "COMPATIBLE")}
    assert (report["source"], report["status"], report["severity"], report["rows"]) == (
        "request",
        "open",
        "BREAKING",
        0,
    )
    again = await compared(engineer, contract_id, schema=OTHER)
    assert (again["id"], again["times_seen"]) == (report["id"], 2), "one difference, one report"
    await resolved(engineer, report["id"], "reject")
    assert (await compared(engineer, contract_id, schema=OTHER))["status"] == "rejected"
    assert len(await all_drift(engineer)) == 1


async def test_what_spyne_says_of_a_schema_is_an_input(engineer: httpx.AsyncClient) -> None:
    described = [{"description": "Key", "labels": ["key"], "sensitivity": "private"}, *({} for _ in COLUMNS[1:])]
    columns = [column | words for column, words in zip(COLUMNS, described, strict=True)]
    contract_id = await register(engineer, "things", schema={"columns": columns})
    answered = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    for schema in ({"columns": columns}, {"columns": answered["columns"]}, answered):
        assert (await compared(engineer, contract_id, schema=schema))["changes"] == []


async def test_semantics_beside_a_schema(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things")
    report = await compared(
        engineer,
        contract_id,
        schema={"columns": COLUMNS},
        ingestion_semantics={"mode": "append", "idempotency_key": ["id", "at"], "conflict_resolution": "reject"},
    )
    assert {change["rule"] for change in report["changes"]} == {
        "mode-changed",
        "key-changed",
        "conflict-resolution-changed",
    }
    same = await compared(
        engineer, contract_id, schema={"columns": COLUMNS}, ingestion_semantics={"dedupe_window": "PT5H"}
    )
    assert same["changes"] == [], "the same window in another notation"
    for window, rule in (("6h", "dedupe-window-longer"), ("PT4H", "dedupe-window-shorter")):
        semantics = {"dedupe_window": window, "mode": None}
        other = await compared(engineer, contract_id, schema={"columns": COLUMNS}, ingestion_semantics=semantics)
        assert [change["rule"] for change in other["changes"]] == [rule]


async def test_checks_of_another_system(engineer: httpx.AsyncClient) -> None:
    columns = [*COLUMNS[:2], COLUMNS[2] | {"checks": [{"type": "min", "value": 0}]}]
    contract_id = await register(engineer, "things", columns=columns)
    assert (await compared(engineer, contract_id, schema={"columns": columns}))["changes"] == []
    checks = [{"type": "min", "value": 5}, {"type": "not_null"}]
    other = [*COLUMNS[:2], COLUMNS[2] | {"checks": checks}]
    report = await compared(engineer, contract_id, schema={"columns": other})
    assert kinds(report) == {("check-tightened", "v", "BREAKING"), ("made-required", "v", "BREAKING")}


async def test_sample_rows_are_read_as_those_of_a_batch(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await register(engineer, "things")
    rows = [good(1, 5_000_000_000, vip=True), good(2, vip=None)]
    report = await compared(engineer, contract_id, rows=rows)
    assert kinds(report) == {("widened", "v", "COMPATIBLE"), ("column-added", "vip", "COMPATIBLE")}
    assert report["rows"] == 2
    assert {change["column"]: change["rows"] for change in report["changes"]} == {"v": 1, "vip": 2}
    assert await owner.fetchval("SELECT count(*) FROM data.things__v1") == 0
    gone = await compared(engineer, contract_id, rows=[{"id": 1, "at": at(0)}])
    assert said(gone) == [("REMOVE", "v")]
    odd: list[dict[str, Any]] = [{}, {"id": {"a": []}, "at": None, "v": "x" * 10_000, "": 1, "a/b": 2}]
    assert (await compared(engineer, contract_id, rows=odd))["id"] is not None


async def test_a_dry_run_keeps_nothing(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await register(engineer, "things")
    await merged(engineer, contract_id, [good(1)])
    await compared(engineer, contract_id, relation=True)
    before = await census(owner)
    for body in ({"schema": OTHER}, {"rows": [good(1, vip=True)]}):
        report = await compared(engineer, contract_id, dry_run=True, **body)
        assert (report["id"], report["status"], report["resolution"], report["times_seen"]) == (None, None, None, 0)
        assert report["changes"]
    assert differences(before, await census(owner)) == []


async def test_the_relation_of_a_governed_table(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await contract_with(engineer, "things", "evolve", "evolve")
    await merged(engineer, contract_id, [good(1)])
    await merged(engineer, contract_id, [good(2, 5_000_000_000, vip=True)])
    same = await compared(engineer, contract_id, relation=True)
    assert (same["id"], same["changes"]) == (None, []), "what a contract takes on is no drift of its relation"
    await owner.execute("ALTER TABLE data.things__v1 RENAME COLUMN vip TO very")
    seen = await compared(engineer, contract_id, relation=True, dry_run=True)
    assert (said(seen), seen["id"]) == ([("RENAME", "vip")], None)
    report = await compared(engineer, contract_id, relation=True)
    assert (said(report), report["source"], report["status"]) == ([("RENAME", "vip")], "relation", "open")
    assert report["changes"][0]["confidence"] is None, "the column's number says so: nothing is guessed"
    await owner.execute("ALTER TABLE data.things__v1 RENAME COLUMN very TO vip")
    assert (await compared(engineer, contract_id, relation=True))["changes"] == []
    (closed,) = await all_drift(engineer, severity="BREAKING")
    assert (closed["id"], closed["status"]) == (report["id"], "undone"), "as it was again: nothing is left to decide"


async def test_the_relation_of_an_adopted_table(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer)")
    adopted = await admin.post("/api/tables/adopt", json={"relations": ["shop.orders"]})
    assert adopted.status_code == 200, adopted.text
    assert (await compared(engineer, "orders", relation=True))["changes"] == []
    await owner.execute("ALTER TABLE shop.orders ALTER total TYPE bigint, ADD note text")
    report = await compared(engineer, "orders", relation=True)
    assert kinds(report) == {("widened", "total", "COMPATIBLE"), ("column-added", "note", "COMPATIBLE")}
    assert (report["contract_id"], report["table"]) == (None, "orders@1")
    contract_id = await register(engineer, "things")
    for table, known in (("orders", "customers_v1"), ("things", contract_id), ("things@1", contract_id)):
        for field, body in (("schema", {"columns": COLUMNS}), ("rows", [{"id": 1}])):
            wrong = await engineer.post(f"/api/contracts/{table}/drift", json={field: body})
            assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid-comparison"), wrong.text
            (fault,) = wrong.json()["faults"]
            assert fault["pointer"] == f"/{field}"
            assert known in fault["message"], fault
    refused = await engineer.post(
        f"/api/drift/{report['id']}/resolve", json={"action": "new_version", "note": "not for adopted tables"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-decision")
    assert (await resolve(engineer, report["id"], "accept")).status_code == 403, "who may adopt decides"
    await resolved(admin, report["id"], "accept")
    assert (await compared(engineer, "orders", relation=True))["changes"] == []
    await owner.execute("DROP TABLE shop.orders")
    gone = await compared(engineer, "orders", relation=True)
    assert [change["rule"] for change in gone["changes"]] == ["relation-gone"]
    stuck = await admin.post(f"/api/drift/{gone['id']}/resolve", json={"action": "accept", "note": "it is gone"})
    assert 400 <= stuck.status_code < 500, stuck.text


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({}, "exactly one of schema, rows and relation"),
    ({"relation": False}, "exactly one of schema, rows and relation"),
    ({"relation": True, "rows": [{"id": 1}]}, "exactly one of schema, rows and relation"),
    ({"rows": []}, "at least 1"),
    ({"rows": [1]}, "dictionary"),
    ({"schema": {"columns": []}}, "at least 1"),
    ({"schema": {"columns": [{"type": "text"}]}}, "Field required"),
    ({"schema": {"columns": [{"name": "id", "kind": "text"}]}}, "Extra inputs"),
    ({"relation": True, "ingestion_semantics": {}}, "stand beside a schema"),
    ({"rows": [{"id": 1}], "sample": True}, "Extra inputs"),
    ({"rows": [{"id": n} for n in range(1_001)]}, "at most 1000"),
    ({"schema": {"columns": [{"name": "id"}, {"name": "id", "type": "text"}]}}, "a name of its own"),
    ({"schema": {"columns": [{"name": "v", "checks": [{"kind": "none"}]}]}}, "The field 'type' is missing"),
    ({"schema": {"columns": [{"name": "v", "checks": [{"type": "one_of"}]}]}}, "Field required"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"dedupe_window": "soon"}}, "24h"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"dedupe_window": 7}}, "valid string"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"mode": "merge"}}, "'upsert'"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"idempotency_key": "id"}}, "valid list"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"idempotency_key": [1]}}, "valid string"),
    ({"schema": {"columns": COLUMNS}, "ingestion_semantics": {"window": "1h"}}, "Extra inputs"),
]


async def test_wrong_bodies_are_refused_with_what_is_right(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things")
    before = await census(owner)
    for body, message in FAULTY:
        answer = await engineer.post(f"/api/contracts/{contract_id}/drift", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert any(message in fault["message"] for fault in answer.json()["faults"]), (body, answer.text)
    assert differences(before, await census(owner)) == []


ODD: list[dict[str, Any]] = [
    {"columns": [{"name": "v", "type": "integer", "checks": [{"type": "min", "value": "a"}]}]},
    {"columns": [{"name": "v", "checks": [{"type": "pattern", "value": "("}, {"type": "pattern", "value": ""}]}]},
    {"columns": [{"name": "v", "type": "array<" * 36 + "int" + ">" * 36}]},
    {"columns": [{"name": "v/~1", "type": "struct<a:int,a:int", "default": {"a": [1, None]}}]},
    {"columns": [{"name": "\U0001f600" * 100, "type": "numeric(99999999999999999999, -7)"}]},
]


async def test_whatever_is_written_is_no_fault_of_the_service(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things")
    for schema in ODD:
        report = await compared(engineer, contract_id, schema=schema)
        kept = await engineer.get(f"/api/drift/{report['id']}")
        assert kept.json()["changes"] == report["changes"]


async def test_what_cannot_be_compared(engineer: httpx.AsyncClient) -> None:
    undeclared = await register(engineer, "undeclared", declared=False)
    for reference, body in (
        (undeclared, {"rows": [{"id": 1}]}),
        ("nothing_v1", {"relation": True}),
        ("nothing", {"relation": True}),
    ):
        answer = await engineer.post(f"/api/contracts/{reference}/drift", json=body)
        assert answer.status_code == 404, answer.text
