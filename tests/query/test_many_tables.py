"""A catalog of more tables than anybody looks through: each can be queried, and what a preview asks does not grow."""

import asyncpg
import httpx
import pytest

from app.catalog.tables.lifecycle import TableState
from tests.queries import recorded
from tests.query.asking import preview, rows
from tests.query.conftest import Warehouse

MANY = 10_001
"""Tables whose names come before those of all others."""


@pytest.fixture
async def many(flights: Warehouse, owner: "asyncpg.Connection[asyncpg.Record]") -> Warehouse:
    """The five tables after thousands of others, which have rows in the catalog and nothing else."""
    await owner.execute(
        "INSERT INTO spyne.tables (id, name, version, state, origin, owner_label, relation_schema, relation_name) "
        "SELECT gen_random_uuid(), 'aa_' || to_char(n, 'FM00000'), 1, 'ACTIVE', 'adopted', 'a test', 'x', 'r' || n "
        f"FROM generate_series(1, {MANY}) n"
    )
    return flights


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", ["weather", "WEATHER", '"weather"', "weather/**/AS w", "(SELECT 1 FROM weather)w"])
async def test_the_last_of_many_tables_is_previewed(analyst: httpx.AsyncClient, name: str) -> None:
    found = await preview(analyst, f"SELECT count(*) FROM {name}")
    assert [table["name"] for table in found["tables"]] == ["weather"]


@pytest.mark.usefixtures("many")
async def test_a_misspelt_name_is_told_the_nearest_of_many(analyst: httpx.AsyncClient) -> None:
    answer = await analyst.post("/api/query/preview", json={"sql": "SELECT 1 FROM waether, aa_1 AS b, flihgts"})
    assert (answer.status_code, answer.json()["code"]) == (404, "table-not-found")
    nearest = answer.json()["nearest"]
    assert (nearest["waether"][0], nearest["flihgts"][0]) == ("weather", "flights")
    assert nearest["aa_1"][0].startswith("aa_")


async def test_a_deprecated_one_of_many_is_hinted_at_and_read_on_request(
    many: Warehouse, analyst: httpx.AsyncClient
) -> None:
    await many.table("orders", "id integer", "SELECT 7", state=TableState.DEPRECATED)
    refused = await analyst.post("/api/query/preview", json={"sql": "SELECT id FROM orders"})
    assert (refused.status_code, refused.json()["deprecated"]) == (404, ["orders"])
    assert await rows(analyst, "SELECT id FROM orders", include_deprecated=["orders"]) == [[7]]


@pytest.mark.parametrize(
    ("sql", "deprecated", "most"),
    [
        ("SELECT count(*) FROM weather", [], 1),
        ("SELECT count(*) FROM weather", ["weather"], 1),
        ("SELECT count(*) FROM weather, orders", ["orders"], 3),  # one for the joins between them
        ("SELECT count(*) FROM waether", [], 4),
        ("SELECT 1", [], 1),
        ("SELECT (", [], 1),
    ],
)
async def test_what_validation_asks_of_the_catalog(
    many: Warehouse, analyst: httpx.AsyncClient, sql: str, deprecated: list[str], most: int
) -> None:
    await many.table("orders", "id integer", "SELECT 7", state=TableState.DEPRECATED)
    body = {"sql": sql, "options": {"include_deprecated": deprecated}}
    with recorded(many.resources.database) as statements:
        assert (await analyst.post("/api/query/validate", json=body)).status_code == 200
    asked = [statement for statement in statements if "spyne.tables" in statement]
    assert len(asked) <= most, asked
