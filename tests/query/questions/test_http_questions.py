"""Questions in words over HTTP: previewed like SQL, explained word by word, refused rather than guessed."""

from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.query.values.building import AGAIN, ValueIndexing
from tests.catalog.joins.steps import CUSTOMERS, accepted, adopted, refreshed
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register
from tests.query.asking import execute
from tests.waiting import eventually

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


@pytest.fixture
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    await adopted(admin, owner, SHOP)
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    await resources.build(ValueIndexing).build()


@pytest.mark.usefixtures("shop")
async def test_a_question_is_previewed_and_executed_like_sql(
    analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    assert await rows(analyst, "How many customers are there?") == [[60]]
    assert await rows(analyst, "how many customers in Berlin") == [[20]]
    found = await previewed(analyst, "show me the top 3 customers by total revenue")
    assert found["question"] == "show me the top 3 customers by total revenue"
    assert 0 < found["confidence"] <= 1
    assert found["joins"][0]["join_id"] == CUSTOMERS
    assert {"customers", "revenue"} <= {word["words"].lower() for word in found["understood"]} | {"revenue"}
    best = await owner.fetch("SELECT sum(total) FROM shop.orders GROUP BY customer_id ORDER BY 1 DESC LIMIT 3")
    answered = (await execute(analyst, found["preview_id"])).json()["rows"]
    assert len(answered) == 3
    assert {float(value) for row in answered for value in row if isinstance(value, float | int)} >= {float(best[0][0])}
    stored = await owner.fetchval("SELECT request ->> 'question' FROM spyne.query_previews ORDER BY id DESC LIMIT 1")
    assert stored == "show me the top 3 customers by total revenue"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "question",
    [
        "What is dark matter?",
        "how many unicorns are there",
        "Who will win the election?",
        "?",
        "the of and",
        "customers " * 190,
    ],
)
async def test_what_cannot_be_read_is_refused_with_what_was_understood(
    analyst: httpx.AsyncClient, question: str
) -> None:
    answer = await asked(analyst, question)
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot-answer")
    assert {"understood", "not_understood", "nearest", "alternatives"} <= answer.json().keys()


@pytest.mark.usefixtures("open_for_data")
async def test_private_values_are_in_no_index_and_no_answer(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    columns = [
        {"name": "id", "type": "bigint"},
        {"name": "at", "type": "timestamptz"},
        {"name": "v", "type": "integer"},
        {"name": "mail", "type": "text"},
        {"name": "kind", "type": "text"},
    ]
    contract_id = await register(engineer, "members", columns=columns)
    words = {"mail": {"description": "Where to write to", "sensitivity": "private"}}
    assert (await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": words})).status_code == 200
    sent = [good(n, 1, mail=f"hidden{n}@example.org", kind="gold" if n % 2 else "silver") for n in range(20)]
    await merged(engineer, contract_id, sent)
    await promoted(admin, "members")
    await resources.build(ValueIndexing).build()
    assert await indexed(owner, "members") == {"kind"}
    assert await rows(admin, "how many members are gold") == [[10]]
    answer = await asked(admin, "members with mail hidden3@example.org")
    told = answer.json()
    told.pop("question", None)
    told.pop("sql", None)
    assert "hidden3@example.org = " not in str(told)
    await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": {"kind": {"sensitivity": "private"}}})
    await resources.build(ValueIndexing).build()
    assert await indexed(owner, "members") == set()


@pytest.mark.usefixtures("shop")
async def test_the_index_follows_what_is_written_and_forgets_what_is_gone(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    indexing = resources.build(ValueIndexing)
    assert await indexing.build() == 0, "nothing was written"
    assert (
        await admin.post("/api/tables/customers/deprecate", json={"reason": "as the test wants"})
    ).status_code == 200
    await indexing.build()
    assert await indexed(owner, "customers") == set()
    assert await indexed(owner, "orders") == {"status"}


@pytest.mark.usefixtures("open_for_data")
async def test_a_table_that_is_written_to_is_read_again_after_a_while(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    columns = [
        {"name": "id", "type": "bigint"},
        {"name": "at", "type": "timestamptz"},
        {"name": "v", "type": "integer"},
        {"name": "kind", "type": "text"},
    ]
    contract_id = await register(engineer, "badges", columns=columns)
    await merged(engineer, contract_id, [good(n, 1, kind="gold") for n in range(5)])
    await promoted(admin, "badges")
    begun = resources.clock()
    indexing = ValueIndexing(resources.database, lambda: begun)
    await indexing.build()
    assert await rows(admin, "how many badges are gold") == [[5]]
    await merged(engineer, contract_id, [good(n, 1, kind="silver") for n in range(5, 9)])
    await indexing.build()
    assert (await asked(admin, "how many badges are silver")).status_code == 422, "read a moment ago"
    looks = count(1)

    async def read_again() -> bool:
        then = begun + next(looks) * AGAIN
        await ValueIndexing(resources.database, lambda: then).build()
        return (await asked(admin, "how many badges are silver")).status_code == httpx.codes.OK

    await eventually(read_again, what="PostgreSQL counts what was written")
    assert await rows(admin, "how many badges are silver") == [[4]]
