"""Accepted joins in queries: shown, bound to the preview, required, offered where a condition is missing, counted."""

import asyncio
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import REGISTRY
from tests.catalog.joins.steps import (
    CUSTOMERS,
    LINES,
    MANAGERS,
    PRODUCTS,
    accepted,
    adopted,
    configured,
    deprecated,
    refreshed,
)
from tests.operations.exports.steps import export
from tests.queries import recorded
from tests.query.asking import ask, execute, preview, rows

JOINED = "SELECT count(*) AS n FROM orders o JOIN customers c ON c.customer_id = o.customer_id"
REQUIRED = {"query.require_accepted_joins": True}


@pytest.fixture(autouse=True)
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    await adopted(admin, owner)
    await refreshed(resources)


async def refused(client: httpx.AsyncClient, sql: str, **options: Any) -> dict[str, Any]:
    """The first guardrail of a refusal."""
    answer = await client.post("/api/query/preview", json={"sql": sql, "options": options})
    assert answer.status_code == 422, answer.text
    found: dict[str, Any] = answer.json()["guardrails"][0]
    return found


async def test_a_preview_shows_version_cardinality_and_effect_of_each_join(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    before = (await preview(analyst, JOINED))["joins"]
    assert [(join["join_id"], join["join_version"], join["cardinality"]) for join in before] == [(None, None, None)]
    await accepted(admin, CUSTOMERS)
    await accepted(admin, PRODUCTS, override_rationale="Sold out products are gone.")
    (join,) = (await preview(analyst, JOINED))["joins"]
    assert (join["join_id"], join["join_version"], join["cardinality"]) == (CUSTOMERS, 1, "n:1")
    assert join["effect"].startswith("A row of orders meets at most one row of customers. Columns of customers repeat.")
    turned = "SELECT count(*) FROM customers c LEFT JOIN orders o USING (customer_id)"
    (join,) = (await preview(analyst, turned))["joins"]
    assert (join["join_id"], join["cardinality"]) == (CUSTOMERS, "1:n")
    assert "6.67 rows of orders on average, at most 7" in join["effect"]
    orphans = "SELECT count(*) FROM order_lines l {} JOIN products p ON p.product_id = l.product_id"
    (join,) = (await preview(analyst, orphans.format("")))["joins"]
    assert join["effect"].endswith(
        "6.80% of the rows of order_lines with a value meet no row of products and are left out."
    )
    (join,) = (await preview(analyst, orphans.format("LEFT")))["joins"]
    assert join["effect"].endswith("are kept with nulls.")
    exists = "SELECT count(*) FROM customers c WHERE c.customer_id IN (SELECT o.customer_id FROM orders o)"
    (join,) = (await preview(analyst, exists))["joins"]
    assert (join["join_id"], join["effect"]) == (
        CUSTOMERS,
        "Rows of customers are kept or left out by it, and never repeated.",
    )


async def test_roles_and_self_joins_are_told_apart(analyst: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await accepted(admin, MANAGERS)
    sql = "SELECT e.name, m.name AS manager FROM employees e JOIN employees m ON m.employee_id = e.manager_id"
    (join,) = (await preview(analyst, sql))["joins"]
    assert (join["join_id"], join["cardinality"]) == (MANAGERS, "n:1")
    sql = "SELECT m.name, count(*) FROM employees m JOIN employees e ON m.employee_id = e.manager_id GROUP BY m.name"
    (join,) = (await preview(analyst, sql))["joins"]
    assert (join["join_id"], join["cardinality"]) == (MANAGERS, "1:n")
    sql = "SELECT count(*) FROM employees a JOIN employees b ON a.manager_id = b.manager_id"
    assert (await preview(analyst, sql))["joins"][0]["join_id"] is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.name, o.total FROM orders o, customers c WHERE o.total > 88",
        "SELECT c.name, o.total FROM orders o CROSS JOIN customers c WHERE o.total > 88",
        "SELECT c.name, o.total FROM orders o JOIN customers AS c WHERE o.total > 88 -- the dear ones",
    ],
)
async def test_a_missing_condition_is_offered_ready_to_send(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, sql: str
) -> None:
    assert (await refused(analyst, sql))["offers"] == []
    await accepted(admin, CUSTOMERS)
    found = await refused(analyst, sql)
    (offer,) = found["offers"]
    assert offer["joins"] == [{"join_id": CUSTOMERS, "version": 1}]
    assert found["nearest"] == offer["sql"]
    assert "ON o.customer_id = c.customer_id" in offer["sql"]
    assert (await preview(analyst, offer["sql"]))["joins"][0]["join_id"] == CUSTOMERS
    assert len(await rows(analyst, offer["sql"])) == 11


async def test_joins_can_be_required_and_overridden_with_a_reason(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, as_role: Any, owner: asyncpg.Connection, resources: Resources
) -> None:
    await configured(admin, resources, REQUIRED)
    found = await refused(analyst, JOINED)
    assert found["rule"] == "join-not-accepted"
    viewer = await as_role("VIEWER")
    why = "Comparing two systems by hand."
    body = {"sql": JOINED, "options": {"override_joins": why}}
    assert (await viewer.post("/api/query/preview", json=body)).status_code == 403
    overridden = await preview(analyst, JOINED, override_joins=why)
    assert any(why in warning for warning in overridden["warnings"])
    recorded = await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'query:override-joins'")
    assert recorded == 1
    await accepted(admin, CUSTOMERS)
    assert (await preview(viewer, JOINED))["joins"][0]["join_id"] == CUSTOMERS
    other = JOINED.replace("o.customer_id", "o.taken_by")
    assert (await refused(viewer, other))["nearest"] == "orders.customer_id = customers.customer_id"


async def test_previews_go_stale_when_a_join_is_deprecated_or_gets_a_version(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await accepted(admin, CUSTOMERS)
    first = await preview(analyst, JOINED)
    await deprecated(admin, CUSTOMERS)
    answer = await execute(analyst, first["preview_id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "stale-preview")
    assert [change["code"] for change in answer.json()["changes"]] == ["join-gone"]
    fresh = answer.json()["preview"]
    assert fresh["joins"][0]["join_id"] is None
    await accepted(admin, CUSTOMERS)
    assert (await execute(analyst, fresh["preview_id"])).status_code == 200, "it had used no join that could change"
    second = await preview(analyst, JOINED)
    await deprecated(admin, CUSTOMERS)
    await accepted(admin, CUSTOMERS)
    answer = await execute(analyst, second["preview_id"])
    assert [change["code"] for change in answer.json()["changes"]] == ["join-version"]
    assert answer.json()["preview"]["joins"][0]["join_version"] == 3


async def test_previews_of_before_joins_can_still_be_executed(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await accepted(admin, CUSTOMERS)
    found = await preview(analyst, JOINED)
    await owner.execute("UPDATE spyne.query_previews SET basis = basis - 'joins'")
    assert (await execute(analyst, found["preview_id"])).status_code == 200


async def usage(client: httpx.AsyncClient, join_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/joins/{join_id}")
    found: dict[str, Any] = answer.json()["usage"]
    return found


async def test_usage_is_counted_once_per_execution(analyst: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await accepted(admin, CUSTOMERS)
    await accepted(admin, LINES)
    metric = partial(REGISTRY.get_sample_value, "spyne_join_usage_total")
    before = {join_id: metric({"join_id": join_id}) or 0 for join_id in (CUSTOMERS, LINES)}
    both = f"{JOINED} JOIN order_lines l ON l.order_id = o.order_id JOIN customers d ON d.customer_id = o.customer_id"
    assert await usage(admin, CUSTOMERS) == {"executions": 0, "last_30_days": 0, "last_used_at": None}
    for _ in range(2):
        assert (await ask(analyst, JOINED)).status_code == 200
    found = (await preview(analyst, both))["preview_id"]
    answers = await asyncio.gather(*(execute(analyst, found) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert ((await usage(admin, CUSTOMERS))["executions"], (await usage(admin, LINES))["executions"]) == (3, 1)
    assert metric({"join_id": CUSTOMERS}) == before[CUSTOMERS] + 3
    assert metric({"join_id": LINES}) == before[LINES] + 1
    listed = {item["join_id"]: item["usage"] for item in (await admin.get("/api/joins")).json()["items"]}
    assert listed[CUSTOMERS]["last_30_days"] == 3


async def test_an_export_of_a_query_is_a_use(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, resources: Resources
) -> None:
    await accepted(admin, CUSTOMERS)
    found = await preview(analyst, JOINED)
    shown = await export(analyst, resources, "query", filter_params={"preview_id": found["preview_id"]})
    assert shown["status"] == "completed"
    assert (await usage(admin, CUSTOMERS))["executions"] == 1


async def test_a_statement_that_joins_nothing_asks_for_no_joins(
    analyst: httpx.AsyncClient, resources: Resources
) -> None:
    body = {"sql": "SELECT count(*) FROM orders"}
    assert (await analyst.post("/api/query/validate", json=body)).status_code == 200, "who asks is known from now on"
    with recorded(resources.database) as alone:
        assert (await analyst.post("/api/query/validate", json=body)).status_code == 200
    with recorded(resources.database) as both:
        assert (await analyst.post("/api/query/validate", json={"sql": JOINED})).status_code == 200
    assert len(both) == len(alone) + 1
    assert sum("accepted_joins" in statement for statement in both) == 1


async def test_a_double_count_is_told_with_the_form_that_is_right(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await accepted(admin, LINES)
    sql = "SELECT sum(o.total) AS total, sum(l.quantity) AS sold FROM orders o JOIN order_lines l USING (order_id)"
    found = await preview(analyst, sql)
    (fan_out,) = found["fan_outs"]
    assert fan_out["message"] in found["warnings"]
    right = await owner.fetchrow(
        "SELECT (SELECT sum(total) FROM shop.orders), (SELECT sum(quantity) FROM shop.order_lines)"
    )
    assert right is not None
    naive = await rows(analyst, sql)
    corrected = await rows(analyst, fan_out["corrected"])
    assert [float(value) for value in corrected[0]] == [float(value) for value in right]
    assert float(naive[0][0]) > float(right[0])
    assert (await preview(analyst, fan_out["corrected"]))["fan_outs"] == []
