"""The whole corpus through preview and execute, as a caller would send it, on the real database as the real role."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest

from app.commands.demo.queries import QUERIES
from tests.conftest import ClientOf
from tests.query.asking import ask, execute
from tests.query.attacks import ATTACKS
from tests.query.cases import Case
from tests.query.conftest import Warehouse
from tests.query.good import GOOD

AT_ONCE = 3
OTHER_REFUSALS = {
    ("table-not-found", "unknown-table"),
    ("unreadable-body", "odd-character"),
    ("invalid-request", "empty"),
}
"""What is refused before the guard, or reported as a missing table."""

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def viewer(as_role: ClientOf) -> httpx.AsyncClient:
    return await as_role("VIEWER")


async def _failures(cases: tuple[Case, ...], check: Any) -> list[str]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> str | None:
        async with gate:
            fault = await check(case)
            return f"{case.name}: {fault}" if fault else None

    return [fault for fault in await asyncio.gather(*(one(case) for case in cases)) if fault]


async def _contents(owner: "asyncpg.Connection[Any]") -> list[Any]:
    """Everything that an attack might have changed."""
    tables = await owner.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'data'::regnamespace ORDER BY 1")
    digests = [
        await owner.fetchval(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM data.\"{row['relname']}\" t")
        for row in tables
        if row["relname"].endswith("__v1")
    ]
    objects = await owner.fetchval("SELECT count(*) FROM pg_class")
    large = await owner.fetchval("SELECT count(*) FROM pg_largeobject_metadata")
    locks = await owner.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"  # others test beside us
    )
    return [[row["relname"] for row in tables], digests, objects, large, locks]


@pytest.mark.usefixtures("flights")
async def test_no_attack_passes_and_none_leaves_a_trace(
    admin: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    before = await _contents(owner)

    async def check(case: Case) -> str | None:
        body = json.dumps({"sql": case.sql}).encode()
        answer = await admin.post("/api/query/preview", content=body, headers=JSON)
        problem = answer.json()
        if answer.status_code not in {400, 404, 422}:
            return f"answered {answer.status_code}"
        if problem["code"] == "query-refused":
            if problem["guardrails"][0]["rule"] != case.expected:
                return f"refused by {problem['guardrails'][0]['rule']}, not {case.expected}"
        elif (problem["code"], case.expected) not in OTHER_REFUSALS:
            return f"answered {problem['code']}, not {case.expected}"
        verdict = await admin.post("/api/query/validate", content=body, headers=JSON)
        return "validated" if verdict.status_code == 200 and verdict.json()["allowed"] else None

    assert await _failures(ATTACKS, check) == []
    assert await owner.fetchval("SELECT count(*) FROM spyne.query_previews") == 0
    assert await owner.fetchval("SELECT count(*) FROM spyne.query_executions") == 0
    assert await _contents(owner) == before


async def test_no_good_statement_is_refused(
    flights: Warehouse, admin: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    before = await _contents(owner)

    async def check(case: Case) -> str | None:
        made = await admin.post("/api/query/preview", json={"sql": case.sql})
        if made.status_code != 200:
            return f"preview answered {made.status_code}: {made.text[:300]}"
        answer = await execute(admin, made.json()["preview_id"])
        if answer.status_code != 200:
            return f"execution answered {answer.status_code}: {answer.text[:300]}"
        body = answer.json()
        if [column["name"] for column in body["columns"]] != [column["name"] for column in made.json()["columns"]]:
            return "the columns are other than previewed"
        return None

    assert await _failures(GOOD, check) == []
    outcomes = await owner.fetch("SELECT outcome, count(*) AS n FROM spyne.query_executions GROUP BY outcome")
    assert {row["outcome"]: row["n"] for row in outcomes} == {"succeeded": len(GOOD)}
    assert flights.resources.query_login.in_use == 0
    assert await _contents(owner) == before


@pytest.mark.usefixtures("flights")
@pytest.mark.parametrize(("question", "sql"), QUERIES)
async def test_the_demonstration_may_ask_what_it_asks(viewer: httpx.AsyncClient, question: str, sql: str) -> None:
    answer = await ask(viewer, sql)
    assert answer.status_code == 200, f"{question} {answer.text}"
