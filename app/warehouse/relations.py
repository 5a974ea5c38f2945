"""Runs generated SQL on governed and adopted relations, and makes governed ones.

Generated text goes to PostgreSQL verbatim: SQLAlchemy's `text` would take a colon within a quoted name for a parameter.
"""

from typing import Any

from sqlalchemy.engine import CursorResult

from app.kernel.db.database import ReadSession, WriteSession
from app.warehouse.ddl import create_relation
from app.warehouse.plan import RelationPlan


async def run(session: ReadSession, sql: str) -> CursorResult[Any]:
    """The result of a generated statement, whose identifiers are quoted."""
    return await (await session.connection()).exec_driver_sql(sql)


async def create_governed(session: WriteSession, plan: RelationPlan) -> None:
    """Make the governed relation and what belongs to it, in the session's transaction."""
    for statement in create_relation(plan):
        await run(session, statement)
