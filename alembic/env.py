"""How Alembic reaches the database: by the URL that the service hands in or, from a shell, as `spyne` commands do.

Migrations run as the owner, one runner at a time, giving up rather than queueing behind a long lock. Commands that
look take no lock, and PostgreSQL refuses every write of theirs.
"""

import asyncio
import subprocess
import sys
from importlib.util import find_spec
from typing import Any, Final

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.script import write_hooks
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.commands.database import shell
from app.kernel.db import migrations
from app.kernel.db.migrating.log import MigrationLogger
from app.kernel.db.migrations import CONTROL_SCHEMA, LOCK_KEY, LOCK_TIMEOUT, STATEMENT_TIMEOUT, DatabaseAccess
from app.wiring import metadata

READ_ONLY: Final = {"server_settings": {"default_transaction_read_only": "on"}}

config = context.config


def number(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    """Give a new revision the next number, unless the command line has one (`--rev-id`)."""
    if not getattr(config.cmd_opts, "rev_id", None):
        directives[0].rev_id = migrations.next_revision(known.revision for known in context.script.walk_revisions())


@write_hooks.register("ruff")
def lint(path: str, _options: object) -> None:
    """Bring a new revision's file into the form of the others, where ruff is installed."""
    if find_spec("ruff") is not None:
        for step in (("check", "--fix", "--quiet"), ("format", "--quiet")):
            subprocess.run([sys.executable, "-m", "ruff", *step, path], check=False)  # noqa: S603 - a file of ours


OPTIONS: Final[dict[str, Any]] = {
    "target_metadata": metadata(),
    "version_table_schema": CONTROL_SCHEMA,
    "include_schemas": True,
    "include_name": migrations.compares,
    "compare_type": True,
    "compare_server_default": True,
    "process_revision_directives": number,
}


def change(connection: Connection) -> None:
    """Upgrade, downgrade or stamp, within one transaction per run."""
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})  # another runner may take its time
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {CONTROL_SCHEMA}"))
    connection.commit()
    try:
        context.configure(connection=connection, on_version_apply=MigrationLogger(), **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
        connection.commit()


def read(connection: Connection) -> None:
    """Look at the database, which may have no schema of ours yet."""
    context.configure(connection=connection, dont_mutate=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


async def online(url: str, access: DatabaseAccess) -> None:
    """Run the command on the database of the owner's URL."""
    reads = access is DatabaseAccess.READ
    arguments = READ_ONLY if reads else {}
    engine = create_async_engine(url, poolclass=pool.NullPool, hide_parameters=True, connect_args=arguments)
    async with engine.connect() as connection:
        await connection.run_sync(read if reads else change)
    await engine.dispose()


def without_database() -> None:
    """Run a command that needs no database: a new empty revision, the list of all."""
    context.configure(dialect_name="postgresql", as_sql=True, **OPTIONS)
    context.run_migrations()


def main() -> None:
    """Find out what the command needs, and run it."""
    if context.is_offline_mode():
        raise SystemExit("Offline migrations are not supported: they could not take the lock.")
    context.configure(dialect_name="postgresql")  # shows what the command hands over; connects to nothing
    access = migrations.access(context.get_context().opts, config.cmd_opts)
    if access is DatabaseAccess.NONE:
        without_database()
    elif "url" in config.attributes:
        asyncio.run(online(config.attributes["url"], access))
    else:
        shell.run(config, access, lambda url: asyncio.run(online(url, access)))


main()
