"""How many refused rows are kept of a batch, of a contract and in all, also side by side and after removals."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.quarantine.configuration import (
    MAX_QUARANTINED,
    MAX_QUARANTINED_OF_BATCH,
    MAX_QUARANTINED_OF_CONTRACT,
)
from app.ingestion.retention.targets import QUARANTINE
from app.kernel.runtime.configuration import ConfigKey
from app.kernel.runtime.resources import Resources
from tests.ingestion.steps import ndjson, register, send, taken
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

OF_CONTRACT, OF_ALL = 50, 70
BOUNDS = [(MAX_QUARANTINED_OF_BATCH, 30), (MAX_QUARANTINED_OF_CONTRACT, OF_CONTRACT), (MAX_QUARANTINED, OF_ALL)]


@pytest.fixture
async def bounded(app: FastAPI, admin: httpx.AsyncClient) -> None:
    """Small bounds, in force."""
    for key, value in BOUNDS:
        answer = await admin.put(f"/system/config/{key.name}", json={"value": value})
        assert answer.status_code == 200, answer.text
    await in_force(app, BOUNDS)


async def in_force(app: FastAPI, values: list[tuple[ConfigKey[int], int]]) -> None:
    resources: Resources = app.state.resources
    await eventually(lambda: all(resources.configured(key) == value for key, value in values))


def body(refused: int, number: int = 0) -> bytes:
    return ndjson([(number, 0, 1)]) + b"{}\n" * refused


async def kept(owner: asyncpg.Connection) -> dict[str, int]:
    """Rows in quarantine by contract; what the batches and the totals say of them is the same."""
    found = await owner.fetch(
        "SELECT h.contract_id, count(*) AS rows FROM spyne.ingestion_quarantine q "
        "JOIN spyne.ingestion_history h ON h.id = q.batch_id GROUP BY 1"
    )
    rows = {row["contract_id"]: row["rows"] for row in found}
    for query in (
        "SELECT contract_id, rows FROM spyne.ingestion_quarantine_totals",
        "SELECT contract_id, sum(quarantined_rows) AS rows FROM spyne.ingestion_history GROUP BY 1",
    ):
        assert {row["contract_id"]: row["rows"] for row in await owner.fetch(query) if row["rows"]} == rows
    return rows


def said(report: dict[str, Any]) -> tuple[int, int, int]:
    """Refused rows of a batch, those that are kept, and those that are not."""
    return report["counts"]["rejected"], report["quarantined_rows"], report["unkept_rows"]


@pytest.mark.usefixtures("bounded")
async def test_bounds_of_a_batch_of_a_contract_and_of_all(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    first, second, third = [await register(engineer, name) for name in ("first", "second", "third")]
    assert said(await taken(engineer, first, body(29))) == (29, 29, 0)
    assert said(await taken(engineer, second, body(31))) == (31, 30, 1), "of a batch 30"
    report = await taken(engineer, first, body(25))
    assert said(report) == (25, 11, 14), "59 of 70 are there: 11 more in all"
    assert [row["line"] for row in report["quarantined"]] == list(range(2, 13)), "the first ones"
    assert await kept(owner) == {first: 40, second: 30}
    full = await taken(engineer, third, body(5))
    assert said(full) == (5, 0, 5)
    assert {(each["column"], each["rows"]) for each in full["fault_counts"]} == {("id", 5), ("at", 5)}, "counted"
    refused = (await send(engineer, third, b"{}\n" * 3)).json()
    assert (refused["code"], refused["quarantined_rows"], len(refused["rejected_sample"])) == ("nothing-accepted", 0, 3)
    assert await kept(owner) == {first: 40, second: 30}, "nothing goes to make room"


@pytest.mark.usefixtures("bounded")
async def test_bounds_at_a_contract(
    app: FastAPI, admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    for rows, expected in ((30, 30), (19, 19), (2, 1), (1, 0)):
        report = await taken(engineer, things, body(rows))
        assert said(report) == (rows, expected, rows - expected)
    assert await kept(owner) == {things: 50}
    await admin.put(f"/system/config/{MAX_QUARANTINED_OF_CONTRACT.name}", json={"value": 10})
    await in_force(app, [(MAX_QUARANTINED_OF_CONTRACT, 10)])
    assert said(await taken(engineer, things, body(1))) == (1, 0, 1)
    assert await kept(owner) == {things: 50}, "a lower bound takes nothing away"


@pytest.mark.usefixtures("bounded")
async def test_what_is_removed_makes_room_and_reports_follow(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    old = await taken(engineer, things, body(30))
    await taken(engineer, things, body(20))
    assert said(await taken(engineer, things, body(9))) == (9, 0, 9)
    await owner.execute("DELETE FROM spyne.ingestion_quarantine WHERE batch_id = $1 AND line > 12", old["id"])
    shown = (await engineer.get(old["links"]["self"])).json()
    assert said(shown) == (30, 11, 19)
    assert await kept(owner) == {things: 31}
    assert said(await taken(engineer, things, body(30))) == (30, 19, 11)
    assert await kept(owner) == {things: 50}


@pytest.mark.usefixtures("bounded")
async def test_retention_makes_room(
    app: FastAPI, engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    reports = [await taken(engineer, things, body(25, number)) for number in range(2)]
    resources: Resources = app.state.resources
    async with resources.database.write() as session:
        removed = await QUARANTINE.delete_some(session, datetime.now(UTC), None, 40)
    assert removed.amount.rows == 40
    assert await kept(owner) == {things: 10}
    shown = [(await engineer.get(report["links"]["self"])).json() for report in reports]
    assert sum(report["quarantined_rows"] for report in shown) == 10
    assert sum(report["unkept_rows"] for report in shown) == 40
    assert said(await taken(engineer, things, body(30, 3))) == (30, 30, 0)


@pytest.mark.usefixtures("bounded")
async def test_batches_side_by_side_keep_within_the_bounds(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contracts = [await register(engineer, f"c{number}") for number in range(4)]

    async def insisted(contract_id: str, number: int) -> dict[str, Any]:
        while True:
            answer = await send(engineer, contract_id, body(17, number))
            if answer.status_code != 503:
                report: dict[str, Any] = answer.json()
                return report
            await asyncio.sleep(0.02)

    reports = await asyncio.gather(*[insisted(name, number) for number in range(4) for name in contracts])
    assert all(report["counts"]["inserted"] + report["counts"]["rejected"] == 18 for report in reports)
    assert sum(report["quarantined_rows"] for report in reports) == OF_ALL, "to the last row"
    rows = await kept(owner)
    assert sum(rows.values()) == OF_ALL
    assert max(rows.values()) <= OF_CONTRACT
    for report in reports:
        found = await owner.fetchval(
            "SELECT count(*) FROM spyne.ingestion_quarantine WHERE batch_id = $1", report["id"]
        )
        assert found == report["quarantined_rows"], "the report says what is kept"


@pytest.mark.usefixtures("bounded")
async def test_what_is_rolled_back_takes_no_room(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    tried = await send(engineer, things, body(30), dry_run=True)
    assert said(tried.json()) == (30, 30, 0)
    assert (await send(engineer, things, body(30), max_rejected="29")).status_code == 422
    assert await kept(owner) == {}
