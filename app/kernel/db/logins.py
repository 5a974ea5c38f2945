"""The two logins under the owner, and the doors of the database, as statements.

`migrations.prepare` runs them, and a restore does within its own transaction.

An owner that is no superuser, but makes roles and owns the database, can do all of this. So attributes are given when a
login is made: of one that is there, PostgreSQL lets a superuser alone say NOSUPERUSER, also where that changes nothing.
Who makes a login administers it (PostgreSQL 16 and newer). The owner becomes a member of the runtime login too, and so
can dump its relations, publish them and hand them over, as a superuser can without.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

from app.kernel.quoting import quote_identifier, quote_literal
from app.kernel.scram import verifier
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings

ATTRIBUTES: Final = {
    "rolcanlogin": (True, "LOGIN"),
    "rolsuper": (False, "NOSUPERUSER"),
    "rolcreatedb": (False, "NOCREATEDB"),
    "rolcreaterole": (False, "NOCREATEROLE"),
    "rolinherit": (False, "NOINHERIT"),
    "rolreplication": (False, "NOREPLICATION"),
    "rolbypassrls": (False, "NOBYPASSRLS"),
}
"""What each login is: column of `pg_roles`, its value, and the word that brings it about."""
_OF_WHOEVER_ADMINISTERS: Final = ("rolcanlogin", "rolinherit")
"""Attributes that need no more than that to be changed."""

QUERY_LIMITS: Final = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "2s",
    "search_path": "pg_catalog",
    "statement_timeout": "120s",
}
"""What holds for the query login wherever it comes from. With a superuser for owner the migrations say it, and more:
how much it may write to temporary files, and that PostgreSQL's own functions are walled off."""
QUERY_CONNECTIONS: Final = 60
"""As the migrations have it."""

_OWNER: Final = (
    "SELECT current_user::text AS name, r.rolsuper AS superuser, r.rolcreaterole AS makes_roles, "
    "pg_has_role(current_user, d.datdba, 'USAGE') AS owns, d.datname::text AS database "
    "FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()"
)
_LOGIN: Final = (
    "SELECT *, pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') AS administered, "
    "pg_has_role(current_user, oid, 'USAGE') AND pg_has_role(current_user, oid, 'SET') AS joined "
    "FROM pg_roles WHERE rolname = $1"
)


class OwnerRightsError(RuntimeError):
    """The owner login may not do what it has to; the message has the statement which gives it the right."""


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    superuser: bool
    makes_roles: bool
    owns: bool
    """Whether the database is this login's."""
    database: str


async def statements(connection: asyncpg.Connection, settings: DatabaseSettings, secret: ServiceSecret) -> list[str]:
    """Statements that make or refresh the logins and close the database to everybody else; no password is in them.

    Raises `OwnerRightsError`: the owner lacks a right for it.
    """
    row = await connection.fetchrow(_OWNER)
    assert row is not None
    owner = _Owner(**row)
    if not (owner.superuser or owner.owns):
        raise _lacking(
            f"The owner login {owner.name} does not own the database {owner.database}.",
            f"ALTER DATABASE {quote_identifier(owner.database)} OWNER TO {quote_identifier(owner.name)}",
        )
    made: list[str] = []
    for role in (settings.app_role, settings.query_role):
        found = await connection.fetchrow(_LOGIN, role)
        made.append(_login(owner, role, found, secret.password(f"role:{role}")))
        if role == settings.query_role and not owner.superuser:
            made += _limits(role, found)
        if role == settings.app_role and not owner.superuser and (found is None or not found["joined"]):
            made.append(f"GRANT {quote_identifier(role)} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
    return [*made, *_doors(owner, quote_identifier(settings.app_role), quote_identifier(settings.query_role))]


def _login(owner: _Owner, role: str, found: asyncpg.Record | None, password: str) -> str:
    """The statement that makes a login, or sets its password and whatever was changed of it."""
    if found is None:
        if not (owner.superuser or owner.makes_roles):
            raise _lacking(
                f"The owner login {owner.name} may not make the login {role}.",
                f"ALTER ROLE {quote_identifier(owner.name)} CREATEROLE",
            )
        verb, words = "CREATE", [word for _, word in ATTRIBUTES.values()]
    else:
        changed = [column for column, (wanted, _) in ATTRIBUTES.items() if found[column] is not wanted]
        if not owner.superuser:
            _require_rights(owner, role, changed, administers=owner.makes_roles and found["administered"])
        verb, words = "ALTER", [ATTRIBUTES[column][1] for column in changed]
    return " ".join([verb, "ROLE", quote_identifier(role), *words, "PASSWORD", quote_literal(verifier(password))])


def _limits(role: str, found: asyncpg.Record | None) -> list[str]:
    """Statements that bound the query login; what somebody has set to another value is left at it."""
    kept = set() if found is None else {each.partition("=")[0] for each in found["rolconfig"] or ()}
    login = f"ALTER ROLE {quote_identifier(role)}"
    return [
        *([f"{login} CONNECTION LIMIT {QUERY_CONNECTIONS}"] if found is None else []),
        *(f"{login} SET {name} = {quote_literal(value)}" for name, value in QUERY_LIMITS.items() if name not in kept),
    ]


def _require_rights(owner: _Owner, role: str, changed: list[str], *, administers: bool) -> None:
    if not administers:
        raise _lacking(
            f"The login {role} was made by somebody else, and the owner login {owner.name} may not set its password.",
            f"ALTER ROLE {quote_identifier(owner.name)} CREATEROLE; "
            f"GRANT {quote_identifier(role)} TO {quote_identifier(owner.name)} WITH ADMIN OPTION",
        )
    beyond = [ATTRIBUTES[column][1] for column in changed if column not in _OF_WHOEVER_ADMINISTERS]
    if beyond:
        raise _lacking(
            f"The login {role} may do more than it should, which the owner login {owner.name} cannot take from it.",
            f"ALTER ROLE {quote_identifier(role)} {' '.join(beyond)}",
        )


def _doors(owner: _Owner, app_role: str, query_role: str) -> list[str]:
    database = quote_identifier(owner.database)
    return [
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database} TO {app_role}, {query_role}",
        f"GRANT TEMPORARY ON DATABASE {database} TO {app_role}",  # batches are staged in temporary relations
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    ]


def _lacking(what: str, way_out: str) -> OwnerRightsError:
    return OwnerRightsError(f"{what} Whoever manages the server can run: {way_out};")
