"""Whether governed relations are what the catalogue says: their columns, owner and grants, and no relation beside."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import orjson

from app.warehouse.naming import DATA_SCHEMA, HIDDEN_PREFIX
from app.warehouse.publishing import APP_ROLE, QUERY_ROLE

_KNOWN: Final = (
    "SELECT t.relation_schema, t.relation_name, t.state, t.origin, v.columns FROM spyne.tables t "
    "LEFT JOIN spyne.table_versions v ON v.table_id = t.id AND v.schema_version = t.schema_version ORDER BY 1, 2"
)
_COLUMNS: Final = (
    "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, "
    "has_column_privilege($3, a.attrelid, a.attnum, 'SELECT') "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_DATA: Final = (
    "SELECT c.relname::text, pg_get_userbyid(c.relowner)::text, c.relpersistence::text, "
    "(SELECT count(*) FROM aclexplode(c.relacl) e WHERE e.grantee <> c.relowner) + "
    "(SELECT count(*) FROM pg_attribute a, aclexplode(a.attacl) e WHERE a.attrelid = c.oid AND (e.grantee <> "
    "coalesce((SELECT oid FROM pg_roles WHERE rolname = $2), 0) OR e.privilege_type <> 'SELECT')), "
    "(SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = c.oid) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')"
)
_NORMAL: Final = "SELECT format_type(to_regtype($1), to_regtypemod($1))"


async def findings(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Relation and what is wrong with it."""
    wrong: list[tuple[str, str]] = []
    made: set[str] = set()
    for schema, name, state, origin, documents in await connection.fetch(_KNOWN):
        relation = f"{schema}.{name}"
        if schema == DATA_SCHEMA:
            made |= {name, f"{name}__before"}
        if documents is not None:  # else no batch has said yet what it looks like
            columns = await connection.fetch(_COLUMNS, schema, name, QUERY_ROLE)
            expected = [await _expected(connection, document) for document in orjson.loads(documents)]
            found = [*_columns(columns, expected, origin), *_readable(columns, state)] if columns else ["it is gone"]
            wrong += [(relation, text) for text in found]
    for row in await connection.fetch(_DATA, DATA_SCHEMA, QUERY_ROLE):
        wrong += [(f"{DATA_SCHEMA}.{row[0]}", text) for text in _relation(tuple(row), made)]
    return wrong


def _columns(columns: Sequence[Any], expected: Sequence[tuple[str, str]], origin: str) -> list[str]:
    visible = [(name, kind) for name, kind, *_ in columns if not name.startswith(HIDDEN_PREFIX)]
    # A column that was added later stands last in the relation, wherever the contract has it: names find it.
    found = ["its columns are not those of the catalogue"] if sorted(visible) != sorted(expected) else []
    if origin == "contract" and len(visible) == len(columns):
        found.append("its hidden columns are gone")
    return found


def _relation(row: Sequence[Any], made: set[str]) -> list[str]:
    name, owner, persistence, foreign_grants, triggers = row
    faults = {
        "the catalogue does not know it": name not in made,
        f"it belongs to {owner}": owner != APP_ROLE,
        "it does not survive a crash": persistence != "p",
        "somebody has a right that nobody should have": bool(foreign_grants),
        "it has triggers": bool(triggers),
    }
    return [text for text, holds in faults.items() if holds]


def _readable(columns: Sequence[Any], state: str) -> list[str]:
    found = []
    readable = {name for name, _, _, may_read in columns if may_read}
    hidden = {name for name, *_ in columns if name.startswith(HIDDEN_PREFIX)}
    if readable & hidden:
        found.append("queries could read its hidden columns")
    if state == "SHADOW" and readable:
        found.append("queries could read it although it is in SHADOW")
    if state != "SHADOW" and readable | hidden != {name for name, *_ in columns}:
        found.append("queries cannot read all of its columns")
    return found


async def _expected(connection: asyncpg.Connection, document: Any) -> tuple[str, str]:
    kind = await connection.fetchval(_NORMAL, document["type"])
    return document["name"], str(kind or document["type"])
