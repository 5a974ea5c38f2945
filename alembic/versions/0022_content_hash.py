"""Content hash: a property of a row's values, no longer of the order and number of its columns.

Every governed relation and its before-images are hashed anew, some pages at a time, each portion committed by itself: a
migration that is stopped goes on where it was when it is run again. Nobody ingests meanwhile.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

PORTION_PAGES = 8192
"""Pages of 8 KiB that one statement goes through: some seconds, a million rows."""

_RELATIONS = sa.text(
    "SELECT t.relation_schema, t.relation_name, s.columns, c.idempotency_key, c.event_time_column, "
    "c.processing_time_column FROM spyne.tables t JOIN spyne.contracts c ON c.table_id = t.id "
    "JOIN spyne.contract_schemas s ON s.contract_id = c.id AND s.version = c.schema_version ORDER BY t.id"
)
_FUNCTIONS = {
    "text": "hashtextextended",
    "varchar": "hashtextextended",
    "smallint": "hashint2extended",
    "integer": "hashint4extended",
    "bigint": "hashint8extended",
    "numeric": "hash_numeric_extended",
    "real": "hashfloat4extended",
    "double precision": "hashfloat8extended",
    "boolean": "hashboolextended",
    "date": "hashdateextended",
    "time": "time_hash_extended",
    "timestamp": "timestamp_hash_extended",
    "timestamptz": "timestamptz_hash_extended",
    "uuid": "uuid_hash_extended",
    "jsonb": "jsonb_hash_extended",
    "bytea": "hashbyteaextended",
}

Payload = list[tuple[str, str]]
"""Names and types of the columns beside key, event time and processing time."""


def upgrade() -> None:
    rehash(of_values)


def downgrade() -> None:
    rehash(of_positions)


def of_values(payload: Payload) -> str:
    """SQL of the hash from now on."""
    shares = []
    for name, kind in payload:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        shares.append(f"coalesce({_FUNCTIONS[kind.partition('(')[0]]}({quote(name)}, '{seed}'::bigint), 0)")
    return " # ".join(shares) or "0::bigint"


def of_positions(payload: Payload) -> str:
    """SQL of the hash until now."""
    return f"hash_record_extended(ROW({', '.join(quote(name) for name, _ in payload)}), 0)" if payload else "0::bigint"


def rehash(expression: Callable[[Payload], str]) -> None:
    """Set the hash of every stored row, and of every before-image, to the expression."""
    found = list(op.get_bind().execute(_RELATIONS))
    if not found:
        return
    with op.get_context().autocommit_block():
        for schema, name, columns, key, *times in found:
            taken = {*key, *times}
            payload = [(column["name"], column["type"]) for column in columns if column["name"] not in taken]
            for relation in (name, f"{name}__before"):
                for statement in portions(f"{quote(schema)}.{quote(relation)}", expression(payload)):
                    op.get_bind().exec_driver_sql(statement)


def portions(relation: str, expression: str) -> Iterator[str]:
    """Statements which together go through the relation once. Rows that are right already are not written."""
    bind: Any = op.get_bind()
    pages = context.config.attributes.get("portion_pages", PORTION_PAGES)
    size = bind.exec_driver_sql("SELECT pg_relation_size(to_regclass($1)) / 8192", (relation,)).scalar_one()
    for first in range(0, size or 0, pages):
        yield (
            f"UPDATE {relation} SET _spyne_hash = {expression} WHERE ctid >= '({first},0)' "
            f"AND ctid < '({first + pages},0)' AND _spyne_hash <> {expression}"
        )


def quote(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
