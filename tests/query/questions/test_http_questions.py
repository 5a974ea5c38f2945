"""Questions in words over HTTP: previewed like SQL, explained word by word, refused rather than guessed."""

from itertools import count

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.query.values.building import AGAIN, ValueIndexing
from tests.catalog.joins.steps import CUSTOMERS
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register
from tests.query.asking import execute
from tests.query.questions.steps import asked, indexed, previewed, rows
from tests.waiting import eventually


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
    assert "customers" in {word["words"].lower() for word in found["understood"]}
    assert any("orders.total" in word["meaning"] for word in found["understood"])
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
