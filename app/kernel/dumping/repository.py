"""SQL around a dump: what is asked of the database that is copied, and what gives its relations back to their owner."""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from app.kernel.quoting import quote_identifier

USER_RELATIONS: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)


_OF_ROLE: Final = (
    "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "AND pg_get_userbyid(c.relowner) = $1 AND n.nspname = coalesce($2, n.nspname) ORDER BY 1, 2"
)
_UNREADABLE: Final = (
    "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT "
    "(has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') "
    "ELSE has_table_privilege(c.oid, 'SELECT') END) ORDER BY 1, 2"
)


async def migration(connection: asyncpg.Connection) -> str:
    """The migration that the database is at."""
    return str(await connection.fetchval("SELECT version_num FROM spyne.alembic_version"))


async def exported_snapshot(connection: asyncpg.Connection) -> str:
    """The name by which others can use this transaction's snapshot while it lasts; it may be idle for as long."""
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return str(await connection.fetchval("SELECT pg_export_snapshot()"))


async def relations_of(connection: asyncpg.Connection, role: str, schema: str | None = None) -> list[tuple[str, str]]:
    """Tables that belong to the role, as schema and name; of all schemas, or of one."""
    return [tuple(row) for row in await connection.fetch(_OF_ROLE, role, schema)]


async def unreadable(connection: asyncpg.Connection, schemas: Sequence[str]) -> list[tuple[str, str]]:
    """What the login may not read in these schemas, as schema and name: a dump of it would fail."""
    return [tuple(row) for row in await connection.fetch(_UNREADABLE, list(schemas))]


async def handing_over(
    connection: asyncpg.Connection, relations: Iterable[tuple[str, str]], role: str, *, joins: bool
) -> list[str]:
    """Statements that let the role own the relations again.

    Args:
        connection: to the database, as the login that restores.
        relations: schema and name of each.
        role: whom they belong to.
        joins: whether the login becomes a member of the role before. Who is none, and no superuser, becomes one for the
            while: only a member may give a relation to a role.
    """
    owner = quote_identifier(role)
    given = [
        f"ALTER TABLE {quote_identifier(schema)}.{quote_identifier(name)} OWNER TO {owner}"
        for schema, name in relations
    ]
    if not given or joins or await connection.fetchval("SELECT pg_has_role(current_user, $1::name, 'SET')", role):
        return given
    return [f"GRANT {owner} TO CURRENT_USER WITH SET TRUE", *given, f"REVOKE {owner} FROM CURRENT_USER"]


async def analyze(connection: asyncpg.Connection) -> None:
    """Let the planner know what there is."""
    await connection.execute("ANALYZE")
