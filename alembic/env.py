"""Runs migrations as the owner, one runner at a time, giving up rather than queueing behind a long lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.db.migrations import CONTROL_SCHEMA, LOCK_KEY, LOCK_TIMEOUT, STATEMENT_TIMEOUT, compares
from app.wiring import metadata

config = context.config


def migrate(connection: Connection) -> None:
    """Upgrade within one transaction per run."""
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})  # another runner may take its time
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {CONTROL_SCHEMA}"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata(),
            version_table_schema=CONTROL_SCHEMA,
            include_schemas=True,
            include_name=compares,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
        connection.commit()


async def online() -> None:
    """Connect to the URL handed in by `app.kernel.db.migrations`."""
    engine = create_async_engine(config.attributes["url"], poolclass=pool.NullPool, hide_parameters=True)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Offline migrations are not supported: they could not take the lock.")
asyncio.run(online())
