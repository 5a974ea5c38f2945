"""Documents that are refused: each fault names its place and says what would be right. Pure, and over HTTP."""

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.catalog.contracts.odcs.document import InvalidDocument, UnreadableDocument, read_document
from app.catalog.contracts.odcs.importing import MAX_TABLES, drafts
from app.catalog.contracts.odcs.writing import JSON, json_text
from app.kernel.problems import MAX_FAULTS
from tests.catalog.contracts.odcs.documents import SEMANTICS, beside, document

Change = Callable[[dict[str, Any]], Any]


def top(**fields: Any) -> Change:
    return lambda found: found.update(fields)


def without(name: str) -> Change:
    return lambda found: found.pop(name)


def entry(**fields: Any) -> Change:
    return lambda found: found["schema"][0].update(fields)


def column(**fields: Any) -> Change:
    return lambda found: found["schema"][0]["properties"].append({"name": "x", "logicalType": "string"} | fields)


def options(logical: str, **given: Any) -> Change:
    return column(logicalType=logical, logicalTypeOptions=given)


def quality(**rule: Any) -> Change:
    return column(quality=[rule])


COLUMN = "/schema/0/properties/2"

AGAINST_THE_STANDARD: list[tuple[str, Change, str, str, str]] = [
    ("no version of the standard", without("apiVersion"), "/apiVersion", "unknown-version", "says nothing"),
    ("an old version", top(apiVersion="v2.2.2"), "/apiVersion", "unknown-version", "known are v3.0.0"),
    ("a version to come", top(apiVersion="v4.0.0"), "/apiVersion", "unknown-version", "v3.2.0"),
    ("a version that is a number", top(apiVersion=3.1), "/apiVersion", "unknown-version", "3.1"),
    ("no id", without("id"), "/id", "missing", "The field id is missing"),
    ("no kind", without("kind"), "/kind", "missing", "DataContract"),
    ("no version", without("version"), "/version", "missing", "The field version is missing"),
    ("no status before 3.2", without("status"), "/status", "missing", '"proposed"'),
    ("another kind", top(kind="DataProduct"), "/kind", "not-a-choice", '"DataContract"'),
    ("a number as version", top(version=1), "/version", "wrong-type", "string"),
    ("a field of one's own", top(owner="ada"), "/owner", "unknown-field", "customProperties"),
    ("a misspelt field", top(tenat="x"), "/tenat", "unknown-field", "Did you mean tenant?"),
    ("tags that are no list", top(tags="finance"), "/tags", "wrong-type", '["finance"]'),
    ("a tag that is no text", top(tags=["a", 2]), "/tags/1", "wrong-type", "string"),
    ("a description that is text", top(description="Orders"), "/description", "wrong-type", "object"),
    ("a purpose that is a list", top(description={"purpose": []}), "/description/purpose", "wrong-type", "string"),
    ("a schema that is an object", top(schema={"orders": {}}), "/schema", "wrong-type", "array"),
    ("a table that is a text", top(schema=["orders"]), "/schema/0", "wrong-type", "object"),
    ("a table without a name", entry(name=None), "/schema/0/name", "wrong-type", "string"),
    ("a misspelt field of a table", entry(propertes=[]), "/schema/0/propertes", "unknown-field", "properties"),
    ("properties as an object", entry(properties={"a": {}}), "/schema/0/properties", "wrong-type", "array"),
    (
        "a table of another logical type",
        entry(logicalType="array"),
        "/schema/0/logicalType",
        "not-a-choice",
        '"object"',
    ),
    ("a misspelt field of a column", column(requird=True), f"{COLUMN}/requird", "unknown-field", "required"),
    ("a name that is a number", column(name=7), f"{COLUMN}/name", "wrong-type", "string"),
    ("an unknown logical type", column(logicalType="text"), f"{COLUMN}/logicalType", "not-a-choice", '"string"'),
    ("a misspelt logical type", column(logicalType="intger"), f"{COLUMN}/logicalType", "not-a-choice", "integer?"),
    ("required that is text", column(required="yes"), f"{COLUMN}/required", "wrong-type", "boolean"),
    (
        "a length that is text",
        options("string", maxLength="9"),
        f"{COLUMN}/logicalTypeOptions/maxLength",
        "wrong-type",
        "1",
    ),
    (
        "a length below nothing",
        options("string", minLength=-1),
        f"{COLUMN}/logicalTypeOptions/minLength",
        "breaks-minimum",
        "-1",
    ),
    (
        "a bound that is text",
        options("integer", minimum="1"),
        f"{COLUMN}/logicalTypeOptions/minimum",
        "wrong-type",
        "number",
    ),
    (
        "an unknown option",
        options("string", length=3),
        f"{COLUMN}/logicalTypeOptions/length",
        "unknown-field",
        "minLength",
    ),
    (
        "an unknown number format",
        options("number", format="f16"),
        f"{COLUMN}/logicalTypeOptions/format",
        "not-a-choice",
        "f32",
    ),
    ("a physical type that is a list", column(physicalType=["text"]), f"{COLUMN}/physicalType", "wrong-type", "string"),
    ("items that are a text", column(logicalType="array", items="string"), f"{COLUMN}/items", "wrong-type", "object"),
    (
        "a nested fault",
        column(logicalType="object", properties=[{"name": "a", "requird": 1}]),
        f"{COLUMN}/properties/0/requird",
        "unknown-field",
        "required",
    ),
    ("examples that are no list", column(examples="a"), f"{COLUMN}/examples", "wrong-type", "array"),
    (
        "a rule of an unknown metric",
        quality(metric="nulls", mustBe=0),
        f"{COLUMN}/quality/0/metric",
        "not-a-choice",
        "nullValues",
    ),
    (
        "a rule with two demands",
        quality(metric="rowCount", mustBe=0, mustNotBe=1),
        f"{COLUMN}/quality/0",
        "not-exactly-one-form",
        "mustBe",
    ),
    ("a rule without a query", quality(type="sql", mustBe=0), f"{COLUMN}/quality/0/query", "missing", "SELECT"),
    (
        "a custom rule without an engine",
        quality(type="custom", implementation="x"),
        f"{COLUMN}/quality/0/engine",
        "missing",
        '"soda"',
    ),
    ("a rule of an unknown type", quality(type="sqll", query="x"), f"{COLUMN}/quality/0/type", "not-a-choice", "sql?"),
    (
        "a relationship to nowhere",
        column(relationships=[{"to": "!!"}]),
        f"{COLUMN}/relationships/0/to",
        "wrong-pattern",
        "!!",
    ),
    ("a server without a type", top(servers=[{"server": "a"}]), "/servers/0/type", "missing", "type"),
    (
        "a server of an unknown type",
        top(servers=[{"server": "a", "type": "postgre"}]),
        "/servers/0/type",
        "not-a-choice",
        "postgres",
    ),
    (
        "a server without a host",
        top(servers=[{"server": "a", "type": "postgres", "port": 1, "database": "d", "schema": "s"}]),
        "/servers/0/host",
        "missing",
        "host",
    ),
    (
        "a member without a name",
        top(team={"members": [{"role": "x"}]}),
        "/team/members/0/username",
        "missing",
        '"text"',
    ),
    ("a role without a role", top(roles=[{"access": "read"}]), "/roles/0/role", "missing", "role"),
    ("a price that is text", top(price={"priceAmount": "9"}), "/price/priceAmount", "wrong-type", "number"),
    (
        "a service level without a value",
        top(slaProperties=[{"property": "latency"}]),
        "/slaProperties/0/value",
        "missing",
        "value",
    ),
    (
        "support without a channel",
        top(support=[{"url": "https://example.com"}]),
        "/support/0/channel",
        "missing",
        "channel",
    ),
    (
        "a custom property without a value",
        top(customProperties=[{"property": "a"}]),
        "/customProperties/0/value",
        "missing",
        "value",
    ),
    (
        "a custom property with another field",
        top(customProperties=[{"property": "a", "value": 1, "vale": 2}]),
        "/customProperties/0/vale",
        "unknown-field",
        "value",
    ),
    (
        "a definition without a type",
        entry(authoritativeDefinitions=[{"url": "https://example.com"}]),
        "/schema/0/authoritativeDefinitions/0/type",
        "missing",
        "type",
    ),
]

NO_CONTRACT: list[tuple[str, Change, str, str, str]] = [
    ("no schema", without("schema"), "/schema", "invalid-schema", "1 to 100"),
    ("an empty schema", top(schema=[]), "/schema", "invalid-schema", "1 to 100"),
    (
        "too many tables",
        lambda found: found["schema"].extend([{"name": "t"}] * MAX_TABLES),
        "/schema",
        "invalid-schema",
        "100",
    ),
    (
        "two tables of one name",
        lambda found: found["schema"].append(found["schema"][0]),
        "/schema/1/name",
        "duplicate-name",
        "orders",
    ),
    (
        "names that are one table",
        lambda found: found["schema"].append(found["schema"][0] | {"name": "Orders"}),
        "/schema/1/name",
        "duplicate-name",
        "orders",
    ),
    ("a name that no table bears", entry(name="注文"), "/schema/0/name", "invalid-table-name", "such as customers"),
    ("no properties", entry(properties=[]), "/schema/0/properties", "invalid-columns", "1 to 1000"),
    (
        "a column of no type",
        column(logicalType=None),
        f"{COLUMN}/logicalType",
        "unknown-type",
        '"logicalType": "string"',
    ),
    (
        "a type that no column has",
        column(logicalType=None, physicalType="interval"),
        f"{COLUMN}/physicalType",
        "unknown-type",
        "is nearest",
    ),
    (
        "another database's type",
        column(logicalType=None, physicalType="sql_variant"),
        f"{COLUMN}/physicalType",
        "unknown-type",
        "jsonb is nearest",
    ),
    (
        "a time with a zone",
        options("time", timezone=True),
        f"{COLUMN}/logicalTypeOptions",
        "unknown-type",
        "time is nearest",
    ),
    (
        "a name that no column bears",
        column(name="金額"),
        f"{COLUMN}/name",
        "invalid-column-name",
        "such as customer_id",
    ),
    ("a column twice", column(name="orderId"), f"{COLUMN}/name", "duplicate-column", "already"),
    (
        "a pattern that looks ahead",
        options("string", pattern="a(?=b)"),
        f"{COLUMN}/logicalTypeOptions/pattern",
        "invalid-pattern",
        "RE2",
    ),
    ("a range of nothing", options("integer", minimum=9, maximum=3), COLUMN, "empty-range", "above the max"),
    (
        "a bound out of range",
        options("integer", format="i16", minimum=10**6),
        f"{COLUMN}/logicalTypeOptions/minimum",
        "invalid-min",
        "whole number",
    ),
    (
        "a source that is a number",
        column(customProperties=[{"property": "source", "value": 3}]),
        f"{COLUMN}/customProperties/0/value",
        "string-type",
        "string",
    ),
    (
        "a source read twice",
        column(customProperties=[{"property": "source", "value": "order_id"}]),
        f"{COLUMN}/customProperties/0/value",
        "duplicate-source",
        "same value",
    ),
]

BESIDE: list[tuple[str, Change, str, str, str]] = [
    (
        "a mode that is none",
        lambda all_: all_["orders"].update(mode="merge"),
        "/semantics/orders/mode",
        "enum",
        "'upsert'",
    ),
    (
        "a key that is text",
        lambda all_: all_["orders"].update(idempotency_key="order_id"),
        "/semantics/orders/idempotency_key",
        "list-type",
        '["api_id", "event_id"]',
    ),
    (
        "a key of no column",
        lambda all_: all_["orders"].update(idempotency_key=["order"]),
        "/semantics/orders/idempotency_key/0",
        "unknown-column",
        "order_id?",
    ),
    (
        "an event time that is a number",
        lambda all_: all_["orders"].update(event_time_column="order_id"),
        "/semantics/orders/event_time_column",
        "unusable-type",
        "bigint",
    ),
    (
        "a window of months",
        lambda all_: all_["orders"].update(dedupe_window="P1M"),
        "/semantics/orders/dedupe_window",
        "invalid-duration",
        "24h",
    ),
    (
        "an endpoint with a space",
        lambda all_: all_["orders"].update(endpoint="/a b"),
        "/semantics/orders/endpoint",
        "invalid-endpoint",
        "/api/v1/customers",
    ),
    (
        "a table name in capitals",
        lambda all_: all_["orders"].update(table_name="Orders"),
        "/semantics/orders/table_name",
        "invalid-table-name",
        "customers",
    ),
    (
        "a policy that is none",
        lambda all_: all_["orders"].update(unknown_columns="keep"),
        "/semantics/orders/unknown_columns",
        "enum",
        "'freeze'",
    ),
    (
        "a share above one",
        lambda all_: all_["orders"].update(max_rejected={"share": 2}),
        "/semantics/orders/max_rejected/share",
        "less-than-equal",
        "1",
    ),
    (
        "a misspelt field",
        lambda all_: all_["orders"].update(idempotencykey=[]),
        "/semantics/orders/idempotencykey",
        "extra-forbidden",
        "idempotency_key?",
    ),
    (
        "an unknown table",
        lambda all_: all_.update(order=all_["orders"]),
        "/semantics/order",
        "unknown-schema",
        "orders?",
    ),
    (
        "a missing field",
        lambda all_: all_["orders"].pop("mode"),
        "/semantics/orders/mode",
        "missing",
        '"property": "mode"',
    ),
]


def refusal(body: Any) -> InvalidDocument:
    """The refusal of a body, with its faults."""
    with pytest.raises(InvalidDocument) as refused:
        drafts(read_document(json_text(body), JSON))
    return refused.value


def expected(body: Any, pointer: str, code: str, words: str) -> None:
    """Return when one fault of the body stands at this place, and says this."""
    faults = {(fault.pointer, fault.code): fault.message for fault in refusal(body).faults}
    assert (pointer, code) in faults, faults
    assert words in faults[pointer, code]


@pytest.mark.parametrize("case", AGAINST_THE_STANDARD, ids=lambda case: case[0])
def test_against_the_standard(case: tuple[str, Change, str, str, str]) -> None:
    _, change, pointer, code, words = case
    found = document("v3.1.0")
    change(found)
    expected(found, pointer, code, words)
    expected({"document": found, "semantics": {}}, f"/document{pointer}", code, words)


@pytest.mark.parametrize("case", NO_CONTRACT, ids=lambda case: case[0])
def test_what_no_contract_can_be_made_of(case: tuple[str, Change, str, str, str]) -> None:
    _, change, pointer, code, words = case
    found = document("v3.1.0")
    change(found)
    for each in found.get("schema", ()):
        for property_ in each.get("properties", ()):
            if property_.get("logicalType", "") is None:
                del property_["logicalType"]
    names = {each["name"] for each in found.get("schema", ())}
    body = {"document": found, "semantics": dict.fromkeys(names, SEMANTICS)}
    expected(body, f"/document{pointer}", code, words)


@pytest.mark.parametrize("case", BESIDE, ids=lambda case: case[0])
def test_beside_the_document(case: tuple[str, Change, str, str, str]) -> None:
    _, change, pointer, code, words = case
    body = copy.deepcopy(beside(document("v3.1.0")))
    change(body["semantics"])
    expected(body, pointer, code, words)


def test_one_fault_hides_no_other() -> None:
    found = document("v3.1.0", {"name": "a", "logicalType": "strin", "tags": "x", "foo": 1, "required": "no"})
    pointers = [fault.pointer for fault in refusal(found | {"kind": "x", "version": 3}).faults]
    assert pointers == [
        "/kind",
        *(f"{COLUMN}/{name}" for name in ("foo", "logicalType", "required", "tags")),
        "/version",
    ]
    sound = document("v3.1.0", {"name": "a"}, {"name": "b", "physicalType": "interval"})
    semantics = {"orders": {"mode": "upsrt", "idempotency_key": ["order_id"]}}
    pointers = [fault.pointer for fault in refusal({"document": sound, "semantics": semantics}).faults]
    assert pointers[:2] == [f"/document{COLUMN}/logicalType", "/document/schema/0/properties/3/physicalType"]
    missing = set(SEMANTICS) - {"idempotency_key"}
    assert {*pointers[2:]} == {f"/semantics/orders/{field}" for field in missing}


def test_faults_are_bounded_and_found_in_good_time() -> None:
    rule = {"metric": "rowCount", "mustBe": 0, "mustNotBe": 1}
    columns = [{"name": f"c{n}", "logicalTyp": "string", "tags": 1, "quality": [rule]} for n in range(1_000)]
    began = time.monotonic()
    refused = refusal(document("v3.1.0", *columns))
    assert len(refused.faults) == MAX_FAULTS
    assert "more than" in refused.detail
    assert time.monotonic() - began < 10


def _nested(levels: int, width: int) -> dict[str, Any]:
    """A property with properties and items within each other, none of which says its type; the innermost is wrong."""
    if not levels:
        return {"name": "b", "logicalType": "strin"}
    inner = _nested(levels - 1, width)
    return {"name": "a", "items": inner, "properties": [inner] * width}


@pytest.mark.parametrize(("levels", "width"), [(9, 1), (5, 4), (28, 0)])
@pytest.mark.parametrize("version", ["v3.0.2", "v3.1.0", "v3.2.0"])
def test_what_nests_costs_no_more_than_its_size(version: str, levels: int, width: int) -> None:
    began = time.monotonic()
    faults = refusal(document(version, _nested(levels, width))).faults
    assert any(fault.pointer.endswith("/logicalType") for fault in faults)
    assert time.monotonic() - began < 5


BODIES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "line 1 column 2"),
    "a repeated key": (b'{"apiVersion": "v3.1.0", "id": "a", "id": "b"}', "'id' occurs twice"),
    "NaN": (b'{"id": NaN}', "NaN is not JSON"),
    "a number beyond doubles": (b'{"id": 1e999}', "beyond the range"),
    "NUL": (b'{"id": "\\u0000"}', "NUL"),
    "half a character": (b'{"id": "\\ud800"}', "surrogate"),
    "bytes": (b'{"id": "\xff"}', "not UTF-8"),
    "deep": (b"[" * 9_000, "nested deeper"),
    "many values": (b"[" + b"1," * 30_000 + b"1]", "20000 values"),
}


@pytest.mark.parametrize("name", BODIES)
def test_json_that_is_not_taken(name: str) -> None:
    body, words = BODIES[name]
    with pytest.raises(UnreadableDocument) as refused:
        read_document(body, JSON)
    assert words in refused.value.faults[0].message


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ([], "", "not-an-object"),
        ("text", "", "not-an-object"),
        (None, "", "not-an-object"),
        ({}, "/apiVersion", "unknown-version"),
        ({"document": 3}, "/document", "not-an-object"),
        ({"document": {}}, "/document/apiVersion", "unknown-version"),
        ({"document": {}, "semantic": {}}, "/semantic", "extra-forbidden"),
        ({"document": {}, "semantics": []}, "/semantics", "not-an-object"),
        ({"document": {}, "semantics": {"a": 1}}, "/semantics", "not-an-object"),
    ],
)
def test_bodies_that_hold_no_document(body: Any, pointer: str, code: str) -> None:
    assert [(fault.pointer, fault.code) for fault in refusal(body).faults] == [(pointer, code)]


@pytest.mark.usefixtures("open_for_data")
async def test_refusals_over_http(engineer: httpx.AsyncClient) -> None:
    url, yaml = "/api/contracts/import", {"Content-Type": "application/yaml"}
    answer = await engineer.post(url, content=b"a: 1\na: 2\n", headers=yaml)
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable-document")
    assert answer.json()["faults"][0]["message"].endswith("at line 2 column 1.")
    answer = await engineer.post(url, json=document() | {"kind": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-document")
    assert [fault["pointer"] for fault in answer.json()["faults"]] == ["/kind"]
    answer = await engineer.post(url, content=json.dumps(document()).encode(), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    answer = await engineer.post(url, content=b"x: " + b"y" * 20_000_000, headers=yaml)
    assert answer.status_code == 413
    assert (await engineer.post(url, content=b"", headers=yaml)).status_code == 400
    assert (await engineer.post(f"{url}?dry_run=maybe", json=document())).status_code == 422
