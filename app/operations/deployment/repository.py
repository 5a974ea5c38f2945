"""All SQL about the deployment: the facts of the database, and the workers that were seen."""

from typing import Any, Final

from sqlalchemy import text

from app.kernel.db.database import ReadSession

_DATABASE: Final = """
SELECT current_setting('server_version') AS version, current_database() AS name,
    pg_database_size(current_database()) AS bytes, pg_postmaster_start_time() AS started_at,
    pg_encoding_to_char(encoding) AS encoding, datcollate AS collation,
    current_setting('max_connections')::int AS max_connections,
    pg_stat_get_db_numbackends(oid) AS connections,
    pg_is_in_recovery() AS in_recovery, current_setting('fsync') = 'on' AS fsync,
    (SELECT version_num FROM spyne.alembic_version) AS migration
FROM pg_database WHERE datname = current_database()
"""
_WORKERS: Final = (
    "SELECT label, started_at, seen_at, running FROM spyne.worker_heartbeats ORDER BY started_at LIMIT 500"
)


async def database_facts(session: ReadSession) -> dict[str, Any]:
    """Facts of the database, by the fields of `DatabaseFacts`, and the migration that it is at."""
    return dict((await session.execute(text(_DATABASE))).mappings().one())


async def workers(session: ReadSession) -> list[dict[str, Any]]:
    """Workers that have not said good-bye."""
    return [dict(row) for row in (await session.execute(text(_WORKERS))).mappings()]
