"""SQL of backup, restore and verify, over the owner's connection; a new kind of stored object is one line here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import asyncpg

from app.kernel.dumping.repository import USER_RELATIONS
from app.settings import DatabaseSettings

_OURS: Final = ("spyne", "jobs", "data", "staging")


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
    return [row[0] for row in (*schemas, *await connection.fetch(f"{USER_RELATIONS} LIMIT 5"))]


async def set_up_roles(connection: asyncpg.Connection, statements: list[str]) -> None:
    """Run what `role_statements` answered, where the owner may."""
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for statement in statements:
            await connection.execute(statement)


async def has_migrations(connection: asyncpg.Connection) -> bool:
    """Whether migrations were ever run."""
    return bool(await connection.fetchval("SELECT to_regclass('spyne.alembic_version') IS NOT NULL"))


async def owner_name(connection: asyncpg.Connection) -> str:
    """Who owns the database's objects."""
    return str(await connection.fetchval("SELECT current_user"))


async def number_of_tables(connection: asyncpg.Connection) -> int:
    """Versions of tables that the catalogue knows."""
    return int(await connection.fetchval("SELECT count(*) FROM spyne.tables"))


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object that a row names."""

    key: str
    named_by: str
    sha256: str | None
    """The hash of the object, in hexadecimal; None when the row does not say."""
    plain_sha256: str | None = None
    """The hash of its content without zstd."""


_BATCHES: Final = (
    "SELECT raw_key, 'batch ' || id, NULL, CASE WHEN encoding IS NULL THEN encode(sha256, 'hex') END "
    "FROM spyne.ingestion_history WHERE raw_key IS NOT NULL"
)
_EXPORTS: Final = (
    "SELECT object_key, 'export ' || id, checksum, NULL FROM spyne.export_jobs "
    "WHERE object_key IS NOT NULL AND status = 'completed'"
)
_ARCHIVES: Final = (
    "SELECT a ->> 'key', 'retention run ' || r.id, a ->> 'sha256', NULL FROM spyne.retention_runs r, "
    "jsonb_array_elements(r.archives) a WHERE a ->> 'key' IS NOT NULL"
)


async def named_objects(connection: asyncpg.Connection) -> AsyncIterator[NamedObject]:
    """Every object that a row names; within a transaction, whose snapshot counts."""
    for statement in (_BATCHES, _EXPORTS, _ARCHIVES):
        async for key, named_by, sha256, plain in connection.cursor(statement):
            yield NamedObject(key, named_by, sha256, plain)
