"""Who owns the databases of the tests: PostgreSQL's superuser, or a login that makes roles and owns its databases.

Managed PostgreSQL gives the second kind. `SPYNE_TEST_OWNER=plain` lets every test that asks for a database of the run
have such an owner; tests that are about it make one of their own.
"""

import contextlib
import os
import re

import asyncpg
from sqlalchemy.engine import make_url

from app.kernel.embedded import ServerAddress
from app.kernel.quoting import quote_identifier, quote_literal
from app.kernel.scram import verifier

PLAIN = os.environ.get("SPYNE_TEST_OWNER") == "plain"
NAME = "plain_owner"
PASSWORD = "of-the-plain-owner"
TALKATIVE = {
    "shared_buffers": "32MB",
    "log_statement": "all",
    "log_min_error_statement": "debug5",
    "log_min_messages": "debug1",
    "log_error_verbosity": "verbose",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1",
    "log_min_duration_statement": "0",
}
"""Settings of a server that logs all that it is asked, also where it fails."""
IN_CLEAR = re.compile(r"(?i)\bpassword\s+e?'(?!SCRAM-SHA-256\$)[^']*'")
"""A password in a statement that is no verifier."""


def owner_url(server: ServerAddress, database: str) -> str:
    """The URL of a database as its owner, of the kind that the run is about."""
    return plain_url(server, database) if PLAIN else server.url(database)


def plain_url(server: ServerAddress, database: str, name: str = NAME) -> str:
    """The URL of a database as an owner that is no superuser."""
    return server.url(database, user=name, password=PASSWORD)


def belonging() -> str:
    """What `CREATE DATABASE` says of the owner."""
    return f" OWNER {quote_identifier(NAME)}" if PLAIN else ""


async def make_plain_owner(superuser: asyncpg.Connection, name: str = NAME) -> None:
    """Make the owner that is no superuser; several processes may at once."""
    login, kept = quote_identifier(name), quote_literal(verifier(PASSWORD))
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):  # another process was quicker
        await superuser.execute(f"CREATE ROLE {login} LOGIN CREATEROLE PASSWORD {kept}")


async def set_up(server: ServerAddress) -> None:
    """Make the owner that this run is about, where it is not the superuser."""
    if PLAIN:
        superuser = await asyncpg.connect(**server.connect_kwargs("postgres"))
        await make_plain_owner(superuser)
        await superuser.close()


async def plain_database(server: ServerAddress, database: str, name: str = NAME) -> str:
    """The URL of a new, empty database, as its owner that is no superuser."""
    superuser = await asyncpg.connect(**server.connect_kwargs("postgres"))
    try:
        await make_plain_owner(superuser, name)
        await superuser.execute(f"CREATE DATABASE {quote_identifier(database)} OWNER {quote_identifier(name)}")
    finally:
        await superuser.close()
    return plain_url(server, database, name)


def superuser_url(server: ServerAddress, url: str) -> str:
    """The URL of the same database as PostgreSQL's superuser, for what no owner may do."""
    return server.url(database_of(url))


def database_of(url: str) -> str:
    """The name of the database that a URL leads to."""
    database = make_url(url).database
    assert database is not None
    return database
