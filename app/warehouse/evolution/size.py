"""Whether a relation is so small that readers may wait while every row of it is looked at or written anew."""

from typing import Final

import asyncpg

from app.warehouse.evolution import statements
from app.warehouse.plan import RelationPlan

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of a relation and its images that are written anew while nobody can read."""

MOST_COPIED_BYTES: Final = 2 * MOST_BYTES
"""Of the rows of a relation that stand in memory meanwhile: compressed values are larger than the relation that holds
them."""

MOST_ROWS: Final = 100_000
"""Of a relation and its images. `benchmarks/evolution.py` measured a wait of 0.3 s for readers at this size, and 0.8 s
at twice the size, on two cores with an ordinary disk: a second is promised."""


async def is_small(connection: asyncpg.Connection, plan: RelationPlan) -> bool:
    """Whether the relation and its images are written anew within a second; counts the rows when they are few bytes."""
    if await connection.fetchval(statements.table_bytes(plan)) > MOST_BYTES:
        return False
    return bool(await connection.fetchval(statements.count_rows(plan)) <= MOST_ROWS)
