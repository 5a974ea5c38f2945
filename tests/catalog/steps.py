"""Steps that several tests of the catalog take."""

from itertools import count
from typing import Any

import asyncpg
import httpx

from tests.catalog.bodies import contract

COLUMNS = "api_id, event_id, event_time, amount, currency, ingested_at, _spyne_hash, _spyne_batch"


_LIMITS = count(1)


async def registered(engineer: httpx.AsyncClient, table: str = "customers", **changes: Any) -> dict[str, Any]:
    """A contract that was registered."""
    answer = await engineer.post("/api/contracts/register", json=contract(table, **changes))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def further(engineer: httpx.AsyncClient, table: str = "customers") -> dict[str, Any]:
    """A contract with the same columns that differs from those before it in how many rows may be refused."""
    return await registered(engineer, table, max_rejected={"rows": next(_LIMITS)})


async def moved(admin: httpx.AsyncClient, table: str, from_state: str, to_state: str, **more: Any) -> httpx.Response:
    """The answer to a promotion."""
    body = {"from_state": from_state, "to_state": to_state, "reason": "as the test wants"} | more
    return await admin.post(f"/api/tables/{table}/promote", json=body)


async def promoted(
    admin: httpx.AsyncClient, table: str, to_state: str = "ACTIVE", from_state: str = "SHADOW"
) -> dict[str, Any]:
    """A promotion that was made."""
    answer = await moved(admin, table, from_state, to_state)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def deprecated(admin: httpx.AsyncClient, table: str, **more: Any) -> httpx.Response:
    """The answer to a deprecation."""
    return await admin.post(f"/api/tables/{table}/deprecate", json={"reason": "as the test wants"} | more)


async def restored(admin: httpx.AsyncClient, table: str, **more: Any) -> httpx.Response:
    """The answer to a restoration."""
    return await admin.post(f"/api/tables/{table}/restore", json={"reason": "as the test wants"} | more)


async def filled(owner: asyncpg.Connection, relation: str, rows: int, currency: str = "EUR") -> None:
    """Rows in a relation of the contract in `bodies`, as ingestion would have put them there."""
    await owner.execute(
        f"INSERT INTO data.{relation} ({COLUMNS}) "
        "SELECT 'a', i, now(), i, $2, now(), i, 1 FROM generate_series(1, $1) i",
        rows,
        currency,
    )
