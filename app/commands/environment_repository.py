"""SQL of backup, restore and verify, over the owner's connection; a new kind of stored object is one line here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import asyncpg

from app.kernel.db.backend_memory import read_limit
from app.kernel.dumping.repository import USER_RELATIONS
from app.kernel.quoting import quote_identifier, quote_literal
from app.kernel.scram import verifier

OURS: Final = ("spyne", "jobs", "data", "staging")
"""Schemas of which everything is Spyne's."""


async def login_settings(connection: asyncpg.Connection, role: str) -> tuple[int, dict[str, str]]:
    """A login's limit of connections, and what is set for it on the whole server."""
    limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", role)
    found = await connection.fetch(
        "SELECT split_part(x, '=', 1), substr(x, strpos(x, '=') + 1) FROM pg_db_role_setting s "
        "JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) x WHERE s.setdatabase = 0 AND r.rolname = $1",
        role,
    )
    return int(limit), {row[0]: row[1] for row in found}


async def adopted_schemas(connection: asyncpg.Connection) -> list[str]:
    """Schemas in which adopted relations are."""
    rows = await connection.fetch(
        "SELECT DISTINCT relation_schema FROM spyne.tables WHERE origin = 'adopted' AND relation_schema <> ALL($1) "
        "AND to_regnamespace(quote_ident(relation_schema)) IS NOT NULL ORDER BY 1",
        list(OURS),
    )
    return [row[0] for row in rows]


async def adopted_relations(connection: asyncpg.Connection) -> list[str]:
    """Adopted relations, as `schema.name`."""
    rows = await connection.fetch(
        "SELECT DISTINCT relation_schema || '.' || relation_name FROM spyne.tables WHERE origin = 'adopted'"
    )
    return [row[0] for row in rows]


async def occupants(connection: asyncpg.Connection) -> list[str]:
    """What stands in the way of a restore: schemas of ours, and relations of anybody."""
    schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname = ANY($1)", list(OURS))
    return [row[0] for row in (*schemas, *await connection.fetch(f"{USER_RELATIONS} LIMIT 5"))]


async def make_owner(connection: asyncpg.Connection, name: str, password: str) -> None:
    """Make an owner login that is no superuser: it logs in and makes roles."""
    login, kept = quote_identifier(name), quote_literal(verifier(password))
    await connection.execute(f"CREATE ROLE {login} LOGIN CREATEROLE PASSWORD {kept}")


async def make_database(connection: asyncpg.Connection, name: str, owner: str) -> None:
    """Make an empty database that belongs to the owner."""
    await connection.execute(f"CREATE DATABASE {quote_identifier(name)} OWNER {quote_identifier(owner)}")


async def has_migrations(connection: asyncpg.Connection) -> bool:
    """Whether migrations were ever run."""
    return bool(await connection.fetchval("SELECT to_regclass('spyne.alembic_version') IS NOT NULL"))


async def owner_name(connection: asyncpg.Connection) -> str:
    """Who owns the database's objects."""
    return str(await connection.fetchval("SELECT current_user"))


async def number_of_tables(connection: asyncpg.Connection) -> int:
    """Versions of tables that the catalogue knows."""
    return int(await connection.fetchval("SELECT count(*) FROM spyne.tables"))


async def memory_limit(connection: asyncpg.Connection) -> int | None:
    """The bytes that the kernel lets each process of the server have; None without a limit, or where nobody may ask."""
    try:
        limits = await connection.fetchval("SELECT pg_read_file('/proc/self/limits')")
    except asyncpg.PostgresError:  # no superuser, or no Linux
        return None
    return read_limit(str(limits).splitlines())


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
