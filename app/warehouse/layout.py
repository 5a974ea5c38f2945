"""Hidden columns and SQL fragments that DDL and merge share: content hash, rank by (event time, hash), instants."""

from app.warehouse.naming import quote, quote_all
from app.warehouse.plan import Mode, RelationPlan
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


def content_hash(plan: RelationPlan) -> str:
    """SQL of the 64-bit content hash of a row's payload, as PostgreSQL hashes records (equal values, equal hash)."""
    if not plan.payload:
        return "0::bigint"
    return f"hash_record_extended(ROW({quote_all(plan.payload)}), 0)"


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
