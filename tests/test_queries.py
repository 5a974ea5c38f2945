"""How many statements a request costs: one for the state of a table, and for long lists no more than for short ones."""

import itertools
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.catalog import bodies
from tests.queries import recorded

NUMBERS = itertools.count()
WATCH = "system_config"
"""The mode is looked at every 0.4 s beside all requests."""


async def count(app: FastAPI, client: httpx.AsyncClient, path: str) -> int:
    """Statements of a request: the fewest of three, since its caller is looked up again twice a second."""
    counts = []
    for _ in range(3):
        with recorded(app.state.resources.database) as statements:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        counts.append(len([statement for statement in statements if WATCH not in statement]))
    return min(counts)


async def register(client: httpx.AsyncClient, *tables: str) -> None:
    for table in tables:
        answer = await client.post("/api/contracts/register", json=bodies.contract(table))
        assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("open_for_data")
async def test_the_state_of_a_table_is_one_statement(app: FastAPI, admin: httpx.AsyncClient) -> None:
    await register(admin, "customers")
    assert await count(app, admin, "/api/tables/customers/state") == 1


@pytest.mark.usefixtures("open_for_data")
async def test_long_lists_cost_no_more_statements_than_short_ones(
    app: FastAPI, admin: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    await register(admin, "first", "second")
    await fill(admin, 2)
    lists = [
        path
        for path in document["paths"]
        if any(p["name"] == "cursor" for p in document["paths"][path].get("get", {}).get("parameters", ()))
        and "{batch_id}" not in path
        and "{request_id}" not in path
    ]
    paths = [
        path.replace("{table}", "first").replace("{category}", "quarantine").replace("{config_key}", "query.max-cost")
        for path in lists
    ]
    assert len(paths) >= 7
    short = {path: await count(app, admin, path) for path in paths}
    await register(admin, *(f"table_{n}" for n in range(8)))
    await fill(admin, 8)
    long = {path: await count(app, admin, path) for path in paths}
    assert long == short
    assert max(long.values()) <= 3, long


async def fill(admin: httpx.AsyncClient, number: int) -> None:
    """As many clients with keys, batches and previews."""
    for _ in range(number):
        name = f"client-{next(NUMBERS)}"
        made = await admin.post("/api/clients", json={"name": name, "roles": ["VIEWER"]})
        assert (await admin.post(f"/api/clients/{made.json()['id']}/keys", json={})).status_code == 201
        assert (await admin.post("/api/users", json={"username": name, "roles": ["VIEWER"]})).status_code == 201
        rows = '{"api_id": "a", "event_id": 1, "event_time": "2026-01-01T00:00:00Z", "amount": 1}\n'
        batch = await admin.post(
            "/api/ingestion/first_v1/batches", content=rows, headers={"Content-Type": "application/x-ndjson"}
        )
        assert batch.status_code == 201, batch.text
