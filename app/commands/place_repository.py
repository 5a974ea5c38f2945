"""SQL of backup and restore, over the owner's connection."""

from typing import Final

import asyncpg

from app.settings import DatabaseSettings

_OURS: Final = ("spyne", "jobs", "data", "staging")
_USER_RELATIONS: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)


async def migration(connection: asyncpg.Connection) -> str:
    """The migration that the database is at."""
    return str(await connection.fetchval("SELECT version_num FROM spyne.alembic_version"))


async def exported_snapshot(connection: asyncpg.Connection) -> str:
    """The name by which others can use this transaction's snapshot while it lasts."""
    return str(await connection.fetchval("SELECT pg_export_snapshot()"))


async def relations_of(connection: asyncpg.Connection, role: str) -> list[str]:
    """Tables that belong to the role, quoted."""
    statement = f"{_USER_RELATIONS} AND pg_get_userbyid(c.relowner) = $1 ORDER BY 1"
    return [row[0] for row in await connection.fetch(statement, role)]


async def role_statements(connection: asyncpg.Connection, settings: DatabaseSettings) -> list[str]:
    """What sets up the two logins beyond their attributes: a dump of one database does not hold it."""
    rows = await connection.fetch(
        "SELECT format('ALTER ROLE %I CONNECTION LIMIT %s', rolname, rolconnlimit) FROM pg_roles "
        "WHERE rolname = ANY($1) AND rolconnlimit <> -1 UNION ALL "
        "SELECT format('ALTER ROLE %I SET %I = %L', r.rolname, split_part(x, '=', 1), "
        "substr(x, strpos(x, '=') + 1)) FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid "
        "AND s.setdatabase = 0, unnest(s.setconfig) x WHERE r.rolname = ANY($1) ORDER BY 1",
        [settings.app_role, settings.query_role],
    )
    return [row[0] for row in rows]


async def occupants(connection: asyncpg.Connection) -> list[str]:
    """What stands in the way of a restore: schemas of ours, and relations of anybody."""
    schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname = ANY($1)", list(_OURS))
    return [row[0] for row in (*schemas, *await connection.fetch(f"{_USER_RELATIONS} LIMIT 5"))]


async def hand_over(connection: asyncpg.Connection, relations: list[str], role: str) -> None:
    """Let the role own the relations again. They were quoted by PostgreSQL."""
    owner = await connection.fetchval("SELECT quote_ident($1)", role)
    for relation in relations:
        await connection.execute(f"ALTER TABLE {relation} OWNER TO {owner}")


async def set_up_roles(connection: asyncpg.Connection, statements: list[str]) -> None:
    """Run what `role_statements` answered, where the owner may."""
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for statement in statements:
            await connection.execute(statement)


async def analyze(connection: asyncpg.Connection) -> None:
    """Let the planner know what there is."""
    await connection.execute("ANALYZE")


async def has_migrations(connection: asyncpg.Connection) -> bool:
    """Whether migrations were ever run."""
    return bool(await connection.fetchval("SELECT to_regclass('spyne.alembic_version') IS NOT NULL"))


async def owner_name(connection: asyncpg.Connection) -> str:
    """Who owns the database's objects."""
    return str(await connection.fetchval("SELECT current_user"))


async def number_of_tables(connection: asyncpg.Connection) -> int:
    """Versions of tables that the catalogue knows."""
    return int(await connection.fetchval("SELECT count(*) FROM spyne.tables"))
