"""Request bodies for tests of the catalog."""

import copy
from typing import Any

SEMANTICS: dict[str, Any] = {
    "mode": "upsert",
    "idempotency_key": ["api_id", "event_id"],
    "event_time_column": "event_time",
    "processing_time_column": "ingested_at",
    "dedupe_window": "24h",
    "conflict_resolution": "latest_wins",
}

COLUMNS: list[dict[str, Any]] = [
    {"name": "api_id", "type": "text"},
    {"name": "event_id", "type": "int8"},
    {"name": "event_time", "type": "timestamptz"},
    {"name": "amount", "type": "numeric(12,2)", "nullable": False, "checks": [{"type": "min", "value": 0}]},
    {"name": "currency", "type": "varchar(3)", "checks": [{"type": "one_of", "values": ["EUR", "USD"]}]},
]


def contract(table: str = "customers", *, declared: bool = True, **changes: Any) -> dict[str, Any]:
    """A sound contract, with top-level fields replaced."""
    body: dict[str, Any] = {
        "endpoint": f"/api/v1/{table}",
        "table_name": table,
        "ingestion_semantics": copy.deepcopy(SEMANTICS),
    }
    if declared:
        body["schema"] = {"columns": copy.deepcopy(COLUMNS)}
    return body | changes


def with_semantics(**changes: Any) -> dict[str, Any]:
    """A contract whose semantics have these fields replaced; None removes one."""
    body = contract()
    for name, value in changes.items():
        if value is None:
            del body["ingestion_semantics"][name]
        else:
            body["ingestion_semantics"][name] = value
    return body


def with_column(**column: Any) -> dict[str, Any]:
    """A contract with one more column, at index 5."""
    body = contract()
    body["schema"]["columns"].append(column)
    return body


def with_checks(column_type: str, *checks: Any) -> dict[str, Any]:
    """A contract with one more column, at index 5, that carries these checks."""
    return with_column(name="checked", type=column_type, checks=list(checks))
