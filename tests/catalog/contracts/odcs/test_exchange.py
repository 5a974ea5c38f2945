"""Documents come in as contracts and go out again, over HTTP and on the real database."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
import yaml

from app.catalog.contracts.odcs.document import TAKEN
from app.catalog.contracts.odcs.validation import violations
from app.catalog.contracts.odcs.writing import JSON, YAML, json_text, rendered
from tests.catalog.bodies import contract
from tests.catalog.contracts.odcs.documents import CASES, SEMANTICS, beside, document, with_feature
from tests.catalog.contracts.odcs.losses import losses
from tests.catalog.steps import deprecated, promoted, registered
from tests.census import BOOKKEEPING, census, differences

pytestmark = [pytest.mark.usefixtures("open_for_data"), pytest.mark.slow]

OTHERS_BOOKS = BOOKKEEPING - {"spyne.audit_log"}
URL = "/api/contracts/import"


async def sent(client: httpx.AsyncClient, body: Any, form: str = JSON, **params: Any) -> httpx.Response:
    content = rendered(body, YAML) if TAKEN.get(form) == YAML else json_text(body)
    return await client.post(URL, content=content, headers={"Content-Type": form}, params=params)


async def taken(client: httpx.AsyncClient, body: Any, status: int = 201, **params: Any) -> list[dict[str, Any]]:
    """The contracts of an import that was taken."""
    answer = await sent(client, body, **params)
    assert answer.status_code == status, answer.text
    found: list[dict[str, Any]] = answer.json()["contracts"]
    return found


async def exported(client: httpx.AsyncClient, contract_id: str, version: str) -> dict[str, Any]:
    """The export, which its version of the standard accepts and YAML repeats; its numbers as they are written."""
    answer = await client.get(f"/api/contracts/{contract_id}/odcs")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    assert found["apiVersion"] == version
    assert violations(found, version) == []
    other = await client.get(f"/api/contracts/{contract_id}/odcs", headers={"Accept": YAML})
    assert yaml.safe_load(other.content) == json.loads(answer.content)
    return found


def with_semantics(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The document with semantics in its own custom properties."""
    named = {
        "mode": "mode",
        "idempotency_key": "idempotencyKey",
        "event_time_column": "eventTimeColumn",
        "processing_time_column": "processingTimeColumn",
        "dedupe_window": "dedupeWindow",
        "conflict_resolution": "conflictResolution",
    }
    said = [{"property": named[name], "value": value} for name, value in (SEMANTICS | changes).items()]
    return found | {"customProperties": [*found.get("customProperties", []), *said]}


@pytest.mark.parametrize(("feature", "version"), CASES)
async def test_what_came_in_goes_out(engineer: httpx.AsyncClient, feature: str, version: str) -> None:
    body = json.loads(json_text(with_feature(feature, version)), parse_float=Decimal)
    contracts = await taken(engineer, beside(body))
    assert [each["schema_name"] for each in contracts] == [entry["name"] for entry in body["schema"]]
    first = contracts[0]["contract"]["id"]
    found = await exported(engineer, first, version)
    assert list(losses(body, found)) == []
    # What an export says is enough to import it: the same contracts again, and the same document.
    again = await taken(engineer, found, status=200)
    assert [each["contract"]["id"] for each in again] == [each["contract"]["id"] for each in contracts]
    assert await exported(engineer, first, version) == found


@pytest.mark.parametrize("form", list(TAKEN))
async def test_every_form_says_the_same(engineer: httpx.AsyncClient, form: str) -> None:
    body = with_semantics(with_feature("custom properties", "v3.1.0"))
    answer = await sent(engineer, body, f"{form}; charset=UTF-8")
    assert answer.status_code == 201, answer.text
    assert list(losses(body, await exported(engineer, "orders_v1", "v3.1.0"))) == []


async def test_other_forms_are_refused(engineer: httpx.AsyncClient) -> None:
    for form in ("text/plain", "application/json; charset=latin-1", "application/xml"):
        answer = await engineer.post(URL, content=b"{}", headers={"Content-Type": form})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_the_contract_that_comes_of_a_document(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    found = document(
        "v3.2.0",
        {"name": "customerId", "logicalType": "integer", "tags": ["crm", "pii"], "description": "Who bought"},
        {"name": "total", "physicalName": "amount", "logicalType": "number", "physicalType": "NUMBER(12,2)"},
        {"name": "state", "logicalType": "string", "enum": [{"value": "open"}, {"value": "paid"}], "required": True},
        {
            "name": "lines",
            "logicalType": "array",
            "items": {"logicalType": "string"},
            "quality": [{"description": "x"}],
        },
        description={"purpose": "All orders"},
    )
    (made,) = await taken(engineer, beside(found, max_rejected={"share": 0.5}, unknown_columns="quarantine_row"))
    contract = made["contract"]
    assert (contract["id"], contract["created"], contract["state"]) == ("orders_v1", True, "SHADOW")
    assert (contract["endpoint"], made["relation"]) == ("/api/v1/orders", "data.orders__v1")
    assert contract["ingestion_semantics"] == SEMANTICS
    assert (contract["max_rejected"], contract["unknown_columns"]) == ({"rows": None, "share": 0.5}, "quarantine_row")
    assert (contract["description"], contract["columns"]) == (
        "All orders",
        {"customer_id": {"description": "Who bought", "labels": ["crm", "pii"], "sensitivity": "private"}},
    )
    choices = [{"type": "one_of", "values": ["open", "paid"]}]
    plain = {"nullable": True, "checks": [], "source": None}
    assert made["columns"] == [
        plain | {"name": "order_id", "type": "bigint", "nullable": False},
        plain | {"name": "changed_at", "type": "timestamptz", "nullable": False},
        plain | {"name": "customer_id", "type": "bigint", "source": "customerId"},
        plain | {"name": "amount", "type": "numeric(12,2)", "source": "total"},
        plain | {"name": "state", "type": "text", "nullable": False, "checks": choices},
        plain | {"name": "lines", "type": "jsonb"},
        plain | {"name": "ingested_at", "type": "timestamptz", "nullable": False},
    ]
    assert [note["pointer"] for note in made["notes"]] == ["/document/schema/0/properties/5/quality"]
    schema = (await engineer.get("/api/contracts/orders_v1/schema")).json()
    assert (schema["origin"], schema["columns"]) == ("imported", made["columns"])
    assert await owner.fetchval("SELECT count(*) FROM data.orders__v1") == 0


async def test_the_same_again_and_another(engineer: httpx.AsyncClient) -> None:
    found = document()
    await taken(engineer, beside(found))
    before = await engineer.get("/api/contracts/orders_v1")
    (same,) = await taken(engineer, beside(found), status=200)
    assert (same["contract"]["id"], same["contract"]["created"]) == ("orders_v1", False)
    assert (await engineer.get("/api/contracts/orders_v1")).headers["ETag"] == before.headers["ETag"]
    (other,) = await taken(engineer, beside(document("v3.1.0", {"name": "note", "logicalType": "string"})))
    assert other["contract"]["id"] == "orders_v2"
    assert (same["drift"], [change["path"] for change in other["drift"]]) == ([], ["/columns/note"])
    former = other["contract"]["former"]
    assert (former["contract_id"], [each["name"] for each in former["columns"]["added"]]) == ("orders_v1", ["note"])


async def test_a_document_that_says_more_of_the_same_contract_replaces_the_kept_one(
    engineer: httpx.AsyncClient,
) -> None:
    await taken(engineer, beside(document()))
    more = document(price={"priceAmount": 3})
    more["schema"][0]["properties"][0]["description"] = "Counts"
    (same,) = await taken(engineer, beside(more), status=200)
    assert same["contract"]["columns"]["order_id"]["description"] == "Counts"
    assert list(losses(more, await exported(engineer, "orders_v1", "v3.1.0"))) == []


async def test_all_or_none(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await registered(engineer, "taken", endpoint="/api/v1/payments")
    before = await census(owner, ignoring=BOOKKEEPING)
    answer = await sent(engineer, beside(with_feature("several tables", "v3.1.0")))
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]] == [
        ("/document/schema/1/name", "endpoint-taken")
    ]
    assert differences(before, await census(owner, ignoring=BOOKKEEPING)) == []


async def test_a_dry_run_stores_nothing(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await taken(engineer, beside(document()))
    before = await census(owner, ignoring=OTHERS_BOOKS)
    body = with_feature("several tables", "v3.1.0")
    body["schema"][0]["properties"].append({"name": "note", "logicalType": "string"})
    tried = await taken(engineer, beside(body), status=200, dry_run="true")
    assert differences(before, await census(owner, ignoring=OTHERS_BOOKS)) == []
    assert [(each["contract"]["id"], each["contract"]["created"]) for each in tried] == [
        ("orders_v2", True),
        ("payments_v1", True),
    ]
    assert tried[0]["contract"]["former"]["contract_id"] == "orders_v1"
    assert [[change["path"] for change in each["drift"]] for each in tried] == [["/columns/note"], []]
    made = await taken(engineer, beside(body))
    for each in (*tried, *made):  # ids and times are of the one that was made
        for name in ("table_id", "created_at"):
            del each["contract"][name]
    assert made == tried


async def test_what_is_missing_is_named_for_each_table(engineer: httpx.AsyncClient) -> None:
    body = with_feature("several tables", "v3.1.0")
    answer = await sent(engineer, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-document")
    faults = {fault["pointer"]: fault["message"] for fault in answer.json()["faults"]}
    assert set(faults) == {f"/semantics/{table}/{field}" for table in ("orders", "payments") for field in SEMANTICS}
    assert '"idempotency_key": ["order_id"]' in faults["/semantics/orders/idempotency_key"]
    assert '{"property": "mode", "value": "upsert"}' in faults["/semantics/payments/mode"]


async def test_changes_are_merged_into_what_came_in(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    body = with_feature("property", "v3.1.0")
    await taken(engineer, beside(body))
    fresh = await exported(engineer, "orders_v1", "v3.1.0")
    assert fresh["status"] == "draft"
    label = (await engineer.get("/api/contracts/orders_v1")).json()["owner"]["label"]
    assert [member["username"] for member in fresh["team"]["members"]] == [label]
    assert [each["name"] for each in fresh["schema"][0]["properties"]][-2:] == ["email", "ingested_at"]
    await promoted(admin, "orders")
    words = {"email_address": {"description": "Changed", "labels": ["contact"], "sensitivity": "none"}}
    await owner.execute(
        "UPDATE spyne.contracts SET description = 'Ours', column_words = $1::jsonb WHERE id = 'orders_v1'",
        json.dumps(words),
    )
    found = await exported(engineer, "orders_v1", "v3.1.0")
    assert (found["status"], found["schema"][0]["description"]) == ("active", "Ours")
    email = found["schema"][0]["properties"][2]
    assert email["description"] == "Changed"
    assert "classification" not in email
    del body["schema"][0]["properties"][2]["classification"]
    body["schema"][0]["properties"][2]["description"] = "Changed"
    assert list(losses(body, found)) == []
    assert (await deprecated(admin, "orders", dry_run=False)).status_code == 200
    assert (await exported(engineer, "orders_v1", "v3.1.0"))["status"] == "deprecated"


CONTRACTS = {
    "declared": contract(),
    "left to the first batch": contract(declared=False),
    "another table and endpoint": contract("sales", endpoint="/other/path"),
    "limits and policies": contract(max_rejected={"rows": 3, "share": 0.1}, type_changes="evolve"),
    "append": contract(ingestion_semantics=contract()["ingestion_semantics"] | {"mode": "append"}),
    "one key that is unique by itself": contract(
        ingestion_semantics=contract()["ingestion_semantics"] | {"idempotency_key": ["event_id"]}
    ),
    "one key with a check of its own": contract(
        ingestion_semantics=contract()["ingestion_semantics"] | {"idempotency_key": ["event_id"]},
        schema={
            "columns": [
                {"name": "event_id", "type": "uuid", "checks": [{"type": "unique"}]},
                {"name": "event_time", "type": "timestamp"},
                {"name": "n", "type": "numeric", "checks": [{"type": "min", "value": "12345678901234567890.5"}]},
                {"name": "t", "type": "text", "checks": [{"type": "pattern", "value": "^a"}, {"type": "unique"}]},
                {"name": "c", "type": "time", "checks": [{"type": "max", "value": "08:00:00"}]},
                {"name": "customer", "type": "bytea", "source": "/customer/photo"},
            ]
        },
    ),
}


@pytest.mark.parametrize("name", CONTRACTS)
async def test_an_export_comes_in_as_the_same_contract(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, name: str
) -> None:
    answer = await engineer.post("/api/contracts/register", json=CONTRACTS[name])
    assert answer.status_code == 201, answer.text
    contract_id = answer.json()["id"]
    document = (await engineer.get(f"/api/contracts/{contract_id}/odcs")).json()
    before = await census(owner, ignoring=OTHERS_BOOKS)
    (same,) = await taken(engineer, document, status=200)
    assert (same["contract"]["id"], same["contract"]["created"]) == (contract_id, False)
    assert differences(before, await census(owner, ignoring=OTHERS_BOOKS)) == []


async def test_nobody_learns_of_a_hidden_table_from_the_document_of_another(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    await taken(engineer, beside(with_feature("several tables", "v3.1.0")))
    await promoted(admin, "orders")
    assert [each["name"] for each in (await exported(engineer, "orders_v1", "v3.1.0"))["schema"]] == [
        "orders",
        "payments",
    ]
    assert [each["name"] for each in (await exported(analyst, "orders_v1", "v3.1.0"))["schema"]] == ["orders"]
    await promoted(admin, "payments")
    assert len((await exported(analyst, "orders_v1", "v3.1.0"))["schema"]) == 2


async def test_who_may_import(analyst: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    assert (await sent(analyst, beside(document()))).status_code == 403
    assert (await sent(anonymous, beside(document()))).status_code == 401


async def test_imports_of_several_tables_in_opposite_order_do_not_stand_in_each_others_way(
    engineer: httpx.AsyncClient,
) -> None:
    body = with_feature("several tables", "v3.1.0")
    turned = body | {"schema": body["schema"][::-1]}
    answers = await asyncio.gather(*(sent(engineer, beside(each)) for each in (body, turned, body, turned)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
