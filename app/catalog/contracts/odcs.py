"""A contract as a document of the Open Data Contract Standard (https://bitol-io.github.io/open-data-contract-standard/).

Pure. What the standard has no word for stands in `customProperties` and in quality rules of the engine `spyne`, so that
nothing a contract says is lost or rounded.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

import orjson
import yaml

from app.catalog.contracts.checks import CheckType, check_documents
from app.catalog.contracts.definition import Policy, relation_plan
from app.catalog.contracts.record import ContractRecord
from app.catalog.tables.lifecycle import TableState
from app.warehouse.plan import Column
from app.warehouse.types import NUMBER_KINDS, TypeKind

API_VERSION: Final = "v3.2.0"
"""The version of the standard; 3.2 is the first that can list the values of a property."""

ENGINE: Final = "spyne"
"""Who looks at the rules that the standard cannot express."""

JSON: Final = "application/json"
YAML: Final = "application/yaml"
MEDIA_TYPES: Final = (JSON, YAML)
"""Preferred first. YAML's type is RFC 9512's."""

STATUSES: Final[dict[TableState, str]] = {
    TableState.SHADOW: "draft",
    TableState.READ_ONLY: "active",
    TableState.ACTIVE: "active",
    TableState.DEPRECATED: "deprecated",
}
"""The standard's words; the state itself is a custom property."""

LIMITATIONS: Final[dict[TableState, str]] = {
    TableState.SHADOW: "Not open for queries yet.",
    TableState.READ_ONLY: "No new data comes in.",
    TableState.DEPRECATED: "No new data comes in; queries must ask for deprecated tables.",
}

LOGICAL_TYPES: Final[dict[TypeKind, tuple[str, dict[str, Any]]]] = {
    TypeKind.TEXT: ("string", {}),
    TypeKind.VARCHAR: ("string", {}),
    TypeKind.SMALLINT: ("integer", {"format": "i16"}),
    TypeKind.INTEGER: ("integer", {"format": "i32"}),
    TypeKind.BIGINT: ("integer", {"format": "i64"}),
    TypeKind.NUMERIC: ("number", {}),
    TypeKind.REAL: ("number", {"format": "f32"}),
    TypeKind.DOUBLE: ("number", {"format": "f64"}),
    TypeKind.BOOLEAN: ("boolean", {}),
    TypeKind.DATE: ("date", {}),
    TypeKind.TIME: ("time", {"timezone": False}),
    TypeKind.TIMESTAMP: ("timestamp", {"timezone": False}),
    TypeKind.TIMESTAMPTZ: ("timestamp", {"timezone": True}),
    TypeKind.UUID: ("string", {"format": "uuid"}),
    TypeKind.JSONB: ("object", {}),
    TypeKind.BYTEA: ("string", {"format": "binary"}),
}
"""The standard's logical type of each of ours, with the options that the type alone implies."""

_BOUNDS: Final = {CheckType.MIN: "minimum", CheckType.MAX: "maximum"}


def odcs_document(contract: ContractRecord, columns: tuple[Column, ...] | None) -> dict[str, Any]:
    """The contract in the standard's terms, as plain JSON values.

    The version is `<version of the table>.<version of its schema>.0`; the schema's is 0 until the first batch has said
    what the columns are, and the table has no properties until then.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": contract.id,
        "name": contract.table_name,
        "version": f"{contract.version}.{contract.schema_version or 0}.0",
        "status": STATUSES[contract.state],
        "description": _description(contract),
        "schema": [_table(contract, columns)],
        "team": {"members": [_owner(contract)]},
        "customProperties": _custom(_semantics(contract) | _policy(contract.policy)),
        "contractCreatedTs": contract.created_at.astimezone(UTC).isoformat(),
    }


def rendered(document: Mapping[str, Any], media_type: str) -> bytes:
    """The document as one of `MEDIA_TYPES`, in UTF-8."""
    if media_type == JSON:
        return orjson.dumps(document)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, encoding="utf-8")


def _description(contract: ContractRecord) -> dict[str, str]:
    stated = {"purpose": f"What comes in under {contract.endpoint}, kept as the table {contract.table_name}."}
    limitation = LIMITATIONS.get(contract.state)
    return stated | ({"limitations": limitation} if limitation else {})


def _owner(contract: ContractRecord) -> dict[str, str]:
    owner = {"username": contract.owner_label, "role": "owner"}
    return owner | ({"id": str(contract.owner_id)} if contract.owner_id else {})


def _table(contract: ContractRecord, columns: tuple[Column, ...] | None) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": contract.table_name,
        "logicalType": "object",
        "physicalType": "table",
        "physicalName": str(contract.relation),
    }
    if columns is None:
        return table
    identity = relation_plan(contract.relation, contract.semantics, columns).identity
    return table | {
        "dataGranularityDescription": f"One row per {', '.join(identity)}.",
        "properties": [_property(column, identity) for column in columns],
    }


def _property(column: Column, identity: Sequence[str]) -> dict[str, Any]:
    """The property of a column. The primary key is what no two stored rows share: in append mode with event time."""
    logical, implied = LOGICAL_TYPES[column.type.kind]
    options, rules = _expressed(column)
    options = implied | ({"maxLength": column.type.length} if column.type.length is not None else {}) | options
    found: dict[str, Any] = {
        "name": column.name,
        "logicalType": logical,
        "physicalType": column.type.sql,
        "required": not column.nullable,
        "unique": column.checks.unique or tuple(identity) == (column.name,),
    }
    if column.name in identity:
        found |= {"primaryKey": True, "primaryKeyPosition": identity.index(column.name) + 1}
    if options:
        found["logicalTypeOptions"] = options
    if rules:
        found["quality"] = [{"type": "custom", "engine": ENGINE, "implementation": rule} for rule in rules]
    # The standard's physicalName is the relation's name of a column, not that of the field which it was read from.
    custom = {"source": column.source} if column.source is not None else {}
    for check in check_documents(column.checks):
        if check["type"] == CheckType.ONE_OF:
            found["enum"] = [{"value": value} for value in check["values"]]
        elif check["type"] == CheckType.PATTERN:
            custom["patternSyntax"] = "RE2"  # the standard means ECMA-262 otherwise
    return found | ({"customProperties": _custom(custom)} if custom else {})


def _expressed(column: Column) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Bounds and pattern as options of the logical type, and as rules of ours those that the options cannot hold.

    A bound that no double equals is written as text, which the standard does not take where it wants a number.
    """
    options: dict[str, Any] = {}
    rules: list[dict[str, Any]] = []
    for check in check_documents(column.checks):
        kind, value = CheckType(check["type"]), check.get("value")
        if kind is CheckType.PATTERN:
            options["pattern"] = value
        elif kind in _BOUNDS and column.type.kind in NUMBER_KINDS and isinstance(value, str):
            rules.append(check)
        elif kind in _BOUNDS:
            options[_BOUNDS[kind]] = value
    return options, rules


def _semantics(contract: ContractRecord) -> dict[str, Any]:
    semantics = contract.semantics
    return {
        "mode": semantics.mode.value,
        "idempotencyKey": list(semantics.idempotency_key),
        "eventTimeColumn": semantics.event_time_column,
        "processingTimeColumn": semantics.processing_time_column,
        "dedupeWindow": semantics.dedupe_window_text,
        "conflictResolution": semantics.conflict_resolution.value,
        "endpoint": contract.endpoint,
        "tableState": contract.state.value,
    }


def _policy(policy: Policy) -> dict[str, Any]:
    limits = {"rows": policy.max_rejected_rows, "share": policy.max_rejected_share}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    return {"unknownColumns": policy.unknown_columns.value, "typeChanges": policy.type_changes.value} | (
        {"maxRejected": limits} if limits else {}
    )


def _custom(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """In the standard's form; its own names are in camel case, and so are these."""
    return [{"property": name, "value": value} for name, value in values.items()]
