"""Hidden columns and SQL fragments that DDL and merge share: content hash, rank by (event time, hash), instants."""

import hashlib
from typing import Final

from app.warehouse.naming import quote
from app.warehouse.plan import Column, Mode, RelationPlan
from app.warehouse.types import TypeKind

HASH = "_spyne_hash"
BATCH = "_spyne_batch"
FROM = "_spyne_from"
TO = "_spyne_to"
ORIGIN = "_spyne_origin"
ORIGIN_LINE = "_spyne_origin_line"
LINE = "_spyne_line"
VERDICT = "_spyne_verdict"
IMAGE_BY = "_spyne_image_by"
IMAGE_OP = "_spyne_image_op"

SESSION_COLUMNS = (FROM, TO, ORIGIN, ORIGIN_LINE)


def hidden_columns(plan: RelationPlan) -> tuple[str, ...]:
    """The hidden columns of the governed relation, in order."""
    return (HASH, BATCH, *SESSION_COLUMNS) if plan.mode is Mode.APPEND else (HASH, BATCH)


_HASHES: Final = {
    TypeKind.TEXT: "hashtextextended",
    TypeKind.VARCHAR: "hashtextextended",
    TypeKind.SMALLINT: "hashint2extended",
    TypeKind.INTEGER: "hashint4extended",
    TypeKind.BIGINT: "hashint8extended",
    TypeKind.NUMERIC: "hash_numeric_extended",
    TypeKind.REAL: "hashfloat4extended",
    TypeKind.DOUBLE: "hashfloat8extended",
    TypeKind.BOOLEAN: "hashboolextended",
    TypeKind.DATE: "hashdateextended",
    TypeKind.TIME: "time_hash_extended",
    TypeKind.TIMESTAMP: "timestamp_hash_extended",
    TypeKind.TIMESTAMPTZ: "timestamptz_hash_extended",
    TypeKind.UUID: "uuid_hash_extended",
    TypeKind.JSONB: "jsonb_hash_extended",
    TypeKind.BYTEA: "hashbyteaextended",
}
"""PostgreSQL's functions by which relations are partitioned: immutable, equal for equal values, and never changed.
Integers of every width share their hashes, and so do both kinds of floats, and both of text."""


def column_hash(column: Column) -> str:
    """SQL of a column's share of the content hash: its value hashed with a seed made of its name; 0 for NULL."""
    seed = int.from_bytes(hashlib.sha256(column.name.encode()).digest()[:8], signed=True)
    return f"coalesce({_HASHES[column.type.kind]}({quote(column.name)}, '{seed}'::bigint), 0)"


def content_hash(plan: RelationPlan) -> str:
    """SQL of the 64-bit content hash of a row's payload: all columns' shares, combined by exclusive or.

    The hash is a property of the values and not of the layout. Columns may be reordered, and a column may be added: a
    row that has no value in a new column has the hash that it had. Why: `docs/decisions/0033-content-hash.md`.
    """
    return " # ".join(column_hash(plan.column(name)) for name in plan.payload) or "0::bigint"


def rank(plan: RelationPlan, alias: str) -> str:
    """SQL of what the event-time resolutions compare: the row (event time, content hash)."""
    return f"({alias}.{quote(plan.event_time)}, {alias}.{HASH})"


def same_key(plan: RelationPlan, left: str, right: str) -> str:
    """SQL condition: two aliases stand for the same key."""
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in plan.key)


def instant(plan: RelationPlan, expression: str) -> str:
    """SQL of an event time as timestamptz; dates and naive timestamps are read as UTC, whatever the session's zone."""
    kind = plan.column(plan.event_time).type.kind
    if kind is TypeKind.TIMESTAMPTZ:
        return expression
    return f"({expression}::timestamp AT TIME ZONE 'UTC')"
