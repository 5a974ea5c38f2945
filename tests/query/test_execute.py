"""Executions over HTTP: once, by the owner, in time, on what was previewed; and how they end."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from app.catalog.tables.lifecycle import TableState
from app.query.results import limits
from tests.conftest import ClientOf
from tests.query.asking import SLOW, ask, execute, preview, rows, until_running
from tests.query.conftest import Warehouse
from tests.waiting import eventually, known_at_the_door

NUMBERS = "SELECT x FROM generate_series(1, 1000) AS s (x)"


async def _executions(owner: "asyncpg.Connection[Any]") -> list[Any]:
    return list(await owner.fetch("SELECT * FROM spyne.query_executions ORDER BY id"))


@pytest.mark.usefixtures("flights")
async def test_a_preview_is_executed_once(analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]") -> None:
    made = await preview(analyst, "SELECT carrier, name FROM airlines ORDER BY name LIMIT 2")
    first = await execute(analyst, made["preview_id"])
    assert first.status_code == 200, first.text
    body = first.json()
    assert body["columns"] == [{"name": "carrier", "type": "text"}, {"name": "name", "type": "text"}]
    assert body["rows"] == [["A1", "Airline 1"], ["A10", "Airline 10"]]
    assert (body["row_count"], body["truncated"], body["truncated_by"]) == (2, False, None)
    assert "airlines (version 1, ACTIVE)" in body["explanation"]
    assert first.headers["Spyne-Execution-Id"] == body["execution_id"]
    assert first.headers["Cache-Control"] == "no-store"
    second = await execute(analyst, made["preview_id"])
    assert (second.status_code, second.json()["code"]) == (409, "preview-used")
    [kept] = await _executions(owner)
    assert (kept["outcome"], kept["rows"], kept["truncated"]) == ("succeeded", 2, False)
    assert (kept["bytes"], kept["estimated_rows"]) == (len(first.content), 2.0)
    viewed = (await analyst.get(f"/api/query/previews/{made['preview_id']}")).json()
    assert viewed["state"] == "used"


@pytest.mark.usefixtures("flights")
async def test_of_many_executions_at_once_one_wins(analyst: httpx.AsyncClient) -> None:
    made = await preview(analyst, "SELECT count(*) AS n FROM flights")
    answers = await asyncio.gather(*(execute(analyst, made["preview_id"]) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


@pytest.mark.usefixtures("flights")
async def test_only_the_owner_executes(analyst: httpx.AsyncClient, as_role: ClientOf) -> None:
    made = await preview(analyst, NUMBERS)
    for role in ("ANALYST", "ADMIN"):
        answer = await execute(await as_role(role), made["preview_id"])
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await execute(analyst, made["preview_id"])).status_code == 200


@pytest.mark.usefixtures("flights")
async def test_an_expired_preview_brings_a_fresh_one(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    made = await preview(analyst, NUMBERS)
    await owner.execute("UPDATE spyne.query_previews SET expires_at = now() - interval '1 second'")
    late = await execute(analyst, made["preview_id"])
    assert (late.status_code, late.json()["code"]) == (409, "preview-expired")
    fresh = late.json()["preview"]
    assert fresh["sql_hash"] == made["sql_hash"]
    assert fresh["preview_id"] != made["preview_id"]
    assert (await execute(analyst, fresh["preview_id"])).status_code == 200
    assert (await analyst.get(f"/api/query/previews/{made['preview_id']}")).json()["state"] == "expired"


async def test_a_promotion_makes_the_preview_stale_and_brings_a_fresh_one(
    warehouse: Warehouse, analyst: httpx.AsyncClient
) -> None:
    await warehouse.table("orders", "id integer", "SELECT 1")
    made = await preview(analyst, "SELECT id FROM orders")
    await warehouse.table("orders", "id integer", "SELECT 2", version=2)
    stale = await execute(analyst, made["preview_id"])
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-preview")
    assert stale.json()["changes"][0]["code"] == "table-version"
    fresh = stale.json()["preview"]
    assert fresh["tables"][0]["version"] == 2
    assert (await execute(analyst, fresh["preview_id"])).json()["rows"] == [[2]]
    again = await execute(analyst, made["preview_id"])
    assert again.json()["code"] == "stale-preview"


async def test_a_table_taken_out_of_use_makes_it_stale_without_a_fresh_one(
    warehouse: Warehouse, analyst: httpx.AsyncClient
) -> None:
    table = await warehouse.table("orders", "id integer", "SELECT 1")
    made = await preview(analyst, "SELECT id FROM orders")
    await warehouse.deprecate(table)
    stale = await execute(analyst, made["preview_id"])
    assert (stale.status_code, stale.json()["code"], stale.json()["preview"]) == (409, "stale-preview", None)
    assert stale.json()["refusal"]["code"] == "table-not-found"


@pytest.mark.usefixtures("flights")
async def test_other_limits_make_it_stale(analyst: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await preview(analyst, NUMBERS)
    monkeypatch.setitem(limits.LIMITS, "ANALYST", limits.LOWEST)
    stale = await execute(analyst, made["preview_id"])
    assert (stale.status_code, stale.json()["changes"][0]["code"]) == (409, "limits")


@pytest.mark.usefixtures("flights")
async def test_other_roles_make_it_stale(analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]") -> None:
    made = await preview(analyst, NUMBERS)
    await owner.execute(
        "INSERT INTO spyne.user_roles (user_id, role) SELECT owner_id, 'VIEWER' FROM spyne.query_previews"
    )

    async def known() -> bool:
        return "VIEWER" in (await analyst.get("/api/auth/me")).json()["roles"]

    await eventually(known, what="the other role")
    stale = await execute(analyst, made["preview_id"])
    assert (stale.status_code, stale.json()["changes"][0]["code"]) == (409, "roles")


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("SELECT 1 / (x - 500) FROM generate_series(1, 1000) AS s (x)", "22012"),
        ("SELECT CAST(name AS integer) FROM airlines", "22P02"),
        ("SELECT (SELECT carrier FROM airlines)", "21000"),
        ("SELECT sqrt(-x) FROM generate_series(1, 10) AS s (x)", "2201F"),
        ("SELECT name ~ '(' FROM airlines", "2201B"),
        ("SELECT x * 2000000000 FROM generate_series(1, 10) AS s (x)", "22003"),
    ],
)
@pytest.mark.usefixtures("flights")
async def test_a_failed_execution_is_the_callers_fault_uses_the_preview_and_is_recorded(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", sql: str, sqlstate: str
) -> None:
    made = await preview(analyst, sql)
    failed = await execute(analyst, made["preview_id"])
    assert (failed.status_code, failed.json()["code"]) == (422, "query-failed"), failed.text
    assert failed.json()["sqlstate"] == sqlstate
    assert (await execute(analyst, made["preview_id"])).json()["code"] == "preview-used"
    [kept] = await _executions(owner)
    assert (kept["outcome"], kept["error_code"]) == ("failed", "query-failed")
    outcomes = await owner.fetch("SELECT outcome FROM spyne.audit_log WHERE action = 'query:execute' ORDER BY id")
    assert [row["outcome"] for row in outcomes] == ["success", "failure"]


@pytest.mark.usefixtures("flights")
async def test_a_timeout_is_reported_as_one(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(limits.LIMITS["ANALYST"], timeout_ms=400)
    monkeypatch.setitem(limits.LIMITS, "ANALYST", short)
    failed = await ask(analyst, SLOW)
    assert (failed.status_code, failed.json()["code"]) == (422, "query-timeout")
    assert (await _executions(owner))[0]["error_code"] == "query-timeout"
    assert await rows(analyst, "SELECT 1 AS one") == [[1]]


@pytest.mark.usefixtures("flights")
async def test_a_statement_cancelled_by_an_operator_is_unavailable(
    analyst: httpx.AsyncClient, superuser: "asyncpg.Connection[Any]"
) -> None:
    running = asyncio.create_task(ask(analyst, SLOW))
    await until_running(superuser, 1)
    await superuser.execute(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'spyne_query' AND state = 'active' "
        "AND datname = current_database()"
    )
    answer = await running
    assert (answer.status_code, answer.json()["code"]) == (503, "query-cancelled")
    assert (await _executions(superuser))[0]["outcome"] == "failed"


@pytest.mark.usefixtures("flights")
async def test_a_backend_that_dies_is_unavailable_and_recorded(
    analyst: httpx.AsyncClient, superuser: "asyncpg.Connection[Any]"
) -> None:
    running = asyncio.create_task(ask(analyst, SLOW))
    await until_running(superuser, 1)
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'spyne_query' "
        "AND datname = current_database()"
    )
    answer = await running
    assert answer.status_code == 503
    assert [(row["outcome"], row["error_code"]) for row in await _executions(superuser)] == [("failed", "unavailable")]
    assert await rows(analyst, "SELECT 1 AS one") == [[1]]


@pytest.mark.usefixtures("flights")
async def test_the_row_cap_cuts_and_says_so_in_every_form(
    analyst: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(limits.LIMITS["ANALYST"], max_rows=150)
    monkeypatch.setitem(limits.LIMITS, "ANALYST", small)
    found = await preview(analyst, NUMBERS)
    assert any("cut at 150" in warning for warning in found["warnings"])
    body = (await execute(analyst, found["preview_id"])).json()
    assert (body["row_count"], body["truncated"], body["truncated_by"]) == (150, True, "rows")
    assert body["rows"][-1] == [150]
    assert "more" in body["explanation"]
    for accept in ("application/x-ndjson", "text/csv", "application/vnd.apache.parquet"):
        answer = await ask(analyst, NUMBERS, accept)
        assert (answer.headers["Spyne-Truncated"], answer.headers["Spyne-Rows"]) == ("rows", "150")
        assert answer.headers["Spyne-Row-Cap"] == "150"
    exact = await ask(analyst, NUMBERS + " LIMIT 150", "text/csv")
    assert (exact.headers["Spyne-Truncated"], exact.headers["Spyne-Rows"]) == ("false", "150")


@pytest.mark.usefixtures("flights")
async def test_the_byte_cap_cuts_and_says_so(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(limits.LIMITS["ANALYST"], max_bytes=2_000)
    monkeypatch.setitem(limits.LIMITS, "ANALYST", small)
    answer = await ask(analyst, "SELECT x, md5(CAST(x AS text)) AS h FROM generate_series(1, 1000) AS s (x)")
    body = answer.json()
    assert (body["truncated"], body["truncated_by"]) == (True, "bytes")
    assert 0 < body["row_count"] < 1000
    assert len(body["rows"]) == body["row_count"]
    assert (await _executions(owner))[0]["truncated"] is True


@pytest.mark.usefixtures("flights")
@pytest.mark.parametrize("accept", ["application/json", "application/vnd.apache.parquet"])
async def test_a_row_of_any_size_never_reaches_the_service(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]", accept: str
) -> None:
    for aggregate in ("string_agg(t, '')", "array_agg(t)", "json_agg(t)", "CAST(string_agg(t, '') AS bytea)"):
        sql = (
            f"SELECT {aggregate} AS a FROM (SELECT concat(md5(CAST(x AS text)), md5(CAST(-x AS text)), "
            "md5(CAST(2 * x AS text))) AS t FROM generate_series(1, 100000) AS s (x)) AS m"
        )
        answer = await ask(analyst, sql, accept)
        assert (answer.status_code, answer.json()["code"]) == (422, "row-too-large"), answer.text
    assert {row["error_code"] for row in await _executions(owner)} == {"row-too-large"}


async def test_every_form_holds_the_same_rows(analyst: httpx.AsyncClient) -> None:
    sql = (
        "SELECT flight, carrier, dep_delay, time_hour, CAST(distance AS numeric) / 3 AS third FROM flights "
        "ORDER BY time_hour, flight, carrier, third LIMIT 500"
    )
    expected = await rows(analyst, sql)
    assert len(expected) == 500
    lines = (await ask(analyst, sql, "application/x-ndjson")).text.splitlines()
    assert [list(json.loads(line).values()) for line in lines] == expected
    text = await ask(analyst, sql, "text/csv")
    assert text.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    cells = list(csv.reader(io.StringIO(text.text, newline="")))
    assert cells[0] == ["flight", "carrier", "dep_delay", "time_hour", "third"]
    assert [row[:4] for row in cells[1:]] == [
        ["" if value is None else str(value) for value in row[:4]] for row in expected
    ]
    arrow = pa.ipc.open_stream((await ask(analyst, sql, "application/vnd.apache.arrow.stream")).content).read_all()
    parquet = pq.read_table(io.BytesIO((await ask(analyst, sql, "application/vnd.apache.parquet")).content))
    assert arrow.to_pylist() == parquet.to_pylist()
    assert arrow.column("flight").to_pylist() == [row[0] for row in expected]
    assert [value.isoformat() for value in arrow.column("time_hour").to_pylist()] == [row[3] for row in expected]


async def test_types_leave_as_they_are(warehouse: Warehouse, analyst: httpx.AsyncClient) -> None:
    await warehouse.table(
        "things",
        "a numeric(20,4), b double precision, c real, d bytea, e uuid, f jsonb, g bigint, h boolean, i date, "
        "j timestamp, k timestamptz, l time, m text",
        "SELECT 1234567890123456.1200, 'NaN', 0.1, '\\x00ff', '00000000-0000-0000-0000-00000000000a', "
        "'{\"a\": [1.50]}', 9007199254740993, true, '2013-01-01', 'infinity', '2013-01-01 00:00+01', '12:00', 'é'",
    )
    sql = "SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, k - k AS n, ARRAY[1, 2] AS o FROM things"
    answer = await ask(analyst, sql)
    assert '1234567890123456.1200,"NaN",0.1,"AP8=","00000000-0000-0000-0000-00000000000a",{"a": [1.50]}' in answer.text
    [row] = answer.json()["rows"]
    assert row[6:] == [
        9007199254740993,
        True,
        "2013-01-01",
        "infinity",
        "2012-12-31T23:00:00+00:00",
        "12:00:00",
        "é",
        "PT0S",
        [1, 2],
    ]
    refused = await ask(analyst, sql, "application/vnd.apache.parquet")
    assert (refused.status_code, refused.json()["code"]) == (422, "not-representable")


@pytest.mark.usefixtures("flights")
async def test_a_form_that_nobody_writes_leaves_the_preview_unused(analyst: httpx.AsyncClient) -> None:
    made = await preview(analyst, NUMBERS)
    refused = await execute(analyst, made["preview_id"], "text/html")
    assert (refused.status_code, refused.json()["code"]) == (406, "not-acceptable")
    assert (await execute(analyst, made["preview_id"])).status_code == 200


@pytest.mark.usefixtures("flights")
async def test_executions_are_listed_to_their_actor_and_all_to_an_admin(
    analyst: httpx.AsyncClient, as_role: ClientOf
) -> None:
    for _ in range(3):
        assert (await ask(analyst, NUMBERS)).status_code == 200
    viewer = await as_role("VIEWER")
    assert (await ask(viewer, NUMBERS)).status_code == 200
    assert len((await viewer.get("/api/query/executions")).json()["items"]) == 1
    page = await analyst.get("/api/query/executions?limit=2")
    assert len(page.json()["items"]) == 2
    rest = await analyst.get(page.links["next"]["url"])
    assert len(rest.json()["items"]) == 1
    assert len((await (await as_role("ADMIN")).get("/api/query/executions")).json()["items"]) == 4


@pytest.mark.usefixtures("flights")
async def test_what_is_asked_is_audited_without_data_or_text(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    made = await preview(analyst, "SELECT name FROM airlines WHERE name = 'Airline 7'")
    assert (await execute(analyst, made["preview_id"])).json()["rows"] == [["Airline 7"]]
    entry = await owner.fetchrow("SELECT * FROM spyne.audit_log WHERE action = 'query:execute'")
    assert entry is not None
    assert (entry["entity_id"], entry["verb"]) == (made["preview_id"], "DOWNLOAD")
    assert made["sql_hash"] in entry["after"]
    assert "Airline 7" not in str(dict(entry))


@pytest.mark.usefixtures("flights")
async def test_queries_go_on_in_read_only_mode_and_stop_in_maintenance(
    app: FastAPI, analyst: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    assert (await admin.put("/system/maintenance", json={"mode": "read_only"})).status_code == 200
    assert (await ask(analyst, NUMBERS)).status_code == 200
    made = await preview(analyst, NUMBERS)
    assert (await admin.put("/system/maintenance", json={"mode": "maintenance"})).status_code == 200
    assert (await execute(analyst, made["preview_id"])).status_code == 503
    assert (await admin.put("/system/maintenance", json={"mode": "normal"})).status_code == 200
    await known_at_the_door(app, "normal")
    assert (await execute(analyst, made["preview_id"])).status_code == 200


async def test_a_full_pool_answers_503_and_leaves_the_preview_unused(
    flights: Warehouse,
    analyst: httpx.AsyncClient,
    superuser: "asyncpg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resources = flights.resources
    made = await preview(analyst, NUMBERS)
    size = resources.settings.database.query_pool_size
    running = [asyncio.create_task(ask(analyst, SLOW)) for _ in range(size)]
    await until_running(superuser, size)
    with monkeypatch.context() as short:  # what fills the pool, and what runs once there is room, may take its time
        short.setattr(resources.query_login, "_wait", 0.2)
        busy = await execute(analyst, made["preview_id"])
    assert (busy.status_code, busy.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in busy.headers
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await until_running(superuser, 0)
    assert (await execute(analyst, made["preview_id"])).status_code == 200


async def test_a_changed_relation_behind_the_services_back_is_no_server_error(
    warehouse: Warehouse, analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    await warehouse.table("orders", "id integer", "SELECT 1", state=TableState.ACTIVE)
    made = await preview(analyst, "SELECT id FROM orders")
    await owner.execute("REVOKE SELECT (id) ON data.orders__v1 FROM spyne_query")
    answer = await execute(analyst, made["preview_id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "table-changed")
