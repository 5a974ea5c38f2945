"""What a snapshot asks of the database that it is of, and of the one that it comes back into."""

from typing import Final

import asyncpg

from app.kernel.db.models import CONTROL_SCHEMA
from app.warehouse.naming import DATA_SCHEMA

SCHEMAS: Final = (CONTROL_SCHEMA, DATA_SCHEMA)
"""What is copied. Tickets of open jobs, which are in another schema, are issued anew by the workers."""

LEFT_OUT: Final = f"{CONTROL_SCHEMA}.worker_heartbeats"
"""Processes that live here; the table comes back empty."""

_USED: Final = (
    f"EXISTS (SELECT FROM {CONTROL_SCHEMA}.audit_log) OR EXISTS (SELECT FROM {CONTROL_SCHEMA}.users) "  # noqa: S608 - constants
    f"OR EXISTS (SELECT FROM {CONTROL_SCHEMA}.job_runs) OR EXISTS (SELECT FROM pg_catalog.pg_class c "
    f"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{DATA_SCHEMA}')"
)
"""No act is without an audit row, and none without a doer."""

STILL_UNTOUCHED: Final = (
    f"LOCK TABLE {CONTROL_SCHEMA}.audit_log, {CONTROL_SCHEMA}.users, {CONTROL_SCHEMA}.job_runs",
    f"DO $$ BEGIN IF {_USED} THEN RAISE 'the database is used meanwhile'; END IF; END $$",
)
"""The begin of a restore: nobody uses the database from here on, and nobody has."""


async def is_untouched(connection: asyncpg.Connection) -> bool:
    """Whether nobody has used the database since it was migrated."""
    return not await connection.fetchval(f"SELECT {_USED}")


async def row_counts(connection: asyncpg.Connection) -> dict[str, int]:
    """The number of rows of each table that is copied, by `schema.name`; a partitioned one has none of its own."""
    tables = await connection.fetch(
        "SELECT n.nspname || '.' || c.relname AS name, format('%I.%I', n.nspname, c.relname) AS quoted FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'p') "
        "ORDER BY 1",
        list(SCHEMAS),
    )
    return {
        table["name"]: int(await connection.fetchval(f"SELECT count(*) FROM ONLY {table['quoted']}"))  # noqa: S608 - quoted
        for table in tables
        if table["name"] != LEFT_OUT
    }
