"""Contracts that evolve by their policies: what becomes a column, what widens, what is left for somebody to decide."""

import importlib
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest

from app.warehouse import relation_checks
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import (
    all_drift,
    columns_of,
    contract_with,
    drift_of,
    good,
    merged,
    resolve,
    said,
    sent,
    values,
)
from tests.ingestion.steps import COLUMNS, CSV, NDJSON, counted
from tests.query.asking import rows as queried

pytestmark = pytest.mark.usefixtures("open_for_data")

EVOLVING = ("evolve", "evolve")
LIMITS = importlib.import_module("app.warehouse.evolution.size")
"""The module, whose name in its package is that of its function."""


async def test_a_column_is_added_and_another_one_widened_in_one_batch(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "both", *EVOLVING)
    await merged(engineer, contract_id, [good(1)])
    report = await merged(engineer, contract_id, [good(2, 5_000_000_000, vip=True), good(3, 2)])
    (found,) = await drift_of(engineer, report)
    assert sorted(said(found)) == [("ADD", "vip"), ("TYPE_CHANGE", "v")], "they are applied together: one version"
    assert (report["schema_version"], found["resolution"]["schema_version"]) == (2, 2)
    assert await values(owner, "both", "v", "vip") == {1: (1, None), 2: (5_000_000_000, True), 3: (2, None)}
    schemas = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    assert (schemas["origin"], schemas["version"]) == ("evolved", 2)
    audited = await owner.fetch("SELECT actor_label FROM spyne.audit_log WHERE action = 'contract:evolve'")
    assert [row["actor_label"] for row in audited] == [report["submitted_by"]]
    assert await relation_checks.findings(owner) == []


async def test_fields_whose_names_no_column_can_bear_are_read_by_source(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "sources", *EVOLVING)
    sender = {"customerId": 7, "customer": {"vip": True, "since": "2020-02-03"}, "Total: EUR": 1.5}
    report = await merged(engineer, contract_id, [good(1, **sender), good(2)])
    assert counted(report) == {"inserted": 2}
    schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    sources = {each["name"]: each["source"] for each in schema["columns"][4:] if each["name"] != "got"}
    assert sources["customer_id"] == "customerId"
    stored = await values(owner, "sources", "customer_id")
    assert stored == {1: 7, 2: None}
    again = await merged(engineer, contract_id, [good(3, **sender)])
    assert (again["drift"], again["schema_version"]) == ([], report["schema_version"]), "the fields are known now"
    assert (await values(owner, "sources", "customer_id"))[3] == 7


async def test_a_nested_field_beside_one_that_is_known_becomes_a_column(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    columns = [*COLUMNS, {"name": "customer_id", "type": "bigint", "source": "/customer/id"}]
    contract_id = await contract_with(engineer, "nested", *EVOLVING, columns=columns)
    report = await merged(
        engineer, contract_id, [good(1, customer={"id": 7, "vip": True}), good(2, customer={"id": 8})]
    )
    (found,) = await drift_of(engineer, report)
    assert said(found) == [("ADD", "/customer/vip")]
    assert await values(owner, "nested", "customer_id", "customer_vip") == {1: (7, True), 2: (8, None)}
    schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
    assert {each["name"]: each["source"] for each in schema["columns"]}["customer_vip"] == "/customer/vip"


async def test_a_field_of_nulls_alone_waits_until_a_value_says_what_it_is(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "nulls", *EVOLVING)
    answer = await sent(engineer, contract_id, [good(1, tier=None), good(2)])
    assert answer.status_code == 201, answer.text
    report = answer.json()
    (found,) = await drift_of(engineer, report)
    assert (found["status"], found["changes"][0]["new"]["type"]) == ("open", None)
    assert "tier" not in await columns_of(engineer, contract_id)
    refused = await resolve(engineer, found["id"], "accept")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-decision")
    await merged(engineer, contract_id, [good(3, tier="gold")])
    assert (await columns_of(engineer, contract_id))["tier"] == "text"
    assert await all_drift(engineer, status="open") == []
    assert (await values(owner, "nulls", "tier"))[3] == "gold"


async def test_a_type_of_another_family_is_refused_and_reported(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "families", *EVOLVING)
    report = await merged(engineer, contract_id, [good(1), good(2, "many", vip=True)])
    assert counted(report) == {"inserted": 1, "rejected": 1}
    applied, refused = await drift_of(engineer, report)
    assert (said(applied), applied["status"]) == ([("ADD", "vip")], "accepted")
    assert (said(refused), refused["status"], refused["severity"]) == ([("TYPE_CHANGE", "v")], "open", "BREAKING")
    assert await values(owner, "families", "v", "vip") == {1: (1, None)}


WIDENED: list[tuple[str, Any, Any, str]] = [
    ("smallint", 1, 40_000, "integer"),
    ("integer", 1, 2**63, "numeric"),
    ("numeric(5,2)", 1, 123456.75, "numeric(8,2)"),
    ("real", 1.5, 1e300, "double precision"),
    ("varchar(3)", "EUR", "EURO", "text"),
]
"""Declared type, a value of it, one that does not fit, and the type for both."""


async def test_columns_get_the_narrowest_types_that_hold_what_came(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    names = [f"w{number}" for number in range(len(WIDENED))]
    columns = [{"name": name, "type": case[0]} for name, case in zip(names, WIDENED, strict=True)]
    fitting, wider = [dict[str, Any](zip(names, (case[place] for case in WIDENED), strict=True)) for place in (1, 2)]
    contract_id = await contract_with(engineer, "narrow", *EVOLVING, columns=[*COLUMNS, *columns])
    await merged(engineer, contract_id, [good(1, **fitting)])
    report = await merged(engineer, contract_id, [good(2, **wider)])
    assert counted(report) == {"inserted": 1}
    types = await columns_of(engineer, contract_id)
    assert [types[name] for name in names] == [case[3] for case in WIDENED]
    stored = await values(owner, "narrow", *names)
    assert [float(value) if isinstance(value, Decimal) else value for value in stored[2]] == list(wider.values())
    same = await merged(engineer, contract_id, [good(1, **fitting), good(2, **wider)])
    assert counted(same) == {"unchanged": 2}, "what is stored is what it was: its hash says so"
    assert await relation_checks.findings(owner) == []


async def test_queries_read_a_new_column_of_a_published_table_at_once(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "public", *EVOLVING)
    await merged(engineer, contract_id, [good(1)])
    await promoted(admin, "public")
    assert await queried(analyst, "SELECT id, v FROM public") == [[1, 1]]
    await merged(engineer, contract_id, [good(2, 5_000_000_000, vip=True)])
    wanted = "SELECT id, v, vip FROM public ORDER BY id"
    assert await queried(analyst, wanted) == [[1, 1, None], [2, 5_000_000_000, True]]
    table_id = (await analyst.get(f"/api/contracts/{contract_id}")).json()["table_id"]
    shape = (await analyst.get(f"/api/tables/{table_id}")).json()
    assert {each["name"]: each["type"] for each in shape["columns"]} == {
        "id": "bigint",
        "at": "timestamptz",
        "v": "bigint",
        "got": "timestamptz",
        "vip": "boolean",
    }
    versions = (await analyst.get(f"/api/tables/{table_id}/versions")).json()
    assert [each["schema_version"] for each in versions["items"]] == [2]
    assert await relation_checks.findings(owner) == []


async def test_a_table_too_large_to_be_written_anew_keeps_its_types_and_takes_the_rest(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract_id = await contract_with(engineer, "large", *EVOLVING)
    await merged(engineer, contract_id, [good(1)])
    monkeypatch.setattr(LIMITS, "MOST_ROWS", 0)
    report = await merged(engineer, contract_id, [good(2, 5_000_000_000, vip=True), good(3, vip=False)])
    assert counted(report) == {"inserted": 1, "rejected": 1}
    added, widened = await drift_of(engineer, report)
    assert (said(added), added["status"]) == ([("ADD", "vip")], "accepted")
    assert (said(widened), widened["status"]) == ([("TYPE_CHANGE", "v")], "open")
    refused = await resolve(engineer, widened["id"], "accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "needs-new-version")
    assert "column v" in refused.json()["reasons"][0]
    assert (await columns_of(engineer, contract_id))["v"] == "integer"
    monkeypatch.setattr(LIMITS, "MOST_ROWS", 10)
    await merged(engineer, contract_id, [good(2, 5_000_000_000, vip=True)])
    assert (await values(owner, "large", "v", "vip"))[2] == (5_000_000_000, True)


async def test_contracts_of_every_mode_evolve(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    for mode in ("append", "upsert", "replace"):
        contract_id = await contract_with(engineer, mode, *EVOLVING, mode)
        await merged(engineer, contract_id, [good(1), good(2)])
        report = await merged(engineer, contract_id, [good(4, 3, hour=1, vip=True), good(3, 5_000_000_000)])
        assert report["counts"]["rejected"] == 0
        found = await values(owner, mode, "v", "vip")
        assert (found[4], found[3]) == ((3, True), (5_000_000_000, None))
        assert found.keys() == ({3, 4} if mode == "replace" else {1, 2, 3, 4})
    assert await relation_checks.findings(owner) == []


async def test_rows_that_the_contract_evolves_for_count_for_no_limit(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for number, limit in enumerate(({"rows": 0}, {"share": 0.0})):
        contract_id = await contract_with(engineer, f"strict_{number}", *EVOLVING, max_rejected=limit)
        report = await merged(engineer, contract_id, [good(1, vip=True), good(2, 5_000_000_000), good(3)])
        assert counted(report) == {"inserted": 3}
        assert await values(owner, f"strict_{number}", "v", "vip") == {
            1: (1, True),
            2: (5_000_000_000, None),
            3: (1, None),
        }
        aside = await merged(engineer, contract_id, [good(4), good(5, "many"), good(6, tier="gold")])
        assert counted(aside) == {"inserted": 2, "rejected": 1}, "what no type fits is set aside until somebody decides"
        assert (await columns_of(engineer, contract_id)).keys() == {"id", "at", "v", "vip", "tier"}


async def test_a_long_batch_whose_rows_all_bring_a_new_column_is_kept_and_merged_whole(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """Reading ends early where nothing is accepted; but what is to be read again must be kept to its end."""
    key = "ingestion.max-rows-refused-at-first"
    changed = await admin.put(f"/system/config/{key}", json={"value": 100})
    assert changed.status_code == 200, changed.text
    for media in (NDJSON, CSV):
        table = "long_" + media.rpartition("/")[2].replace("-", "_")
        contract_id = await contract_with(engineer, table, *EVOLVING)
        report = await merged(
            engineer, contract_id, [good(number, 5_000_000_000, vip=True) for number in range(8_000)], media
        )
        assert counted(report) == {"inserted": 8_000}
        assert await owner.fetchval(f"SELECT count(*) FROM data.{table}__v1 WHERE vip") == 8_000
