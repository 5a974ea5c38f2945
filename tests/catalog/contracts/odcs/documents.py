"""A document of the standard for each of its features, written for these tests."""

import copy
from collections.abc import Callable
from typing import Any

VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
SINCE_31 = ("v3.1.0", "v3.2.0")
SINCE_32 = ("v3.2.0",)

Document = dict[str, Any]

SEMANTICS: dict[str, Any] = {
    "mode": "upsert",
    "idempotency_key": ["order_id"],
    "event_time_column": "changed_at",
    "processing_time_column": "ingested_at",
    "dedupe_window": "24h",
    "conflict_resolution": "latest_wins",
}

KEY = {"name": "order_id", "logicalType": "integer", "physicalType": "BIGINT", "primaryKey": True, "required": True}
TIME = {"name": "changed_at", "logicalType": "date", "physicalType": "timestamptz", "required": True}


def document(version: str = "v3.1.0", *properties: Document, name: str = "orders", **changes: Any) -> Document:
    """A sound document with one table, further properties, and top-level fields replaced."""
    table = {"name": name, "physicalType": "table", "properties": [*map(copy.deepcopy, (KEY, TIME, *properties))]}
    found = {
        "apiVersion": version,
        "kind": "DataContract",
        "id": f"urn:{name}",
        "version": "1.4.2",
        "status": "proposed",
        "schema": [table],
    }
    return found | changes


def in_table(version: str, **fields: Any) -> Document:
    """A sound document whose table has these further fields."""
    found = document(version)
    found["schema"][0] |= fields
    return found


def beside(found: Document, **changes: Any) -> dict[str, Any]:
    """The body of an import, with sound semantics for every entry."""
    names = [entry["name"] for entry in found["schema"]]
    return {"document": found, "semantics": dict.fromkeys(names, SEMANTICS | changes)}


def _fundamentals(version: str) -> Document:
    return document(
        version,
        name="orders",
        tenant="ClimateCo",
        domain="seller",
        dataProduct="Orders to date",
        description={
            "purpose": "Every order, as the shop has it.",
            "limitations": "Not before 2019.",
            "usage": "Revenue reports",
            "customProperties": [{"property": "audience", "value": "finance"}],
        },
        tags=["finance", "a: b #c"],
        contractCreatedTs="2024-02-28T09:12:33+01:00",
    )


def _schema(version: str) -> Document:
    return in_table(
        version,
        physicalName="shop_orders",
        businessName="Orders of the shop",
        description="One row for each order",
        dataGranularityDescription="One row per order",
        tags=["core"],
        authoritativeDefinitions=[{"url": "https://example.com/orders", "type": "businessDefinition"}],
    )


def _property(version: str) -> Document:
    return document(
        version,
        {
            "name": "email",
            "physicalName": "email_address",
            "businessName": "E-mail",
            "logicalType": "string",
            "physicalType": "varchar(100)",
            "logicalTypeOptions": {"maxLength": 100, "minLength": 3, "pattern": "^[^@]+@[^@]+$", "format": "email"},
            "required": True,
            "unique": True,
            "description": "Where the customer is written to",
            "tags": ["contact"],
            "classification": "restricted",
            "criticalDataElement": True,
            "encryptedName": "email_encrypt",
            "partitioned": False,
            "partitionKeyPosition": -1,
            "transformSourceObjects": ["crm.mails"],
            "transformLogic": "lower(mail)",
            "transformDescription": "Small letters",
            "examples": ["ada@example.com"],
            "authoritativeDefinitions": [{"url": "https://example.com/mail", "type": "transformationImplementation"}],
            "customProperties": [{"property": "steward", "value": {"name": "Ada", "since": 2020}}],
        },
    )


def _numbers(version: str) -> Document:
    beyond = {"minimum": 0, "exclusiveMinimum": True} if version < "v3.1.0" else {"exclusiveMinimum": 0}
    options = {"minimum": 0.10, "maximum": 99999.5, "multipleOf": 0.01}
    return document(
        version,
        {"name": "amount", "logicalType": "number", "physicalType": "decimal(12,2)", "logicalTypeOptions": options},
        {"name": "pieces", "logicalType": "integer", "logicalTypeOptions": beyond | {"format": "i32"}},
        {"name": "paid", "logicalType": "boolean"},
        {"name": "due", "logicalType": "date", "logicalTypeOptions": {"minimum": "2020-01-01", "format": "yyyy-MM-dd"}},
        customProperties=[
            {"property": "precise", "value": 0.1234567890123456789},
            {"property": "huge", "value": 10**40},
        ],
    )


def _nested(version: str) -> Document:
    street = {"name": "street", "logicalType": "string", "required": True}
    return document(
        version,
        {
            "name": "address",
            "logicalType": "object",
            "logicalTypeOptions": {"required": ["street"]},
            "properties": [street, {"name": "geo", "logicalType": "object", "properties": [{"name": "lat"}]}],
        },
    )


def _arrays(version: str) -> Document:
    line = {"logicalType": "object", "properties": [{"name": "sku", "logicalType": "string"}]}
    return document(
        version,
        {"name": "lines", "logicalType": "array", "logicalTypeOptions": {"minItems": 1}, "items": line},
        {"name": "labels", "logicalType": "array", "items": {"logicalType": "string"}},
    )


def _quality(version: str) -> Document:
    library = {"rule": "nullCheck", "mustBe": 0} if version < "v3.1.0" else {"metric": "nullValues", "mustBe": 0}
    rules = [
        {"type": "library", **library, "dimension": "completeness", "severity": "error", "unit": "rows"},
        {"type": "sql", "query": "SELECT count(*) FROM ${table}", "mustBeGreaterThan": 10},
        {"type": "custom", "engine": "soda", "implementation": "type: duplicate_percent\nmust_be_less_than: 1.0\n"},
        {"type": "custom", "engine": "greatExpectations", "implementation": {"type": "expect_x", "kwargs": {"a": 1.5}}},
        {
            "type": "text",
            "description": "Somebody looks at it on Mondays",
            "schedule": "0 8 * * 1",
            "scheduler": "cron",
        },
    ]
    found = document(version, {"name": "note", "logicalType": "string", "quality": rules})
    found["schema"][0]["quality"] = copy.deepcopy(rules[1:])
    return found


def _relationships(version: str) -> Document:
    related = {"name": "customer_id", "logicalType": "integer", "relationships": [{"to": "customers.id"}]}
    found = document(version, related)
    found["schema"][0]["relationships"] = [
        {"from": ["orders.order_id", "orders.customer_id"], "to": ["a.b", "a.c"], "type": "foreignKey"}
    ]
    return found


def _price(version: str) -> Document:
    return document(version, price={"priceAmount": 9.95, "priceCurrency": "EUR", "priceUnit": "megabyte"})


MEMBER = {"username": "ada@example.com", "name": "Ada", "role": "steward", "dateIn": "2022-10-01"}
GONE = {
    "username": "bob",
    "role": "owner",
    "dateIn": "2020-01-01",
    "dateOut": "2022-10-01",
    "replacedByUsername": "ada",
}


def _team_list(version: str) -> Document:
    return document(version, team=[MEMBER, GONE])


def _team(version: str) -> Document:
    members = [{"id": "first", **MEMBER}, GONE]
    return document(version, team={"id": "shop", "name": "Shop", "members": members, "tags": ["core"]})


def _roles(version: str) -> Document:
    role = {"role": "reader", "access": "read", "firstLevelApprovers": "Lead", "secondLevelApprovers": "Mandolorian"}
    return document(version, roles=[role, {"role": "writer", "customProperties": [{"property": "x", "value": [1]}]}])


def _sla(version: str) -> Document:
    properties = [
        {"property": "latency", "value": 4, "unit": "d", "element": "orders.changed_at", "driver": "regulatory"},
        {"property": "retention", "value": "3", "valueExt": "5", "unit": "y"},
        {"property": "timeOfAvailability", "value": "09:00-08:00"},
    ]
    return document(version, slaProperties=properties, slaDefaultElement="orders.changed_at")


def _servers(version: str) -> Document:
    return document(
        version,
        servers=[
            {"server": "a", "type": "postgres", "host": "db", "port": 5432, "database": "d", "schema": "s"},
            {"server": "b", "type": "s3", "location": "s3://x/*.json", "format": "json", "delimiter": "new_line"},
            {"server": "c", "type": "kafka", "host": "k:9092", "format": "json", "environment": "prod"},
            {"server": "d", "type": "bigquery", "project": "p", "dataset": "d", "roles": [{"role": "reader"}]},
            {"server": "e", "type": "custom", "customProperties": [{"property": "z", "value": None}]},
        ],
    )


def _support(version: str) -> Document:
    channel = {"channel": "#orders", "tool": "slack", "scope": "interactive", "url": "https://example.com/c"}
    return document(version, support=[channel, {"channel": "list", "url": "mailto:orders@example.com"}])


def _custom(version: str) -> Document:
    values = [1, "two", None, True, [1, {"deep": ["x", {}]}], {"mode": "theirs"}, "yes", "0o17", "2020-01-01", "é\n\t☃"]
    listed = [{"property": f"p{index}", "value": value} for index, value in enumerate(values)]
    return document(version, customProperties=listed)


def _definitions(version: str) -> Document:
    given = [{"url": "https://example.com/a", "type": "canonical"}]
    return (
        document(version, authoritativeDefinitions=given)
        if version >= "v3.1.0"
        else in_table(version, authoritativeDefinitions=given)
    )


def _unknown_to_the_standard(version: str) -> Document:
    strange = {"colour": {"b": 1, "a": [2, None]}}
    rule = {"type": "text", "description": "Somebody looks at it"}
    return document(
        version,
        {"name": "note", "logicalType": "string", "quality": [rule | strange]},
        roles=[{"role": "reader"} | strange],
        support=[{"channel": "c", "url": "mailto:a@example.com"} | strange],
        team=[MEMBER | strange],
        slaProperties=[{"property": "latency", "value": 1} | strange],
    )


def _enum(version: str) -> Document:
    values = [{"value": "EUR", "description": "Euro"}, {"value": "USD"}]
    return document(version, {"name": "currency", "logicalType": "string", "enum": values, "deprecated": True})


def _context(version: str) -> Document:
    found = document(
        version,
        {
            "name": "tags",
            "logicalType": "map",
            "map": {"key": {"logicalType": "string"}, "value": {"physicalType": "x"}},
        },
        {"name": "embedding", "logicalType": "vector", "logicalTypeOptions": {"dimensions": 384}},
    )
    found["schema"][0]["synonyms"] = [{"synonym": "purchases"}]
    del found["status"]
    return found


def _several(version: str) -> Document:
    found = document(version)
    found["schema"].append(document(version, name="payments")["schema"][0] | {"description": "What was paid"})
    return found


FEATURES: dict[str, tuple[Callable[[str], Document], tuple[str, ...]]] = {
    "fundamentals": (_fundamentals, VERSIONS),
    "schema": (_schema, VERSIONS),
    "property": (_property, VERSIONS),
    "numbers": (_numbers, VERSIONS),
    "nested objects": (_nested, VERSIONS),
    "arrays": (_arrays, VERSIONS),
    "quality": (_quality, VERSIONS),
    "relationships": (_relationships, SINCE_31),
    "price": (_price, VERSIONS),
    "team as a list": (_team_list, VERSIONS),
    "team as an object": (_team, SINCE_31),
    "roles": (_roles, VERSIONS),
    "service levels": (_sla, VERSIONS),
    "servers": (_servers, VERSIONS),
    "support": (_support, VERSIONS),
    "custom properties": (_custom, VERSIONS),
    "authoritative definitions": (_definitions, VERSIONS),
    "fields that the standard does not know": (_unknown_to_the_standard, ("v3.0.0", "v3.0.1", "v3.0.2")),
    "enumerations": (_enum, SINCE_32),
    "maps, vectors and synonyms": (_context, SINCE_32),
    "several tables": (_several, VERSIONS),
}
"""How a document with the feature is made, and the versions that have it."""

CASES = [(name, version) for name, (_, versions) in FEATURES.items() for version in versions]


def with_feature(name: str, version: str) -> Document:
    """The document with this feature."""
    return FEATURES[name][0](version)
