"""Steps that tests of joins take: a small shop that is adopted, looks at it, and decisions."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import asyncpg
import httpx

from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.refreshing import JoinRefresh, Refreshed
from app.kernel.runtime.configuration import ConfigKey
from app.kernel.runtime.resources import Resources
from app.operations.configuration.rules import ConfigKeys
from tests.waiting import eventually

SHOP = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers AS SELECT g AS customer_id, 'name ' || g AS name, 'C' || g % 3 AS area
  FROM generate_series(1001, 1200) g;
CREATE TABLE shop.orders AS SELECT g AS order_id, 1001 + g % 150 AS customer_id, (g % 90)::numeric(12,2) AS total,
  CASE WHEN g % 20 = 0 THEN NULL ELSE 1 + g % 8 END AS taken_by FROM generate_series(50001, 51000) g;
CREATE TABLE shop.order_lines AS
  SELECT o.order_id, l AS line_no, 7000 + (o.order_id + l) % 60 AS product_id, l AS quantity
  FROM shop.orders o, generate_series(1, 3) l WHERE o.order_id % 4 > 0 OR l = 1;
CREATE TABLE shop.products AS SELECT 7000 + g AS product_id, 'product ' || g AS title FROM generate_series(0, 55) g;
CREATE TABLE shop.employees AS SELECT g AS employee_id, 'employee ' || g AS name,
  CASE WHEN g > 1 THEN 1 + g / 4 END AS manager_id FROM generate_series(1, 40) g;
"""
"""No keys are declared. One order in four has one line, the others have three; some products are missing."""

CUSTOMERS = "customers__orders__customer_id"
LINES = "orders__order_lines__order_id"
PRODUCTS = "products__order_lines__product_id"
MANAGERS = "employees__employees__manager_id__employee_id"


async def adopted(admin: httpx.AsyncClient, owner: asyncpg.Connection, sql: str = SHOP) -> None:
    """Make the relations of the schema `shop`, and adopt them all."""
    await owner.execute(sql)
    answer = await admin.post("/api/tables/adopt", json={"relations": ["shop.*"]})
    assert answer.status_code == 200, answer.text


async def _unheard(_done: int, _total: int) -> None:
    """Takes note of nothing."""


async def refreshed(resources: Resources, depth: Depth = Depth.ALL) -> Refreshed:
    """What a look at tables came to."""
    return await resources.build(JoinRefresh).refresh(_unheard, depth)


async def candidates(client: httpx.AsyncClient, **params: Any) -> dict[str, dict[str, Any]]:
    """The candidates by their ids."""
    answer = await client.get("/api/joins/candidates", params={"limit": 500} | params)
    assert answer.status_code == 200, answer.text
    return {item["candidate_id"]: item for item in answer.json()["items"]}


async def accept(client: httpx.AsyncClient, candidate_id: str, **more: Any) -> httpx.Response:
    """The answer to an acceptance."""
    body = {"candidate_id": candidate_id, "rationale": "as the test wants"} | more
    return await client.post("/api/joins/accept", json=body)


async def accepted(client: httpx.AsyncClient, candidate_id: str, **more: Any) -> dict[str, Any]:
    """The join, accepted."""
    answer = await accept(client, candidate_id, **more)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def deprecated(client: httpx.AsyncClient, join_id: str) -> dict[str, Any]:
    """The join, out of use."""
    answer = await client.post(f"/api/joins/{join_id}/deprecate", json={"reason": "as the test wants"})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def configured(admin: httpx.AsyncClient, resources: Resources, values: Mapping[str, Any]) -> None:
    """Put these configuration keys into force, and wait until the process knows."""
    keys = resources.extensions.of(ConfigKeys)
    for name, value in values.items():
        answer = await admin.put(f"/system/config/{name}", json={"value": value})
        assert answer.status_code == 200, answer.text

        await eventually(partial(_is, resources, keys.of(name), value), what=f"{name} in force")


async def _is(resources: Resources, key: ConfigKey[Any], wanted: Any) -> bool:
    return bool(resources.configured(key) == wanted)
