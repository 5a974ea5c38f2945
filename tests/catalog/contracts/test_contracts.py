"""Contracts over HTTP, on the real database."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.contracts.review import InvalidContract
from app.catalog.contracts.service import ContractReading, ContractService
from app.catalog.tables.references import parse_reference
from app.catalog.tables.registry import TableNotWritable
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.warehouse.plan import Column, Mode, Resolution
from app.warehouse.types import parse_type
from tests.catalog.bodies import contract, with_checks, with_column, with_semantics
from tests.catalog.steps import deprecated, further, promoted, registered

INFERRED = [
    Column("api_id", parse_type("text")),
    Column("event_id", parse_type("bigint")),
    Column("event_time", parse_type("timestamptz")),
    Column("note", parse_type("text")),
]


async def test_the_platform_must_be_open(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    answer = await engineer.post("/api/contracts/register", json=contract())
    assert (answer.status_code, answer.json()["code"]) == (409, "not-ingestion-ready")
    assert await stored(owner) == [0, 0, 0, 0, 0]


@pytest.mark.usefixtures("open_for_data")
async def test_registering_makes_a_shadow_with_its_relation(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await engineer.post("/api/contracts/register", json=contract() | {"max_rejected": {"share": 0.1}})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"] == "/api/contracts/customers_v1"
    me = (await engineer.get("/api/auth/me")).json()
    assert made["owner"]["label"] == me["label"] if "label" in me else made["owner"]["label"].startswith("engineer")
    assert (made["id"], made["state"], made["schema_version"]) == ("customers_v1", "SHADOW", 1)
    assert made["max_rejected"] == {"rows": None, "share": 0.1}
    seen = await engineer.get("/api/contracts/customers_v1")
    assert made == seen.json() | {
        "created": True,
        "summary": "customers_v1 is registered. Its table is in SHADOW until an admin promotes it.",
        "former": None,
    }
    assert seen.headers["ETag"] == answer.headers["ETag"]
    columns = await owner.fetch(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        "WHERE attrelid = 'data.customers__v1'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [tuple(column) for column in columns if not column["attname"].startswith("_spyne_")] == [
        ("api_id", "text", True),
        ("event_id", "bigint", True),
        ("event_time", "timestamp with time zone", True),
        ("amount", "numeric(12,2)", True),
        ("currency", "character varying(3)", False),
        ("ingested_at", "timestamp with time zone", True),
    ]
    schema = (await engineer.get("/api/contracts/customers_v1/schema")).json()
    assert (schema["version"], schema["origin"]) == (1, "declared")
    assert schema == (await engineer.get("/api/contracts/customers_v1/schema/1")).json()
    actions = await owner.fetch("SELECT action FROM spyne.audit_log WHERE entity_type IN ('table', 'contract')")
    assert sorted(row["action"] for row in actions) == ["contract:register", "table:register"]


@pytest.mark.usefixtures("open_for_data")
async def test_other_contracts_of_a_table_are_its_next_versions(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    made = await asyncio.gather(*(further(engineer) for _ in range(4)))
    assert sorted(contract["id"] for contract in made) == [f"customers_v{n}" for n in range(1, 5)]
    assert (
        await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'data' AND tablename ~ '__v[0-9]$'")
        == 4
    )
    listed = (await engineer.get("/api/contracts", params={"table": "customers", "limit": 3})).json()
    assert len(listed["items"]) == 3
    rest = (await engineer.get("/api/contracts", params={"cursor": listed["next_cursor"]})).json()
    assert len(rest["items"]) == 1


@pytest.mark.usefixtures("open_for_data")
async def test_names_that_are_taken(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await registered(engineer)
    answer = await engineer.post("/api/contracts/register", json=contract("clients", endpoint="/api/v1/customers"))
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (409, "/endpoint")
    await owner.execute("CREATE TABLE data.clients__v1 (id int)")
    answer = await engineer.post("/api/contracts/register", json=contract("clients"))
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (409, "/table_name")
    assert await owner.fetchval("SELECT count(*) FROM spyne.tables WHERE name = 'clients'") == 0


@pytest.mark.usefixtures("open_for_data")
async def test_a_contract_is_seen_by_whoever_sees_its_table(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    await registered(engineer)
    paths = ("customers_v1", "customers_v1/schema", "customers_v1/schema/1")
    assert [(await analyst.get(f"/api/contracts/{path}")).status_code for path in paths] == [404, 404, 404]
    assert (await analyst.get("/api/contracts")).json()["items"] == []
    await promoted(admin, "customers")
    assert [(await analyst.get(f"/api/contracts/{path}")).status_code for path in paths] == [200, 200, 200]
    assert (await analyst.post("/api/contracts/register", json=contract())).status_code == 403
    assert (await engineer.get("/api/contracts/customers_v1/schema/2")).json()["code"] == "schema-not-found"
    assert (await engineer.get("/api/contracts/customers_v9")).json()["code"] == "contract-not-found"
    for version in ("0", "x", "99999999999999999999"):
        assert (await engineer.get(f"/api/contracts/customers_v1/schema/{version}")).status_code == 422


@pytest.mark.usefixtures("open_for_data")
async def test_the_first_batch_freezes_the_schema_once(
    engineer: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await registered(engineer, declared=False)
    assert (await engineer.get("/api/contracts/customers_v1/schema")).status_code == 404
    tag = (await engineer.get("/api/contracts/customers_v1")).headers["ETag"]

    async def freeze(extra: str) -> tuple[str, ...]:
        async with resources.database.write() as session:
            columns = [*INFERRED, Column(extra, parse_type("integer"))]
            frozen = await ContractService(session).freeze_schema("customers_v1", columns, SYSTEM)
            assert frozen.columns is not None
            return tuple(column.name for column in frozen.columns)

    found = await asyncio.gather(*(freeze(f"extra_{n}") for n in range(4)))
    assert len(set(found)) == 1
    assert found[0][-1] == "ingested_at"
    schema = (await engineer.get("/api/contracts/customers_v1/schema")).json()
    assert (schema["version"], schema["origin"]) == (1, "inferred")
    assert [column["nullable"] for column in schema["columns"]] == [False, False, False, True, True, False]
    assert (await engineer.get("/api/contracts/customers_v1")).headers["ETag"] != tag
    assert len((await engineer.get("/api/tables/customers")).json()["columns"]) == 6
    assert await owner.fetchval("SELECT count(*) FROM spyne.contract_schemas") == 1


UNUSABLE: list[tuple[list[Column], str]] = [
    ([], "/schema/columns"),
    (INFERRED[1:], "/ingestion_semantics/idempotency_key/0"),
    ([*INFERRED[:2], Column("event_time", parse_type("text"))], "/ingestion_semantics/event_time_column"),
    ([*INFERRED, Column("Note", parse_type("text"))], "/schema/columns/4/name"),
    ([*INFERRED, Column("note", parse_type("text"))], "/schema/columns/4/name"),
]


@pytest.mark.usefixtures("open_for_data")
async def test_first_batches_that_cannot_be_the_schema(engineer: httpx.AsyncClient, resources: Resources) -> None:
    await registered(engineer, declared=False)
    for columns, pointer in UNUSABLE:
        with pytest.raises(InvalidContract) as caught:
            async with resources.database.write() as session:
                await ContractService(session).freeze_schema("customers_v1", columns, SYSTEM)
        assert pointer in {fault.pointer for fault in caught.value.faults}
    assert (await engineer.get("/api/contracts/customers_v1")).json()["schema_version"] is None


@pytest.mark.usefixtures("open_for_data")
async def test_what_ingestion_reads(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    await registered(engineer, unknown_columns="discard_value", max_rejected={"rows": 5})
    async with resources.database.read() as session:
        found = await ContractReading(session).for_ingestion("customers_v1")
    assert found.plan is not None
    assert (found.plan.relation.sql, found.plan.key) == ('"data"."customers__v1"', ("api_id", "event_id"))
    assert (found.plan.mode, found.plan.resolution) == (Mode.UPSERT, Resolution.LATEST_WINS)
    assert (found.contract.policy.unknown_columns, found.contract.policy.max_rejected_rows) == ("discard_value", 5)
    await deprecated(admin, "customers")
    async with resources.database.read() as session:
        with pytest.raises(TableNotWritable):
            await ContractReading(session).for_ingestion("customers_v1")
    with pytest.raises(TableNotWritable):
        async with resources.database.write() as session:
            await ContractService(session).confirm_writable(found)


@pytest.mark.usefixtures("open_for_data")
async def test_a_merge_that_was_confirmed_is_over_before_the_table_closes(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    await registered(engineer)
    async with resources.database.write() as session:
        service = ContractService(session)
        await service.confirm_writable(await service.for_ingestion("customers_v1"))
        closing = asyncio.create_task(deprecated(admin, "customers"))
        await asyncio.sleep(0.3)
        assert not closing.done()
    assert (await closing).status_code == 200


CHECKS = "/schema/columns/5/checks"
SEMANTICS = "/ingestion_semantics"

MALFORMED: list[tuple[Any, str]] = [
    (None, ""),
    ([], ""),
    ("contract", ""),
    (1, ""),
    ({}, "/ingestion_semantics"),
    ({key: value for key, value in contract().items() if key != "table_name"}, "/table_name"),
    ({key: value for key, value in contract().items() if key != "endpoint"}, "/endpoint"),
    (contract() | {"colour": "red"}, "/colour"),
    (contract() | {"owner": "somebody"}, "/owner"),
    (contract(endpoint="customers"), "/endpoint"),
    (contract(endpoint="/a//b"), "/endpoint"),
    (contract(endpoint="/a/../b"), "/endpoint"),
    (contract(endpoint="https://example.org/a"), "/endpoint"),
    (contract(endpoint="/" + "a" * 300), "/endpoint"),
    (contract(endpoint=7), "/endpoint"),
    (contract("Customers"), "/table_name"),
    (contract("pg_class"), "/table_name"),
    (contract("a" * 41), "/table_name"),
    (contract("customers; drop table x"), "/table_name"),
    (contract("ünïcode"), "/table_name"),
    (contract(table_name=None), "/table_name"),
    (contract(ingestion_semantics=None), "/ingestion_semantics"),
    (contract(ingestion_semantics=[]), "/ingestion_semantics"),
    *((with_semantics(**{field: None}), f"{SEMANTICS}/{field}") for field in contract()["ingestion_semantics"]),
    (with_semantics(mode="merge"), f"{SEMANTICS}/mode"),
    (with_semantics(mode=["upsert"]), f"{SEMANTICS}/mode"),
    (with_semantics(idempotency_key="api_id"), f"{SEMANTICS}/idempotency_key"),
    (with_semantics(idempotency_key=[]), f"{SEMANTICS}/idempotency_key"),
    (with_semantics(idempotency_key=[1]), f"{SEMANTICS}/idempotency_key/0"),
    (with_semantics(idempotency_key=["nothing"]), f"{SEMANTICS}/idempotency_key/0"),
    (with_semantics(idempotency_key=["api_id"] * 2), f"{SEMANTICS}/idempotency_key/1"),
    (with_semantics(idempotency_key=["api_id"] * 17), f"{SEMANTICS}/idempotency_key"),
    (with_semantics(event_time_column="amount"), f"{SEMANTICS}/event_time_column"),
    (with_semantics(event_time_column="happened_at"), f"{SEMANTICS}/event_time_column"),
    (with_semantics(processing_time_column="amount"), f"{SEMANTICS}/processing_time_column"),
    (with_semantics(processing_time_column="event_time"), f"{SEMANTICS}/processing_time_column"),
    (with_semantics(dedupe_window=24), f"{SEMANTICS}/dedupe_window"),
    (with_semantics(dedupe_window="soon"), f"{SEMANTICS}/dedupe_window"),
    (with_semantics(dedupe_window="-24h"), f"{SEMANTICS}/dedupe_window"),
    (with_semantics(dedupe_window="P1M"), f"{SEMANTICS}/dedupe_window"),
    (with_semantics(conflict_resolution="merge"), f"{SEMANTICS}/conflict_resolution"),
    (with_semantics(grain="day"), f"{SEMANTICS}/grain"),
    (contract(schema=[]), "/schema"),
    (contract(schema={}), "/schema/columns"),
    (contract(schema={"columns": []}), "/schema/columns"),
    (contract(schema={"columns": {}}), "/schema/columns"),
    (contract(schema={"columns": [None]}), "/schema/columns/0"),
    (contract(schema={"columns": [{"name": f"c{n}", "type": "text"} for n in range(1001)]}), "/schema/columns"),
    (with_column(type="text"), "/schema/columns/5/name"),
    (with_column(name="x"), "/schema/columns/5/type"),
    (with_column(name="x", type="strng"), "/schema/columns/5/type"),
    (with_column(name="x", type="text[]"), "/schema/columns/5/type"),
    (with_column(name="x", type=5), "/schema/columns/5/type"),
    (with_column(name="X", type="text"), "/schema/columns/5/name"),
    (with_column(name="_spyne_hash", type="text"), "/schema/columns/5/name"),
    (with_column(name="tableoid", type="text"), "/schema/columns/5/name"),
    (with_column(name="amount", type="text"), "/schema/columns/5/name"),
    (with_column(name="x", type="text", nullable="no"), "/schema/columns/5/nullable"),
    (with_column(name="x", type="text", default=1), "/schema/columns/5/default"),
    (with_column(name="x", type="text", checks={}), "/schema/columns/5/checks"),
    (with_checks("text", {}), f"{CHECKS}/0"),
    (with_checks("text", {"type": "between"}), f"{CHECKS}/0"),
    (with_checks("text", {"type": "min"}), f"{CHECKS}/0/value"),
    (with_checks("text", {"type": "unique", "value": 1}), f"{CHECKS}/0/value"),
    (with_checks("integer", {"type": "min", "value": "1"}), f"{CHECKS}/0/value"),
    (with_checks("integer", {"type": "max", "value": 10**40}), f"{CHECKS}/0/value"),
    (with_checks("text", {"type": "pattern", "value": "(?=a)"}), f"{CHECKS}/0/value"),
    (with_checks("text", {"type": "one_of", "values": []}), f"{CHECKS}/0/values"),
    (contract(unknown_columns="keep"), "/unknown_columns"),
    (contract(max_rejected=5), "/max_rejected"),
    (contract(max_rejected={"share": 1.5}), "/max_rejected/share"),
    (contract(max_rejected={"rows": -1}), "/max_rejected/rows"),
]

UNREADABLE: list[tuple[bytes, str, int]] = [
    (b"{", "application/json", 400),
    (b'{"a": NaN}', "application/json", 400),
    (b'{"a": 1, "a": 2}', "application/json", 400),
    (b'{"table_name": "a\\u0000b"}', "application/json", 400),
    (b"\xff", "application/json", 400),
    (b"[" * 500, "application/json", 400),
    (b"", "application/json", 422),
    (b"table_name=x", "application/x-www-form-urlencoded", 422),
    (b"{}", "text/plain", 422),
]


async def stored(owner: asyncpg.Connection) -> list[int]:
    """Tables, their history, contracts, relations, and audit rows of the catalog."""
    counts = [
        int(await owner.fetchval(f"SELECT count(*) FROM spyne.{table}"))
        for table in ("tables", "table_state_history", "contracts")
    ]
    counts.append(await owner.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'data'::regnamespace"))
    counts.append(
        await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE entity_type IN ('table', 'contract')")
    )
    return counts


@pytest.mark.usefixtures("open_for_data")
async def test_malformed_contracts_are_refused_whole(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    assert len(MALFORMED) >= 35
    for body, pointer in MALFORMED:
        answer = await engineer.post("/api/contracts/register", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        found = [fault["pointer"] for fault in answer.json()["faults"]]
        assert pointer in found, (body, answer.json()["faults"])
        assert all(place == "" or place.startswith("/") for place in found)
    for content, media_type, status in UNREADABLE:
        answer = await engineer.post("/api/contracts/register", content=content, headers={"Content-Type": media_type})
        assert answer.status_code == status, (content, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await stored(owner) == [0, 0, 0, 0, 0]


async def test_the_request_is_documented(anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    body = document["paths"]["/api/contracts/register"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/RegisterRequest"), body
    assert "ingestion_semantics" in document["components"]["schemas"]["RegisterRequest"]["required"]


def test_references_are_told_apart() -> None:
    assert parse_reference("customers").name == "customers"
    assert parse_reference("customers@2").version == 2
    assert parse_reference("01890a5d-ac96-774b-bcce-b302099a8057").id is not None
