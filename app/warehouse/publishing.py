"""Lets the query login read the visible columns of a relation: grants by column, so that hidden ones stay private.

Relations that the runtime login made are granted by itself. Adopted ones belong to others: the owner's function
`spyne.publish` grants on them, for registered tables only, and what it may not grant is answered as `GrantNeeded`.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from app.kernel.db.database import WriteSession, sqlstate
from app.kernel.problems import Conflict
from app.settings import DatabaseSettings
from app.warehouse.naming import RelationName, quote, quote_all
from app.warehouse.relations import run

QUERY_ROLE: str = DatabaseSettings.model_fields["query_role"].default
APP_ROLE: str = DatabaseSettings.model_fields["app_role"].default
"""The roles as the migrations name them."""

INSUFFICIENT_PRIVILEGE = "42501"
"""PostgreSQL manual, appendix A."""

_LOOK = text(
    "SELECT c.oid, c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) AS own "
    "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = :schema AND c.relname = :name"
)
_PUBLISH = text("SELECT spyne.publish(CAST(CAST(:oid AS bigint) AS oid)::regclass, :columns)").bindparams(
    bindparam("oid", type_=BigInteger), bindparam("columns", type_=ARRAY(String))
)


class RelationGone(Conflict):
    """The relation behind a table is not there any more."""

    code, title = "relation-gone", "The relation behind the table does not exist"


class GrantNeeded(Conflict):
    """Spyne's owner login may not grant on the relation: whoever owns it has to."""

    code, title = "grant-needed", "The owner of the relation has to grant on it first"

    def __init__(self, relation: RelationName, columns: Sequence[str]) -> None:
        self.statement = grant_statement(relation, columns)
        super().__init__(f"Run this as the owner of {relation}, then try again: {self.statement}", grant=self.statement)


def grant_statement(relation: RelationName, columns: Sequence[str]) -> str:
    """The SQL which the relation's owner can run so that Spyne may publish it."""
    readers = f"{QUERY_ROLE}, {APP_ROLE}"
    return (
        f"GRANT USAGE ON SCHEMA {quote(relation.schema)} TO {readers}; "
        f"GRANT SELECT ({quote_all(tuple(columns))}) ON {relation.sql} TO {readers};"
    )


def grant_columns(relation: RelationName, columns: Sequence[str]) -> str:
    """The SQL by which the runtime login lets the query login read columns of a relation of its own."""
    return f"GRANT SELECT ({quote_all(tuple(columns))}) ON {relation.sql} TO {QUERY_ROLE}"


async def publish(session: WriteSession, relation: RelationName, columns: Sequence[str]) -> None:
    """Let the query login read these columns of the relation. Doing it again changes nothing.

    Args:
        session: the transaction in which the table became visible.
        relation: registered in `spyne.tables`.
        columns: its visible columns.

    Raises:
        RelationGone: there is no such relation.
        GrantNeeded: it belongs to somebody on whose relations Spyne's owner may not grant. The transaction goes on.
    """
    await session.flush()
    found = (await session.execute(_LOOK, {"schema": relation.schema, "name": relation.name})).one_or_none()
    if found is None:
        raise RelationGone(f"There is no relation {relation}.")
    if found.own:
        await run(session, grant_columns(relation, columns))
        return
    try:
        async with session.begin_nested():
            await session.execute(_PUBLISH, {"oid": found.oid, "columns": list(columns)})
    except DBAPIError as error:
        if sqlstate(error) != INSUFFICIENT_PRIVILEGE:
            raise
        raise GrantNeeded(relation, columns) from error
