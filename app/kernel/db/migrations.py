"""Migrations from within the service: roles, upgrade, and the check that the schema is at head.

The owner login runs them. Passwords of the two other logins are derived from the service secret, so that making a
role and knowing its password need nothing stored.
"""

import asyncio
import random
from argparse import Namespace
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.kernel.db import logins
from app.kernel.db.connections import driver_arguments
from app.kernel.db.database import ReadSession
from app.kernel.db.models import CONTROL_SCHEMA
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings

LOCK_KEY = 0x5370796E65  # "Spyne": one migration runner at a time on a server
LOCK_TIMEOUT = "5s"
"""A migration that waits longer for a lock stops every reader queued behind it; it gives up and is run again."""
STATEMENT_TIMEOUT = "10min"
MINIMUM_VERSION = 180_000
"""PostgreSQL 18: `uuidv7()` and `RETURNING old.*` are used throughout."""

PREPARE_ATTEMPTS = 10
ROLE_RACES = (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.InternalServerError)
"""Roles belong to the server, advisory locks to a database: two databases of one server may be prepared at once. The
last is "tuple concurrently updated", which has no SQLSTATE of its own."""

ROOT = Path(__file__).resolve().parents[3]

__all__ = ["CONTROL_SCHEMA", "LOCK_KEY", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "compares"]


class UnsupportedServerError(RuntimeError):
    """The server is older than PostgreSQL 18."""


class StaleSchemaError(RuntimeError):
    """The database is not at the migration that this code needs."""


class DatabaseAccess(Enum):
    """What an Alembic command does with the database."""

    NONE = auto()
    """Reads or writes files alone."""
    READ = auto()
    CHANGE = auto()


def access(given: Mapping[str, Any], options: Namespace | None) -> DatabaseAccess:
    """What a command does with the database.

    Args:
        given: what the command hands to the environment (`MigrationContext.opts`); Alembic has no name of the command
            there, so each is known by what nobody else gives.
        options: of the command line; None where a program calls.
    """
    if "destination_rev" in given:  # upgrade, downgrade, stamp
        return DatabaseAccess.CHANGE
    if "revision_context" in given:  # check, revision
        reads = given["revision_context"].command_args["autogenerate"]
        return DatabaseAccess.READ if reads else DatabaseAccess.NONE
    if "template_args" in given:  # merge
        return DatabaseAccess.NONE
    if "as_sql" in given:  # ensure_version
        return DatabaseAccess.CHANGE
    if options is not None and hasattr(options, "indicate_current"):  # history, on a command line
        current = options.indicate_current or "current" in (options.rev_range or "")
        return DatabaseAccess.READ if current else DatabaseAccess.NONE
    return DatabaseAccess.READ


def next_revision(known: Iterable[str]) -> str:
    """The number after the highest one, of four digits: `0036` after `0035`."""
    return f"{max((int(each) for each in known if each.isdecimal()), default=0) + 1:04}"


def compares(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether the drift check looks at this object: the control schema is ours, the rest has other keepers."""
    return name == CONTROL_SCHEMA if kind == "schema" else name != "alembic_version"


def configuration(url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


@cache
def head() -> str:
    """The revision which the code needs; to find out, every migration is compiled, so it is asked for once."""
    revision = ScriptDirectory.from_config(configuration("")).get_current_head()
    assert revision is not None
    return revision


def is_known(revision: str) -> bool:
    """Whether this code has the revision."""
    script = ScriptDirectory.from_config(configuration(""))
    return any(known.revision == revision for known in script.walk_revisions())


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to head, or to an earlier revision. Blocking, and outside of any event loop."""
    command.upgrade(configuration(url), revision)


def check(url: str) -> None:
    """Return when models and migrations agree. Raises alembic's `CommandError` naming every difference."""
    command.check(configuration(url))


async def prepare(url: str, settings: DatabaseSettings, secret: ServiceSecret) -> None:
    """Make or refresh the runtime and query logins, and close the database to everybody else.

    Raises:
        UnsupportedServerError: the server is older than PostgreSQL 18.
        OwnerRightsError: the owner lacks a right; the message has the statement that gives it.
    """
    connection = await connect(url)
    try:
        version = connection.get_server_version()
        if version.major * 10_000 < MINIMUM_VERSION:
            raise UnsupportedServerError(
                f"Spyne needs PostgreSQL 18 or newer; the server at DATABASE_URL is {version.major}.{version.minor}."
            )
        for attempt in range(PREPARE_ATTEMPTS):
            try:
                await _prepare(connection, settings, secret)
            except ROLE_RACES:
                if attempt + 1 == PREPARE_ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - jitter, not a secret
            else:
                return
    finally:
        await connection.close()


async def _prepare(connection: asyncpg.Connection, settings: DatabaseSettings, secret: ServiceSecret) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY + 1)
        for statement in await logins.statements(connection, settings, secret):
            await connection.execute(statement)


async def connect(url: str) -> asyncpg.Connection:
    """An asyncpg connection to a SQLAlchemy URL."""
    return await asyncpg.connect(**driver_arguments(url))


async def require_head(session: ReadSession) -> None:
    """Return when the database is at head. Raises `StaleSchemaError` with the way out."""
    exists = (await session.execute(text("SELECT to_regclass('spyne.alembic_version') IS NOT NULL"))).scalar_one()
    current = (
        (await session.execute(text("SELECT version_num FROM spyne.alembic_version"))).scalar_one_or_none()
        if exists
        else None
    )
    if current != head():
        raise StaleSchemaError(
            f"The database is at migration {current or 'none'}, this code needs {head()}. Run `spyne migrate`."
        )
