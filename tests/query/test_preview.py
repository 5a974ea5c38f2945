"""Previews over HTTP: what they say, what they refuse, and what they leave behind."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.tables.lifecycle import TableState
from app.kernel.telemetry.metrics import exposition
from tests.conftest import ClientOf
from tests.query.asking import preview, rows
from tests.query.conftest import Warehouse

JOIN = (
    "SELECT a.name, count(*) AS n, avg(f.dep_delay) AS d FROM flights f JOIN airlines a ON a.carrier = f.carrier "
    "GROUP BY a.name ORDER BY n DESC LIMIT 3"
)


async def _kept(owner: "asyncpg.Connection[Any]") -> int:
    return int(await owner.fetchval("SELECT count(*) FROM spyne.query_previews"))


@pytest.mark.usefixtures("flights")
async def test_a_preview_says_what_will_run_on_what_and_within_which_bounds(analyst: httpx.AsyncClient) -> None:
    found = await preview(analyst, JOIN)
    assert [(table["name"], table["version"], table["state"]) for table in found["tables"]] == [
        ("airlines", 1, "ACTIVE"),
        ("flights", 1, "ACTIVE"),
    ]
    assert found["tables"][1]["columns"] == ["carrier", "dep_delay"]
    assert [(column["name"], column["type"]) for column in found["columns"]] == [
        ("name", "text"),
        ("n", "bigint"),
        ("d", "numeric"),
    ]
    unknown = dict.fromkeys(("join_id", "join_version", "cardinality", "effect", "decay"))
    assert found["joins"] == [
        {"left": "flights", "right": "airlines", "kind": "inner", "pairs": [["carrier", "carrier"]]} | unknown
    ]
    assert '"flights" AS "f"' in found["sql"]
    assert "__v1" not in found["sql"]
    assert found["estimate"]["cost"] > 0
    assert found["estimate"]["bytes"] > 0
    assert found["estimate"]["rows"] == 3
    assert {rule["rule"] for rule in found["guardrails"]} >= {"row-cap", "byte-cap", "cost-ceiling", "timeout"}
    assert (found["confidence"], found["alternatives"], found["state"]) == (1.0, [], "ready")
    assert len(found["sql_hash"]) == 64


@pytest.mark.usefixtures("flights")
async def test_the_logical_sql_of_a_preview_previews_to_the_same(analyst: httpx.AsyncClient) -> None:
    first = await preview(analyst, JOIN)
    again = await preview(analyst, first["sql"])
    assert (again["sql"], again["sql_hash"]) == (first["sql"], first["sql_hash"])
    assert again["preview_id"] != first["preview_id"]


@pytest.mark.usefixtures("flights")
async def test_a_preview_is_its_owners_alone(analyst: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    made = await preview(analyst, JOIN)
    mine = await analyst.get(f"/api/query/previews/{made['preview_id']}")
    assert mine.json() == made
    theirs = await admin.get(f"/api/query/previews/{made['preview_id']}")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "not-found")


@pytest.mark.usefixtures("flights")
async def test_a_question_that_is_not_understood_keeps_no_preview(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    answer = await analyst.post("/api/query/preview", json={"query": "show me top 10 airlines"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot-answer")
    assert "what the top rows are ranked by" in answer.json()["detail"]
    assert await _kept(owner) == 0


@pytest.mark.usefixtures("flights")
async def test_a_refusal_names_rule_place_and_nearest_form_and_is_counted(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    def counted() -> float:
        series = 'spyne_query_guardrail_triggered_total{type="function-not-allowed"}'
        lines = [line for line in exposition().decode().splitlines() if line.startswith(series)]
        return float(lines[0].split()[-1]) if lines else 0.0

    before = counted()
    answer = await analyst.post("/api/query/preview", json={"sql": "SELECT carrier,\n nvl(name, 'x') FROM airlines"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "query-refused")
    refusal = problem["guardrails"][0]
    assert (refusal["rule"], refusal["verdict"]) == ("function-not-allowed", "refused")
    assert (refusal["place"]["line"], refusal["place"]["column"]) == (2, 2)
    assert refusal["nearest"] == "coalesce(a, b)"
    assert problem["faults"][0]["pointer"] == "/sql"
    assert counted() == before + 1
    assert await _kept(owner) == 0


@pytest.mark.usefixtures("flights")
async def test_an_unknown_table_is_404_with_the_nearest(analyst: httpx.AsyncClient) -> None:
    answer = await analyst.post("/api/query/preview", json={"sql": "SELECT * FROM flihgts"})
    assert (answer.status_code, answer.json()["code"]) == (404, "table-not-found")
    assert "flights" in answer.json()["nearest"]["flihgts"]


@pytest.mark.usefixtures("flights")
async def test_an_unknown_alias_is_a_refusal_and_no_missing_table(analyst: httpx.AsyncClient) -> None:
    answer = await analyst.post("/api/query/preview", json={"sql": "SELECT g.year FROM flights f"})
    assert (answer.status_code, answer.json()["code"]) == (422, "query-refused")


@pytest.mark.parametrize("state", [TableState.SHADOW, TableState.DEPRECATED])
@pytest.mark.parametrize("role", ["VIEWER", "ADMIN"])
async def test_shadow_and_deprecated_tables_are_not_there_by_name(
    warehouse: Warehouse, as_role: ClientOf, state: TableState, role: str
) -> None:
    await warehouse.table("orders", "id integer", state=state)
    client = await as_role(role)
    answer = await client.post("/api/query/preview", json={"sql": "SELECT id FROM orders"})
    assert (answer.status_code, answer.json()["code"]) == (404, "table-not-found")
    hinted = "include_deprecated" in answer.json()["detail"]
    assert hinted is (state is TableState.DEPRECATED)


async def test_a_shadow_table_is_never_read_by_flag(warehouse: Warehouse, admin: httpx.AsyncClient) -> None:
    await warehouse.table("orders", "id integer", state=TableState.SHADOW)
    body = {"sql": "SELECT id FROM orders", "options": {"include_deprecated": ["orders"]}}
    assert (await admin.post("/api/query/preview", json=body)).status_code == 404


async def test_a_deprecated_table_is_read_when_it_is_asked_for_and_warned_of(
    warehouse: Warehouse, analyst: httpx.AsyncClient
) -> None:
    await warehouse.table("orders", "id integer", "SELECT 7", state=TableState.DEPRECATED)
    found = await preview(analyst, "SELECT id FROM orders", include_deprecated=["orders"])
    assert found["tables"][0]["state"] == "DEPRECATED"
    assert any("DEPRECATED" in warning for warning in found["warnings"])
    assert await rows(analyst, "SELECT id FROM orders", include_deprecated=["orders"]) == [[7]]


async def test_a_name_means_its_active_version_also_beside_a_deprecated_one(
    warehouse: Warehouse, analyst: httpx.AsyncClient
) -> None:
    await warehouse.table("orders", "id integer", "SELECT 1", version=1)
    await warehouse.table("orders", "id integer", "SELECT 2", version=2)
    assert await rows(analyst, "SELECT id FROM orders", include_deprecated=["orders"]) == [[2]]


async def test_a_read_only_table_is_read(warehouse: Warehouse, analyst: httpx.AsyncClient) -> None:
    table = await warehouse.table("orders", "id integer", "SELECT 1", state=TableState.SHADOW)
    await warehouse.promote(table, TableState.READ_ONLY)
    assert await rows(analyst, "SELECT * FROM orders") == [[1]]


@pytest.mark.usefixtures("flights")
async def test_a_statement_above_the_ceiling_of_the_role_is_too_expensive(
    as_role: ClientOf, owner: "asyncpg.Connection[Any]"
) -> None:
    sql = (
        "SELECT sum(sqrt(CAST(a.x AS double precision) * b.y * 2)) FROM generate_series(1, 100000) a (x) "
        "JOIN generate_series(1, 100000) b (y) ON a.x % 2 = b.y % 2"
    )
    answer = await (await as_role("VIEWER")).post("/api/query/preview", json={"sql": sql})
    assert (answer.status_code, answer.json()["code"]) == (422, "too-expensive")
    assert answer.json()["estimate"]["cost"] > answer.json()["ceiling"]
    assert await _kept(owner) == 0
    await preview(await as_role("ADMIN"), sql)


async def test_a_plan_that_reads_more_than_was_checked_is_refused(
    warehouse: Warehouse, analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    """Here by a policy on the rows, which stands in no text that the guard sees."""
    await warehouse.table("orders", "id integer", "SELECT 1")
    await preview(analyst, "SELECT id FROM orders")
    await owner.execute(
        "CREATE SCHEMA theirs; CREATE TABLE theirs.lookup (id integer);"
        "GRANT USAGE ON SCHEMA theirs TO spyne_app, spyne_query; GRANT SELECT ON theirs.lookup TO spyne_query;"
        "SET ROLE spyne_app; ALTER TABLE data.orders__v1 ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY listed ON data.orders__v1 TO spyne_query USING (id IN (SELECT id FROM theirs.lookup));"
        "RESET ROLE"
    )
    answer = await analyst.post("/api/query/preview", json={"sql": "SELECT id FROM orders"})
    assert (answer.status_code, answer.json()["code"]) == (422, "plan-mismatch")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT carrier, count(*) FROM flights",
        "SELECT name + 1 FROM airlines",
        "SELECT CAST('x' AS integer)",
        "SELECT sum(name) FROM airlines",
        "SELECT carrier FROM airlines UNION SELECT year FROM flights",
    ],
)
@pytest.mark.usefixtures("flights")
async def test_what_postgresql_does_not_understand_is_the_callers_fault(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", sql: str
) -> None:
    answer = await analyst.post("/api/query/preview", json={"sql": sql})
    assert (answer.status_code, answer.json()["code"]) == (422, "query-failed"), answer.text
    assert "__v1" not in answer.text
    assert await _kept(owner) == 0


@pytest.mark.usefixtures("flights")
async def test_an_override_of_joins_needs_the_permission_and_is_recorded(
    as_role: ClientOf, owner: "asyncpg.Connection[Any]"
) -> None:
    body = {"sql": JOIN, "options": {"override_joins": "comparing codes by hand"}}
    viewer = await (await as_role("VIEWER")).post("/api/query/preview", json=body)
    assert (viewer.status_code, viewer.json()["code"]) == (403, "forbidden")
    admin = await (await as_role("ADMIN")).post("/api/query/preview", json=body)
    assert admin.status_code == 200, admin.text
    entry = await owner.fetchrow("SELECT entity_id, after FROM spyne.audit_log WHERE action = 'query:override-joins'")
    assert entry is not None
    assert entry["entity_id"] == admin.json()["preview_id"]
    assert "comparing codes by hand" in entry["after"]


@pytest.mark.usefixtures("flights")
async def test_validation_gives_verdicts_and_keeps_nothing(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    bad = (await analyst.post("/api/query/validate", json={"sql": "DELETE FROM flights"})).json()
    assert bad["allowed"] is False
    assert bad["guardrails"][0]["rule"] == "statement-kind"
    good = (await analyst.post("/api/query/validate", json={"sql": JOIN})).json()
    assert (good["allowed"], good["guardrails"]) == (True, [])
    assert [table["name"] for table in good["tables"]] == ["airlines", "flights"]
    unknown = (await analyst.post("/api/query/validate", json={"sql": "SELECT 1 FROM flihgts"})).json()
    assert unknown["guardrails"][0]["nearest"].startswith("flights")
    assert await _kept(owner) == 0


@pytest.mark.usefixtures("warehouse")
async def test_an_adopted_view_and_a_partitioned_table_may_be_read(
    admin: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    await owner.execute(
        "CREATE SCHEMA theirs; CREATE TABLE theirs.base (id integer, secret text);"
        "INSERT INTO theirs.base VALUES (1, 'x'); CREATE VIEW theirs.shown AS SELECT id FROM theirs.base;"
        "CREATE TABLE theirs.parts (id integer) PARTITION BY RANGE (id);"
        "CREATE TABLE theirs.parts_1 PARTITION OF theirs.parts FOR VALUES FROM (0) TO (10);"
        "INSERT INTO theirs.parts VALUES (3)"
    )
    for relation in ("shown", "parts"):
        answer = await admin.post("/api/tables/adopt", json={"relations": [f"theirs.{relation}"], "reason": "a test"})
        assert answer.status_code in {200, 201}, answer.text
    assert await rows(admin, "SELECT id FROM shown") == [[1]]
    assert await rows(admin, "SELECT id FROM parts") == [[3]]
