"""What once went wrong with joins: relations that fail, tables out of sight, answers that are old, ids that change."""

import asyncpg
import httpx
import pytest

from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.jobs import JOBS, SCHEDULES
from app.kernel.runtime.resources import Resources
from tests.catalog.joins.steps import CUSTOMERS, MANAGERS, accept, accepted, adopted, candidates, configured, refreshed
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import merged
from tests.query.asking import execute, preview

SMALL = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers AS SELECT g AS customer_id, 'name ' || g AS name FROM generate_series(1001, 1200) g;
CREATE TABLE shop.orders AS SELECT g AS order_id, 1001 + g % 150 AS customer_id FROM generate_series(5001, 5600) g;
"""
STOCKS = """
CREATE SCHEMA shop;
CREATE TABLE shop.stocks AS SELECT w AS warehouse_id, s AS sku_id FROM generate_series(11, 20) w,
  generate_series(501, 530) s;
CREATE TABLE shop.moves AS SELECT g AS move_id, 11 + g % 10 AS warehouse_id, 501 + g % 30 AS sku_id, g % 7 AS moved
  FROM generate_series(9001, 9600) g;
"""
WRITES = """
CREATE SEQUENCE shop.s; GRANT USAGE ON SEQUENCE shop.s TO PUBLIC;
CREATE VIEW shop.bad AS SELECT nextval('shop.s') AS customer_id
"""
FAILS = """
CREATE FUNCTION shop.fails() RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{}'; END $$;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE VIEW shop.bad AS SELECT shop.fails() AS customer_id FROM shop.customers
"""
A_PART = """
INSERT INTO spyne.join_candidates (id, left_table, left_table_id, left_columns, right_table, right_table_id,
  right_columns, cardinality, score, measure, reasons, warnings, measured_at)
SELECT $1, left_table, left_table_id, '["warehouse_id"]', right_table, right_table_id, '["warehouse_id"]', 'n:m', 0.3,
  measure, reasons, warnings, measured_at FROM spyne.join_candidates WHERE id = $2
"""
BOTH, ONE = "stocks__moves__warehouse_id__sku_id", "stocks__moves__warehouse_id"


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE MATERIALIZED VIEW shop.bad AS SELECT customer_id FROM shop.customers WITH NO DATA",
        WRITES,
        "CREATE VIEW shop.bad AS SELECT (SELECT order_id FROM shop.orders) AS customer_id FROM shop.customers",
        *map(FAILS.format, ("08001", "22000", "38000", "40001", "53100", "57014", "58030", "HV000", "XX000")),
    ],
)
async def test_whatever_a_relation_fails_with_stops_no_other(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, broken: str
) -> None:
    await adopted(admin, owner, f"{SMALL} {broken};")
    await refreshed(resources)
    assert set(await candidates(admin)) == {CUSTOMERS}
    await owner.execute("DROP TABLE shop.customers CASCADE; CREATE VIEW shop.customers AS SELECT 1 / 0 AS customer_id")
    await owner.execute("GRANT SELECT ON shop.customers TO PUBLIC")
    answer = await accept(admin, CUSTOMERS)
    assert (answer.status_code, answer.json()["code"]) == (409, "relation-unreadable")


async def test_new_rows_refer_to_new_ids(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(
        admin,
        owner,
        "CREATE SCHEMA shop; CREATE TABLE shop.clients AS SELECT g AS client_id FROM generate_series(1, 60000) g; "
        "CREATE TABLE shop.tickets AS SELECT g AS ticket_id, 59901 + g % 100 AS client_id "
        "FROM generate_series(7000001, 7000900) g; ANALYZE shop.clients;"
        "CREATE VIEW shop.guests AS SELECT client_id AS guest_id FROM shop.clients ORDER BY 1; "
        "CREATE TABLE shop.stays AS SELECT g AS stay_id, 55001 + g % 90 AS guest_id "
        "FROM generate_series(80001, 80300) g",
    )
    await refreshed(resources)
    assert {"clients__tickets__client_id", "guests__stays__guest_id"} <= set(await candidates(admin))


@pytest.mark.usefixtures("open_for_data")
async def test_no_text_names_a_table_that_the_reader_does_not_see(
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
) -> None:
    await adopted(
        admin,
        owner,
        "CREATE SCHEMA shop; CREATE TABLE shop.purchases AS SELECT g AS purchase_id, 100 + g % 40 AS hidden_buyer_id "
        "FROM generate_series(5001, 5300) g; CREATE TABLE shop.visits AS SELECT g AS visit_id, 100 + g % 50 AS "
        "hidden_buyer_id FROM generate_series(7001, 7400) g",
    )
    columns = [{"name": "hidden_buyer_id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
    semantics = {"mode": "upsert", "idempotency_key": ["hidden_buyer_id"], "event_time_column": "at"}
    semantics |= {"processing_time_column": "got", "dedupe_window": "5h", "conflict_resolution": "latest_wins"}
    body = {"endpoint": "/b", "table_name": "hidden_buyers", "ingestion_semantics": semantics}
    answer = await engineer.post("/api/contracts/register", json=body | {"schema": {"columns": columns}})
    assert answer.status_code == 201, answer.text
    rows = [{"hidden_buyer_id": 100 + n, "at": "2026-01-01T00:00:00Z"} for n in range(60)]
    await merged(engineer, "hidden_buyers_v1", rows)
    await refreshed(resources)
    assert "hidden_buyers__visits__hidden_buyer_id" in await candidates(engineer)
    seen = await candidates(analyst, min_score=0)
    assert seen, "both of purchases and visits are seen"
    assert "hidden_buyers" not in str(seen)


@pytest.mark.usefixtures("open_for_data")
async def test_numbers_of_another_version_are_not_said_of_the_one_that_is_read(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
) -> None:
    await adopted(admin, owner, f"{SMALL} DROP TABLE shop.customers;")
    columns = [{"name": "customer_id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
    semantics = {"mode": "upsert", "idempotency_key": ["customer_id"], "event_time_column": "at"}
    semantics |= {"processing_time_column": "got", "dedupe_window": "5h", "conflict_resolution": "latest_wins"}
    body = {"endpoint": "/c", "table_name": "customers", "ingestion_semantics": semantics}
    for version, rows in ((1, 200), (2, 40)):
        more = {"schema": {"columns": columns}, "max_rejected": {"rows": version}}
        answer = await engineer.post("/api/contracts/register", json=body | more)
        assert answer.status_code == 201, answer.text
        sent = [{"customer_id": 1001 + n, "at": "2026-01-01T00:00:00Z"} for n in range(rows)]
        await merged(engineer, f"customers_v{version}", sent)
        if version == 1:
            await promoted(admin, "customers")
            await refreshed(resources)
            await accepted(admin, CUSTOMERS)
            reason = {"reason": "as the test wants"}
            assert (await admin.post("/api/tables/customers/deprecate", json=reason)).status_code == 200
    await refreshed(resources)
    assert (await analyst.get(f"/api/joins/{CUSTOMERS}")).status_code == 404, "it was measured with a version in SHADOW"
    sql = "SELECT count(*) FROM orders o JOIN customers c ON c.customer_id = o.customer_id"
    shown = await preview(analyst, sql, include_deprecated=["customers"])
    (join,) = shown["joins"]
    assert (join["join_id"], join["cardinality"]) == (CUSTOMERS, None)
    assert "%" not in str(shown["joins"]) + str(shown["warnings"])
    assert "another version of customers" in join["decay"]


async def test_answers_of_other_data_are_asked_again(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, STOCKS)
    await refreshed(resources)
    before = (await candidates(admin))[BOTH]
    assert (before["containment"]["left_to_right"], before["exact"]) == (1.0, True)
    await owner.execute("UPDATE shop.stocks SET sku_id = sku_id + 1000 WHERE (warehouse_id + sku_id) % 2 = 0")
    await refreshed(resources)
    found = (await candidates(admin, min_score=0)).get(BOTH)
    assert found is None or found["containment"]["left_to_right"] < 0.6


async def test_answers_of_about_the_same_data_are_kept_and_not_called_exact(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, STOCKS)
    await refreshed(resources)
    answered = "SELECT max(answered_at) FROM spyne.join_answers"
    at = await owner.fetchval(answered)
    await refreshed(resources)
    assert await owner.fetchval(answered) == at
    assert (await candidates(admin))[BOTH]["exact"]
    await owner.execute("INSERT INTO shop.moves VALUES (9999, 11, 501, 1)")
    await refreshed(resources)
    assert await owner.fetchval(answered) == at
    assert not (await candidates(admin))[BOTH]["exact"]
    await refreshed(resources, Depth.ANEW)
    assert await owner.fetchval(answered) > at
    assert (await candidates(admin))[BOTH]["exact"]


async def test_a_rejection_holds_whatever_else_is_found(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, SMALL)
    await refreshed(resources)
    answer = await admin.post(f"/api/joins/candidates/{CUSTOMERS}/reject", json={"reason": "other"})
    assert answer.status_code == 200, answer.text
    await owner.execute("ALTER TABLE shop.customers ADD COLUMN id int; UPDATE shop.customers SET id = customer_id")
    await refreshed(resources)
    found = await candidates(admin, min_score=0, status="suggested")
    assert not any(each["condition"] == "orders.customer_id = customers.customer_id" for each in found.values())


async def test_a_join_is_known_through_a_part_of_with(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner)
    await refreshed(resources)
    await accepted(admin, MANAGERS)
    await configured(admin, resources, {"query.require_accepted_joins": True})
    sql = (
        "WITH e AS (SELECT * FROM employees) SELECT a.name, b.name AS boss FROM e a "
        "JOIN e b ON a.manager_id = b.employee_id"
    )
    assert (await preview(analyst, sql))["joins"][0]["join_id"] == MANAGERS


async def test_where_more_is_equal_than_was_measured_numbers_are_bounds(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, STOCKS)
    await refreshed(resources)
    await owner.execute(A_PART, ONE, BOTH)
    await accepted(admin, ONE, override_rationale="Any stock of the warehouse will do.")
    wide = (
        "SELECT sum(m.moved) AS moved FROM moves m JOIN stocks s "
        "ON s.warehouse_id = m.warehouse_id AND s.sku_id = m.sku_id"
    )
    shown = await preview(analyst, wide)
    assert shown["fan_outs"] == []
    assert (shown["joins"][0]["join_id"], shown["joins"][0]["cardinality"]) == (ONE, None)
    assert "at most 30 rows of stocks" in shown["joins"][0]["effect"]
    await accepted(admin, BOTH)
    answer = await execute(analyst, shown["preview_id"])
    assert answer.status_code == 200, "a join that is accepted later changes nothing that the preview said"
    assert (await admin.get(f"/api/joins/{ONE}")).json()["usage"]["executions"] == 1
    assert (await preview(analyst, wide))["joins"][0]["join_id"] == BOTH


def test_looks_are_one_kind_of_job_of_which_one_runs() -> None:
    (job,) = JOBS
    assert job.concurrency == 1
    assert {schedule.job for schedule in SCHEDULES} == {job.name}


async def test_a_view_that_is_too_slow_is_not_tried_again_every_few_minutes(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await configured(admin, resources, {"joins.look-seconds": 0.3})
    endless = "CREATE VIEW shop.endless AS SELECT g AS customer_id FROM generate_series(1, 1000000000) g"
    await adopted(admin, owner, f"{SMALL} {endless};")
    assert (await refreshed(resources, Depth.TOUCHED)).changed == 3
    at = "SELECT measured_at FROM spyne.join_evidence WHERE failure IS NOT NULL"
    tried = await owner.fetchval(at)
    assert (await refreshed(resources, Depth.TOUCHED)).changed == 0
    assert await owner.fetchval(at) == tried
    await refreshed(resources)
    assert await owner.fetchval(at) > tried


async def test_a_table_that_becomes_too_slow_is_counted_and_keeps_what_is_known(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, SMALL)
    await refreshed(resources)
    await configured(admin, resources, {"joins.look-seconds": 0.3})
    await owner.execute(
        "ALTER TABLE shop.customers RENAME TO known; CREATE VIEW shop.customers AS "
        "SELECT g::int AS customer_id, 'x' AS name FROM generate_series(1, 1000000000) g; "
        "GRANT SELECT ON shop.customers TO PUBLIC"
    )
    await refreshed(resources)
    assert CUSTOMERS in await candidates(admin)
    assert await owner.fetchval("SELECT count(*) FROM spyne.join_evidence WHERE failure IS NOT NULL AND usable") == 1


async def test_a_candidate_that_went_and_came_back_is_another_one(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, SMALL)
    await refreshed(resources)
    path = f"/api/joins/candidates/{CUSTOMERS}"
    before = (await admin.get(path)).headers["ETag"]
    await owner.execute("ALTER TABLE shop.orders RENAME customer_id TO other")
    await refreshed(resources)
    assert (await admin.get(path)).status_code == 404
    await owner.execute("ALTER TABLE shop.orders RENAME other TO customer_id")
    await owner.execute("UPDATE shop.orders SET customer_id = 99 WHERE order_id < 5005")
    await refreshed(resources)
    body = {"candidate_id": CUSTOMERS, "rationale": "as the test wants"}
    answer = await admin.post("/api/joins/accept", json=body, headers={"If-Match": before})
    assert answer.status_code == 412
    now = (await admin.get(path)).headers["ETag"]
    assert (await admin.post("/api/joins/accept", json=body, headers={"If-Match": now})).status_code == 201


async def test_texts_of_any_collation_and_days_of_any_year(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(
        admin,
        owner,
        'CREATE SCHEMA shop; CREATE TABLE shop.codes (code_id text COLLATE "C", day date); '
        'CREATE TABLE shop.uses (use_id int, code_id text COLLATE "POSIX"); '
        "INSERT INTO shop.codes SELECT 'K' || g, '2026-01-01' FROM generate_series(1, 50) g; "
        "INSERT INTO shop.codes VALUES ('K51', '300000-01-01'), ('K52', 'infinity'), ('K53', '-infinity'); "
        "INSERT INTO shop.uses SELECT g, 'K' || 1 + g % 40 FROM generate_series(1, 200) g",
    )
    await refreshed(resources)
    assert (await accepted(admin, "codes__uses__code_id"))["now"]["orphans"] == 0
