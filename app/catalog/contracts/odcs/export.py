"""A contract as a document of the Open Data Contract Standard (https://bitol-io.github.io/open-data-contract-standard/).

Pure. What the standard has no word for stands in `customProperties` and in quality rules of the engine `spyne`, so that
nothing a contract says is lost or rounded. What these words mean when a document comes in: `importing.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from app.catalog.contracts.checks import CheckType, check_documents
from app.catalog.contracts.definition import Policy, relation_plan
from app.catalog.contracts.record import ContractRecord
from app.catalog.tables.lifecycle import TableState
from app.warehouse.plan import Column
from app.warehouse.types import NUMBER_KINDS, TypeKind

API_VERSION: Final = "v3.2.0"
"""The version of the standard; 3.2 is the first that can list the values of a property."""

BEFORE_ENUM: Final = ("v3.0.", "v3.1.")
"""How the versions begin that cannot list the values of a property."""

BEFORE_TIMES: Final = "v3.0."
"""How the versions begin that have the word `date` for times, too."""

ENGINE: Final = "spyne"
"""Who looks at the rules that the standard cannot express."""

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

PRIVATE: Final = "private"
"""The sensitivity of a column whose values are not shown, and how the standard's classification says so."""

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
        "team": {"members": [owner_of(contract)]},
        "customProperties": _custom(own_properties(contract)),
        "contractCreatedTs": contract.created_at.astimezone(UTC).isoformat(),
    }


def generated_purpose(endpoint: str, table_name: str) -> str:
    """The sentence that an export says of every contract; an import takes it for no description."""
    return f"What comes in under {endpoint}, kept as the table {table_name}."


def own_properties(contract: ContractRecord) -> dict[str, Any]:
    """What the standard has no word for, by the names of custom properties: semantics, policy, state of the table."""
    return _semantics(contract) | _policy(contract.policy)


def owner_of(contract: ContractRecord) -> dict[str, str]:
    """The owner as a member of the team."""
    owner = {"username": contract.owner_label, "role": "owner"}
    return owner | ({"id": str(contract.owner_id)} if contract.owner_id else {})


def _description(contract: ContractRecord) -> dict[str, str]:
    stated = {"purpose": generated_purpose(contract.endpoint, contract.table_name)}
    limitation = LIMITATIONS.get(contract.state)
    return stated | ({"limitations": limitation} if limitation else {})


def _table(contract: ContractRecord, columns: tuple[Column, ...] | None) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": contract.table_name,
        "logicalType": "object",
        "physicalType": "table",
        "physicalName": str(contract.relation),
    }
    if contract.description is not None:
        table["description"] = contract.description
    if columns is None:
        return table
    identity = relation_plan(contract.relation, contract.semantics, columns).identity
    return table | {
        "dataGranularityDescription": f"One row per {', '.join(identity)}.",
        "properties": [property_of(column, identity, contract.column_words.get(column.name, {})) for column in columns],
    }


def property_of(
    column: Column, identity: Sequence[str], words: Mapping[str, Any], version: str = API_VERSION
) -> dict[str, Any]:
    """The property of a column. The primary key is what no two stored rows share: in append mode with event time.

    Args:
        column: the column.
        identity: the columns of that key.
        words: description, labels and sensitivity of the column, as far as there are any.
        version: of the standard.
    """
    logical, options = _logical(column, version)
    expressed, rules = _expressed(column)
    options |= expressed
    sole = tuple(identity) == (column.name,)
    if sole and column.checks.unique:
        rules.append({"type": CheckType.UNIQUE.value})  # `unique` alone says no more than that it is the key
    found: dict[str, Any] = {
        "name": column.name,
        "logicalType": logical,
        "physicalType": column.type.sql,
        "required": not column.nullable,
        "unique": column.checks.unique or sole,
    }
    if column.name in identity:
        found |= {"primaryKey": True, "primaryKeyPosition": identity.index(column.name) + 1}
    if options:
        found["logicalTypeOptions"] = options
    # The standard's physicalName is the relation's name of a column, not that of the field which it was read from.
    custom = {"source": column.source} if column.source is not None else {}
    for check in check_documents(column.checks):
        if check["type"] == CheckType.ONE_OF and version.startswith(BEFORE_ENUM):
            rules.append(check)
        elif check["type"] == CheckType.ONE_OF:
            found["enum"] = [{"value": value} for value in check["values"]]
        elif check["type"] == CheckType.PATTERN:
            custom["patternSyntax"] = "RE2"  # the standard means ECMA-262 otherwise
    if rules:
        found["quality"] = [{"type": "custom", "engine": ENGINE, "implementation": rule} for rule in rules]
    return found | _worded(words) | ({"customProperties": _custom(custom)} if custom else {})


def _logical(column: Column, version: str) -> tuple[str, dict[str, Any]]:
    """The logical type, and the options that the column's type implies."""
    logical, implied = LOGICAL_TYPES[column.type.kind]
    if version.startswith(BEFORE_TIMES) and logical in {"time", "timestamp"}:
        return "date", {}
    length = column.type.length
    return logical, implied | ({"maxLength": length} if length is not None else {})


def _worded(words: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if words.get("description") is not None:
        found["description"] = words["description"]
    if words.get("labels"):
        found["tags"] = list(words["labels"])
    if words.get("sensitivity") == PRIVATE:
        found["classification"] = PRIVATE
    return found


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
