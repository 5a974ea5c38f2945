"""What a property of the standard is as a column: its name, source, type, checks and words."""

from typing import Any

import pytest

from app.catalog.contracts.odcs.document import SentDocument
from app.catalog.contracts.odcs.export import LOGICAL_TYPES, property_of
from app.catalog.contracts.odcs.importing import draft
from app.catalog.contracts.odcs.logical_types import FAMILIES, FOREIGN, UnfitPropertyError, property_type
from app.catalog.contracts.odcs.properties import column_of, is_private
from app.catalog.contracts.odcs.validation import VERSIONS, violations
from app.warehouse.plan import Column
from app.warehouse.types import ColumnType, TypeKind, parse_type
from tests.catalog.contracts.odcs.documents import SEMANTICS, document

TYPES: list[tuple[str, str | None, str | None, dict[str, Any]]] = [
    ("text", "string", None, {}),
    ("varchar(20)", "string", None, {"maxLength": 20}),
    ("text", "string", "text", {"maxLength": 20}),
    ("varchar(9)", "string", "VARCHAR(9)", {}),
    ("varchar(9)", "string", "nvarchar(9)", {}),
    ("uuid", "string", None, {"format": "uuid"}),
    ("uuid", "string", "uuid", {}),
    ("bytea", "string", None, {"format": "binary"}),
    ("text", "string", "STRING", {}),
    ("text", "string", "some type", {}),
    ("text", "string", "int", {}),
    ("bigint", "integer", None, {}),
    ("smallint", "integer", None, {"format": "i8"}),
    ("integer", "integer", None, {"format": "u16"}),
    ("bigint", "integer", None, {"format": "u32"}),
    ("numeric(20,0)", "integer", None, {"format": "u64"}),
    ("integer", "integer", "INT", {}),
    ("numeric(10,0)", "integer", "NUMBER(10)", {}),
    ("bigint", "integer", "text", {}),
    ("numeric", "number", None, {}),
    ("real", "number", None, {"format": "f32"}),
    ("double precision", "number", "FLOAT64", {}),
    ("numeric(12,2)", "number", "Decimal(12, 2)", {}),
    ("boolean", "boolean", "tinyint(1)", {}),
    ("date", "date", None, {}),
    ("date", "date", None, {"format": "yyyy-MM-dd"}),
    ("timestamp", "date", None, {"format": "yyyy-MM-dd HH:mm:ss"}),
    ("time", "date", None, {"format": "HH:mm:ss"}),
    ("timestamptz", "date", "timestamptz", {}),
    ("timestamp", "timestamp", None, {}),
    ("timestamptz", "timestamp", None, {"timezone": True}),
    ("timestamptz", "timestamp", "TIMESTAMP_LTZ", {}),
    ("time", "time", None, {}),
    ("jsonb", "object", "STRUCT<a:int>", {}),
    ("jsonb", "array", "text", {}),
    ("jsonb", "map", None, {}),
    ("jsonb", "vector", None, {"dimensions": 3}),
    ("bigint", None, "bigint", {}),
    ("bigint", None, "INT64", {}),
    ("jsonb", None, "array<string>", {}),
    ("text", None, "string", {}),
]


@pytest.mark.parametrize(("expected", "logical", "physical", "options"), TYPES)
def test_types(expected: str, logical: str | None, physical: str | None, options: dict[str, Any]) -> None:
    said = {"logicalType": logical, "physicalType": physical, "logicalTypeOptions": options}
    assert property_type({name: value for name, value in said.items() if value}).sql == expected


def test_every_type_is_in_the_family_of_its_word() -> None:
    assert all(kind in FAMILIES[LOGICAL_TYPES[kind][0]] for kind in TypeKind)
    assert all(parse_type(ours) for ours in FOREIGN.values())


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({}, "logicalType", "says no type"),
        ({"physicalType": "interval"}, "physicalType", "is nearest"),
        ({"physicalType": "varchar(0)"}, "physicalType", "varchar is nearest"),
        ({"physicalType": "x" * 5_000}, "physicalType", "text is nearest"),
        ({"logicalType": "time", "logicalTypeOptions": {"timezone": True}}, "logicalTypeOptions", "time is nearest"),
    ],
)
def test_types_that_no_column_has(said: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(UnfitPropertyError) as refused:
        property_type(said)
    assert refused.value.field == field
    assert words in str(refused.value)


NAMES: list[tuple[dict[str, Any], str, str | None]] = [
    ({"name": "amount"}, "amount", None),
    ({"name": "customerId"}, "customer_id", "customerId"),
    ({"name": "customerId", "physicalName": "customer_id"}, "customer_id", "customerId"),
    ({"name": "total", "physicalName": "amount"}, "amount", "total"),
    ({"name": "amount", "physicalName": "AMOUNT"}, "amount", None),
    ({"name": "Order Id", "physicalName": "ORDER-ID"}, "order_id", "Order Id"),
    ({"name": "/a/b"}, "a_b", "/~1a~1b"),
    ({"name": " x"}, "x", None),
    ({"name": "a", "customProperties": [{"property": "source", "value": "/b/c"}]}, "a", "/b/c"),
    ({"name": "a", "customProperties": [{"property": "source", "value": "x", "vendor": "other"}]}, "a", None),
    ({"name": "ingestedAt"}, "ingested_at", None),
]


@pytest.mark.parametrize(("said", "name", "source"), NAMES)
def test_names_and_sources(said: dict[str, Any], name: str, source: str | None) -> None:
    found = column_of(said | {"logicalType": "string"}, "/p", (), "ingested_at")
    assert (found.body["name"], found.body.get("source")) == (name, source)


CHECKS: list[tuple[dict[str, Any], list[dict[str, Any]], list[str]]] = [
    ({"logicalTypeOptions": {"pattern": "^a", "minLength": 2}}, [{"type": "pattern", "value": "^a"}], ["minLength"]),
    ({"logicalTypeOptions": {"minLength": 2}}, [{"type": "pattern", "value": "(?s)^.{2,}$"}], []),
    ({"logicalTypeOptions": {"minLength": 2_000}}, [], ["minLength"]),
    ({"physicalType": "text", "logicalTypeOptions": {"maxLength": 5}}, [], ["maxLength"]),
    ({"logicalType": "integer", "logicalTypeOptions": {"exclusiveMinimum": 2}}, [{"type": "min", "value": 3}], []),
    (
        {"logicalType": "integer", "logicalTypeOptions": {"maximum": 9, "exclusiveMaximum": True}},
        [{"type": "max", "value": 8}],
        [],
    ),
    (
        {"logicalType": "integer", "logicalTypeOptions": {"maximum": 9, "exclusiveMaximum": False}},
        [{"type": "max", "value": 9}],
        [],
    ),
    (
        {"logicalType": "number", "logicalTypeOptions": {"exclusiveMaximum": 1, "multipleOf": 2}},
        [],
        ["exclusiveMaximum", "multipleOf"],
    ),
    (
        {"logicalType": "date", "logicalTypeOptions": {"minimum": "2020-01-01"}},
        [{"type": "min", "value": "2020-01-01"}],
        [],
    ),
    ({"unique": True}, [{"type": "unique"}], []),
    ({"logicalType": "object", "unique": True}, [], ["unique"]),
    (
        {"logicalType": "boolean", "enum": [{"value": True}, {"value": None}]},
        [{"type": "one_of", "values": [True]}],
        [],
    ),
    ({"logicalType": "array", "enum": [{"value": "a"}]}, [], ["enum"]),
    (
        {"quality": [{"type": "custom", "engine": "spyne", "implementation": {"type": "unique"}}, {"type": "text"}]},
        [{"type": "unique"}],
        ["quality"],
    ),
]


@pytest.mark.parametrize(("said", "checks", "kept"), CHECKS)
def test_checks(said: dict[str, Any], checks: list[dict[str, Any]], kept: list[str]) -> None:
    found = column_of({"name": "a", "logicalType": "string"} | said, "/p", (), None)
    assert found.body["checks"] == checks
    assert [note.pointer.rpartition("/")[2] for note in found.notes] == kept
    assert all(f"/checks/{index}" in found.places for index in range(len(checks)))


def test_what_is_unique_by_itself_has_no_check() -> None:
    said = {"name": "a", "logicalType": "string", "unique": True}
    assert column_of(said, "/p", ("a",), None).body["checks"] == []
    assert column_of(said, "/p", ("a", "b"), None).body["checks"] == [{"type": "unique"}]


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("restricted", True),
        ("Confidential", True),
        ("PII", True),
        ("highly-sensitive", True),
        ("pii.email", True),
        ("internal", False),
        ("public", False),
        ("3", False),
        ("non-pii", False),
        ("NOT_CONFIDENTIAL", False),
        ("piington", False),
    ],
)
def test_what_is_private(text: str, private: bool) -> None:
    assert is_private(text) is private


TABLES: list[tuple[dict[str, Any], str]] = [
    ({"name": "orders"}, "orders"),
    ({"name": "Orders", "physicalName": "shop_orders"}, "shop_orders"),
    ({"name": "Orders", "physicalName": "public.shop_orders"}, "shop_orders"),
    ({"name": "orders", "physicalName": "data.orders__v3"}, "orders"),
    ({"name": "Order Lines", "physicalName": "注文"}, "order_lines"),
    ({"name": "x", "physicalName": "PROD.SALES.ORDER_LINES"}, "order_lines"),
]


@pytest.mark.parametrize(("said", "table"), TABLES)
def test_table_names(said: dict[str, Any], table: str) -> None:
    found = document("v3.1.0")
    found["schema"][0] |= said
    made = draft(SentDocument(found, "v3.1.0", {said["name"]: SEMANTICS}), 0)
    assert (made.definition.table_name, made.definition.endpoint) == (table, f"/api/v1/{table}")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", TypeKind)
def test_every_column_has_a_property_in_every_version(kind: TypeKind, version: str) -> None:
    column = Column("c", ColumnType(kind, length=3 if kind is TypeKind.VARCHAR else None))
    said = property_of(column, ("c", "d"), {"description": "d", "labels": ["a"], "sensitivity": "private"}, version)
    assert violations(document(version, said), version) == []
    made = draft(SentDocument(document(version, said), version, {"orders": SEMANTICS}), 0)
    assert made.definition.columns is not None
    assert made.definition.columns[2] == column
    assert made.words["c"] == {"description": "d", "labels": ["a"], "sensitivity": "private"}
