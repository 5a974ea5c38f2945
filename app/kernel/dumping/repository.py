"""SQL around a dump: what is asked of the database that is copied, and what gives its relations back to their owner."""

from collections.abc import Sequence
from typing import Final

import asyncpg

USER_RELATIONS: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)


async def migration(connection: asyncpg.Connection) -> str:
    """The migration that the database is at."""
    return str(await connection.fetchval("SELECT version_num FROM spyne.alembic_version"))


async def exported_snapshot(connection: asyncpg.Connection) -> str:
    """The name by which others can use this transaction's snapshot while it lasts; it may be idle for as long."""
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return str(await connection.fetchval("SELECT pg_export_snapshot()"))


async def relations_of(connection: asyncpg.Connection, role: str, schema: str | None = None) -> list[str]:
    """Tables that belong to the role, quoted; of all schemas, or of one."""
    statement = f"{USER_RELATIONS} AND pg_get_userbyid(c.relowner) = $1 AND n.nspname = coalesce($2, n.nspname)"
    return [row[0] for row in await connection.fetch(f"{statement} ORDER BY 1", role, schema)]


async def handing_over(connection: asyncpg.Connection, relations: Sequence[str], role: str) -> list[str]:
    """Statements that let the role own the relations again, which PostgreSQL has quoted.

    Who is no superuser becomes a member of the role for the while: only a member may give a relation to a role.
    """
    owner = await connection.fetchval("SELECT quote_ident($1)", role)
    given = [f"ALTER TABLE {relation} OWNER TO {owner}" for relation in relations]
    if not given or await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        return given
    return [f"GRANT {owner} TO CURRENT_USER WITH SET TRUE", *given, f"REVOKE {owner} FROM CURRENT_USER"]


async def analyze(connection: asyncpg.Connection) -> None:
    """Let the planner know what there is."""
    await connection.execute("ANALYZE")
