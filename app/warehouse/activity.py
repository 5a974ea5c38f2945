"""What PostgreSQL counts of changes to relations: others than before, and something was written."""

from collections.abc import Sequence

from sqlalchemy import String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.kernel.db.database import ReadSession
from app.warehouse.naming import RelationName

_ACTIVITY = text("""
SELECT n.nspname, c.relname, concat_ws(':', pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid),
                                       pg_stat_get_tuples_deleted(c.oid)) AS counters
  FROM unnest(:schemas, :names) AS asked(schema, name)
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = asked.schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = asked.name
""").bindparams(bindparam("schemas", type_=ARRAY(String)), bindparam("names", type_=ARRAY(String)))


async def activity(session: ReadSession, relations: Sequence[RelationName]) -> dict[RelationName, str]:
    """The counters of rows that were ever inserted, updated and deleted, as one text for each relation that is there.

    PostgreSQL brings them up to date some seconds after a commit. A view has none, so its text never changes.
    """
    names = {"schemas": [each.schema for each in relations], "names": [each.name for each in relations]}
    return {RelationName(row.nspname, row.relname): row.counters for row in await session.execute(_ACTIVITY, names)}
