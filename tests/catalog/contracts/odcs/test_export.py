"""Contracts as documents of the Open Data Contract Standard, held against its official JSON Schema."""

import copy
import json
from importlib import resources
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft201909Validator

from app.catalog.contracts.odcs.export import LOGICAL_TYPES, STATUSES
from app.catalog.tables.lifecycle import TableState
from app.warehouse.types import TypeKind, parse_type
from tests.catalog.bodies import COLUMNS, contract, with_semantics
from tests.catalog.steps import deprecated, promoted, registered

STANDARD = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft201909Validator(STANDARD)

HUGE = "12345678901234567890.5"
TEXT_CHECKS = [{"type": "pattern", "value": "(?i)^[a-z]+$"}, {"type": "one_of", "values": ["EUR", "a: é #'\""]}]
DAYS = {"type": "min", "value": "2026-01-01"}, {"type": "max", "value": "2026-12-31"}

OF_TYPE: list[tuple[str, list[Any], dict[str, Any]]] = [
    (
        "text",
        [*TEXT_CHECKS, {"type": "unique"}],
        {
            "logicalType": "string",
            "unique": True,
            "logicalTypeOptions": {"pattern": "(?i)^[a-z]+$"},
            "customProperties": [
                {"property": "source", "value": "/the c/0"},
                {"property": "patternSyntax", "value": "RE2"},
            ],
            "enum": [{"value": "EUR"}, {"value": "a: é #'\""}],
        },
    ),
    ("varchar(3)", [], {"logicalType": "string", "logicalTypeOptions": {"maxLength": 3}}),
    ("smallint", [], {"logicalType": "integer", "logicalTypeOptions": {"format": "i16"}}),
    (
        "int4",
        [{"type": "max", "value": 7}],
        {"logicalType": "integer", "physicalType": "integer", "logicalTypeOptions": {"format": "i32", "maximum": 7}},
    ),
    (
        "bigint",
        [{"type": "min", "value": -(2**63)}, {"type": "max", "value": 2**63 - 1}],
        {"logicalType": "integer", "logicalTypeOptions": {"format": "i64", "minimum": -(2**63), "maximum": 2**63 - 1}},
    ),
    (
        "numeric(12,2)",
        [{"type": "min", "value": 0.01}, {"type": "max", "value": 5}],
        {"logicalType": "number", "logicalTypeOptions": {"minimum": 0.01, "maximum": 5}},
    ),
    (
        "numeric",
        [{"type": "min", "value": HUGE}, {"type": "one_of", "values": [HUGE, 1]}],
        {
            "logicalType": "number",
            "enum": [{"value": HUGE}, {"value": 1}],
            "quality": [{"type": "custom", "engine": "spyne", "implementation": {"type": "min", "value": HUGE}}],
        },
    ),
    ("real", [], {"logicalType": "number", "logicalTypeOptions": {"format": "f32"}}),
    (
        "float8",
        [{"type": "min", "value": 0}],
        {
            "logicalType": "number",
            "physicalType": "double precision",
            "logicalTypeOptions": {"format": "f64", "minimum": 0},
        },
    ),
    ("boolean", [{"type": "one_of", "values": [True]}], {"logicalType": "boolean", "enum": [{"value": True}]}),
    (
        "date",
        [*DAYS],
        {"logicalType": "date", "logicalTypeOptions": {"minimum": "2026-01-01", "maximum": "2026-12-31"}},
    ),
    (
        "time",
        [{"type": "min", "value": "08:00:00"}],
        {"logicalType": "time", "logicalTypeOptions": {"timezone": False, "minimum": "08:00:00"}},
    ),
    ("timestamp", [], {"logicalType": "timestamp", "logicalTypeOptions": {"timezone": False}}),
    (
        "timestamptz",
        [{"type": "max", "value": "2026-01-01T00:00:00+00:00"}],
        {"logicalType": "timestamp", "logicalTypeOptions": {"timezone": True, "maximum": "2026-01-01T00:00:00+00:00"}},
    ),
    ("uuid", [], {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}),
    ("jsonb", [{"type": "not_null"}], {"logicalType": "object", "required": True}),
    ("bytea", [], {"logicalType": "string", "logicalTypeOptions": {"format": "binary"}}),
]


async def exported(client: httpx.AsyncClient, contract_id: str = "customers_v1") -> dict[str, Any]:
    """The document in JSON, which the standard accepts and YAML repeats."""
    answer = await client.get(f"/api/contracts/{contract_id}/odcs")
    assert answer.status_code == 200, answer.text
    assert (answer.headers["Content-Type"], "Accept" in answer.headers["Vary"]) == ("application/json", True)
    document: dict[str, Any] = answer.json()
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    other = await client.get(f"/api/contracts/{contract_id}/odcs", headers={"Accept": "application/yaml"})
    assert other.headers["Content-Type"] == "application/yaml"
    assert yaml.safe_load(other.content) == document
    assert b"&id" not in other.content
    return document


def custom(document: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in document["customProperties"]}


def test_every_type_has_its_word() -> None:
    assert set(LOGICAL_TYPES) == set(TypeKind)
    assert set(STATUSES) == set(TableState)
    assert {parse_type(spelled).kind for spelled, _, _ in OF_TYPE} == set(TypeKind)


@pytest.mark.usefixtures("open_for_data")
async def test_a_contract_in_the_words_of_the_standard(engineer: httpx.AsyncClient) -> None:
    made = await registered(engineer, max_rejected={"share": 0.1})
    document = await exported(engineer)
    assert (document["kind"], document["apiVersion"]) == ("DataContract", "v3.2.0")
    assert (document["id"], document["name"], document["version"]) == ("customers_v1", "customers", "1.1.0")
    assert document["status"] == "draft"
    assert document["description"] == {
        "purpose": "What comes in under /api/v1/customers, kept as the table customers.",
        "limitations": "Not open for queries yet.",
    }
    owner = {"id": made["owner"]["id"], "username": made["owner"]["label"], "role": "owner"}
    assert document["team"] == {"members": [owner]}
    assert custom(document) == {
        "mode": "upsert",
        "idempotencyKey": ["api_id", "event_id"],
        "eventTimeColumn": "event_time",
        "processingTimeColumn": "ingested_at",
        "dedupeWindow": "24h",
        "conflictResolution": "latest_wins",
        "endpoint": "/api/v1/customers",
        "tableState": "SHADOW",
        "unknownColumns": "freeze",
        "typeChanges": "freeze",
        "maxRejected": {"share": 0.1},
    }
    (table,) = document["schema"]
    assert (table["name"], table["physicalName"], table["physicalType"]) == ("customers", "data.customers__v1", "table")
    assert table["dataGranularityDescription"] == "One row per api_id, event_id."
    assert {each["name"]: each.get("primaryKeyPosition") for each in table["properties"]} == {
        "api_id": 1,
        "event_id": 2,
        "event_time": None,
        "amount": None,
        "currency": None,
        "ingested_at": None,
    }
    assert {each["name"] for each in table["properties"] if each["required"]} == {
        "api_id",
        "event_id",
        "event_time",
        "amount",
        "ingested_at",
    }


@pytest.mark.usefixtures("open_for_data")
async def test_a_column_of_each_type(engineer: httpx.AsyncClient) -> None:
    body = contract()
    body["schema"]["columns"] += [
        {"name": f"c{index}", "type": spelled, "checks": checks} for index, (spelled, checks, _) in enumerate(OF_TYPE)
    ]
    body["schema"]["columns"][len(COLUMNS)]["source"] = "/the c/0"
    answer = await engineer.post("/api/contracts/register", json=body)
    assert answer.status_code == 201, answer.text
    (table,) = (await exported(engineer))["schema"]
    found = {each["name"]: each for each in table["properties"]}
    for index, (spelled, _, expected) in enumerate(OF_TYPE):
        plain = {"name": f"c{index}", "physicalType": spelled, "required": False, "unique": False}
        assert found[f"c{index}"] == plain | expected


@pytest.mark.usefixtures("open_for_data")
@pytest.mark.parametrize(
    ("mode", "key", "primary", "unique"),
    [
        ("upsert", ["event_id"], ["event_id"], ["event_id"]),
        ("replace", ["event_id", "api_id"], ["event_id", "api_id"], []),
        ("append", ["event_id"], ["event_id", "event_time"], []),
        ("append", ["event_time", "event_id"], ["event_time", "event_id"], []),
    ],
)
async def test_the_primary_key_is_what_no_two_rows_share(
    engineer: httpx.AsyncClient, mode: str, key: list[str], primary: list[str], unique: list[str]
) -> None:
    body = with_semantics(mode=mode, idempotency_key=key)
    assert (await engineer.post("/api/contracts/register", json=body)).status_code == 201
    document = await exported(engineer)
    properties = document["schema"][0]["properties"]
    keyed = sorted((each["primaryKeyPosition"], each["name"]) for each in properties if each.get("primaryKey"))
    assert keyed == list(enumerate(primary, start=1))
    assert [each["name"] for each in properties if each["unique"]] == unique
    assert custom(document)["idempotencyKey"] == key


@pytest.mark.usefixtures("open_for_data")
async def test_before_the_first_batch_there_are_no_properties(engineer: httpx.AsyncClient) -> None:
    await registered(engineer, declared=False)
    document = await exported(engineer)
    assert document["version"] == "1.0.0"
    assert "properties" not in document["schema"][0]


@pytest.mark.usefixtures("open_for_data")
async def test_the_status_follows_the_table(engineer: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await registered(engineer)
    await promoted(admin, "customers")
    active = await exported(engineer)
    assert (active["status"], custom(active)["tableState"]) == ("active", "ACTIVE")
    assert "limitations" not in active["description"]
    await promoted(admin, "customers", "READ_ONLY", "ACTIVE")
    assert (await exported(engineer))["status"] == "active"
    assert (await deprecated(admin, "customers", dry_run=False)).status_code == 200
    assert (await exported(engineer))["status"] == "deprecated"


@pytest.mark.usefixtures("open_for_data")
async def test_who_gets_it_in_which_form(engineer: httpx.AsyncClient, analyst: httpx.AsyncClient) -> None:
    await registered(engineer)
    url = "/api/contracts/customers_v1/odcs"
    refused = await engineer.get(url, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not-acceptable")
    assert refused.json()["offered"] == ["application/json", "application/yaml"]
    both = await engineer.get(url, headers={"Accept": "application/json;q=0.5, application/*"})
    assert both.headers["Content-Type"] == "application/yaml"
    hidden = await analyst.get(url)
    assert hidden.status_code == (await analyst.get("/api/contracts/customers_v1")).status_code == 404
    assert (await engineer.get("/api/contracts/nothing_v1/odcs")).status_code == 404


def test_the_validator_refuses_what_the_standard_does_not_know() -> None:
    sound = {"version": "1", "apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", "schema": [{"name": "t"}]}
    assert VALIDATOR.is_valid(sound)
    wrong = copy.deepcopy(sound) | {"schema": [{"name": "t", "colums": []}]}
    assert not VALIDATOR.is_valid(wrong)
