"""Runs generated SQL on governed and adopted relations, makes governed ones, and lists those of before-images.

Generated text goes to PostgreSQL verbatim: SQLAlchemy's `text` would take a colon within a quoted name for a parameter.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import CursorResult

from app.kernel.db.database import ReadSession, WriteSession
from app.warehouse.ddl import create_relation
from app.warehouse.naming import DATA_SCHEMA, RelationName
from app.warehouse.plan import RelationPlan

_BEFORE = text(
    "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    r"WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND c.relname LIKE '%\_\_before' ORDER BY c.relname"
)


async def run(session: ReadSession, sql: str) -> CursorResult[Any]:
    """The result of a generated statement, whose identifiers are quoted."""
    return await (await session.connection()).exec_driver_sql(sql)


async def create_governed(session: WriteSession, plan: RelationPlan) -> None:
    """Make the governed relation and what belongs to it, in the session's transaction."""
    for statement in create_relation(plan):
        await run(session, statement)


async def before_relations(session: ReadSession) -> list[RelationName]:
    """Every relation of before-images, by name."""
    found = await session.execute(_BEFORE, {"schema": DATA_SCHEMA})
    return [RelationName(DATA_SCHEMA, name) for name in found.scalars()]
