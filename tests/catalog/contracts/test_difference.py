"""How schema versions differ: the rule, and the operation over HTTP."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.contracts.definition import columns_of
from app.catalog.contracts.difference import aspects, preceding
from app.catalog.tables.shape import difference
from app.warehouse.plan import Column
from tests.catalog.steps import registered

AMOUNT = {"name": "amount", "type": "numeric(12,2)", "nullable": True, "checks": [{"type": "min", "value": 0}]}
NOTE = {"name": "note", "type": "text", "nullable": True, "checks": [], "source": None}


def columns(*documents: dict[str, Any]) -> tuple[Column, ...]:
    return columns_of(documents)


@pytest.mark.parametrize(
    ("changed", "expected", "breaking"),
    [
        ({}, [], False),
        ({"type": "numeric(14,2)"}, ["type"], False),
        ({"type": "numeric(14,4)"}, ["type"], True),
        ({"type": "numeric(10,2)"}, ["type"], True),
        ({"type": "decimal(12, 2)"}, [], False),
        ({"nullable": False}, ["nullable"], False),
        ({"checks": []}, ["checks"], False),
        ({"checks": [{"type": "min", "value": 1}]}, ["checks"], False),
        ({"checks": [{"type": "min", "value": "0.00"}]}, [], False),
        ({"type": "bigint", "nullable": False, "checks": []}, ["type", "nullable", "checks"], True),
        ({"source": "theAmount"}, ["source"], False),
        ({"source": None}, [], False),
    ],
)
def test_what_changed_about_a_column(changed: dict[str, Any], expected: list[str], breaking: bool) -> None:
    found = difference(columns(NOTE, AMOUNT), columns(AMOUNT | changed, NOTE))
    assert (found.added, found.removed, found.breaking) == ((), (), breaking)
    assert [list(aspects(change)) for change in found.changed] == ([expected] if expected else [])


def test_columns_come_and_go() -> None:
    more = difference(columns(AMOUNT), columns(NOTE, AMOUNT))
    assert ([column.name for column in more.added], more.removed, more.breaking) == (["note"], (), False)
    fewer = difference(columns(NOTE, AMOUNT), columns(AMOUNT))
    assert (fewer.added, [column.name for column in fewer.removed], fewer.breaking) == ((), ["note"], True)


def test_the_version_before_the_first_is_the_first() -> None:
    assert [preceding(version) for version in (1, 2, 7)] == [1, 1, 6]


async def evolved(owner: asyncpg.Connection, version: int, documents: list[dict[str, Any]]) -> None:
    await owner.execute(
        "INSERT INTO spyne.contract_schemas (contract_id, version, columns, origin, created_by) "
        "VALUES ('customers_v1', $1, $2::jsonb, 'declared', 'test')",
        version,
        json.dumps(documents),
    )
    await owner.execute("UPDATE spyne.contracts SET schema_version = $1 WHERE id = 'customers_v1'", version)


@pytest.mark.usefixtures("open_for_data")
async def test_two_versions_are_compared(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await registered(engineer)
    url = "/api/contracts/customers_v1/diff"
    alone = (await engineer.get(url)).json()
    assert alone == {
        "contract_id": "customers_v1",
        "from_version": 1,
        "to_version": 1,
        "added": [],
        "removed": [],
        "changed": [],
        "breaking": False,
    }
    first: list[dict[str, Any]] = (await engineer.get("/api/contracts/customers_v1/schema/1")).json()["columns"]
    kept = [column for column in first if column["name"] != "currency"]
    strict = [column | ({"checks": []} if column["name"] == "amount" else {}) for column in first]
    await evolved(owner, 2, [*kept, NOTE])
    await evolved(owner, 3, [*strict, NOTE])

    found = (await engineer.get(url)).json()
    assert (found["from_version"], found["to_version"], found["breaking"]) == (2, 3, False)
    assert [column["name"] for column in found["added"]] == ["currency"]
    assert found["changed"] == [
        {
            "name": "amount",
            "aspects": ["checks"],
            "before": next(column for column in first if column["name"] == "amount"),
            "after": next(column for column in strict if column["name"] == "amount"),
        }
    ]
    gone = (await engineer.get(url, params={"to": 2})).json()
    assert (gone["from_version"], gone["to_version"], gone["breaking"]) == (1, 2, True)
    assert ([column["name"] for column in gone["removed"]], gone["added"]) == (["currency"], [NOTE])
    back = (await engineer.get(url, params={"from": 2, "to": 1})).json()
    assert (back["added"], back["removed"], back["breaking"]) == (gone["removed"], gone["added"], True)


@pytest.mark.usefixtures("open_for_data")
async def test_what_cannot_be_compared(engineer: httpx.AsyncClient, analyst: httpx.AsyncClient) -> None:
    await registered(engineer)
    await registered(engineer, "later", declared=False)
    for path, code in {
        "customers_v1/diff?from=2": "schema-not-found",
        "customers_v1/diff?to=2": "schema-not-found",
        "later_v1/diff": "schema-not-found",
        "nothing_v1/diff": "contract-not-found",
    }.items():
        answer = await engineer.get(f"/api/contracts/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code), path
    for query in ("from=0", "to=-1", "from=x", "to=99999999999", "to=", "from=1.5"):
        answer = await engineer.get(f"/api/contracts/customers_v1/diff?{query}")
        assert answer.status_code == 422, query
        assert [fault["pointer"] for fault in answer.json()["faults"]] == [f"query/{query.partition('=')[0]}"]
    hidden = await analyst.get("/api/contracts/customers_v1/diff")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "contract-not-found")
