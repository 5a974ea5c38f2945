"""A shop that questions are asked of, and how they are asked."""

from typing import Any

import asyncpg
import httpx

from tests.query.asking import execute

SHOP = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (customer_id int PRIMARY KEY, name text, city text);
INSERT INTO shop.customers SELECT g, 'Customer ' || g, (ARRAY['Berlin', 'Paris', 'New York'])[1 + g % 3]
  FROM generate_series(1001, 1060) g;
CREATE TABLE shop.orders (order_id int PRIMARY KEY, customer_id int, total numeric(12,2), status text, placed_on date);
INSERT INTO shop.orders SELECT g, 1001 + g % 40, g % 90, (ARRAY['paid', 'open'])[1 + g % 2],
  date '2025-11-01' + g % 90 FROM generate_series(5001, 5400) g;
COMMENT ON COLUMN shop.orders.total IS 'Revenue of the order, in euro';
"""


async def asked(client: httpx.AsyncClient, question: str) -> httpx.Response:
    """The answer to a question."""
    return await client.post("/api/query/preview", json={"query": question})


async def previewed(client: httpx.AsyncClient, question: str) -> dict[str, Any]:
    """The preview of a question that is answered."""
    answer = await asked(client, question)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def rows(client: httpx.AsyncClient, question: str) -> list[list[Any]]:
    """The rows of the answer."""
    answer = await execute(client, (await previewed(client, question))["preview_id"])
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = answer.json()["rows"]
    return found


async def indexed(owner: asyncpg.Connection, table: str) -> set[str]:
    """The columns of a table with values in the index."""
    found = await owner.fetch(
        "SELECT v.column_name FROM spyne.value_columns AS v JOIN spyne.tables AS t ON t.id = v.table_id "
        "WHERE t.name = $1",
        table,
    )
    return {row[0] for row in found}
