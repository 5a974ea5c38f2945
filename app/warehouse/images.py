"""Which relations of before-images there are."""

from sqlalchemy import text

from app.kernel.db.database import ReadSession
from app.warehouse.naming import DATA_SCHEMA, RelationName

_FIND = text(
    "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    r"WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND c.relname LIKE '%\_\_before' ORDER BY c.relname"
)


async def before_relations(session: ReadSession) -> list[RelationName]:
    """Every relation of before-images, by name."""
    found = await session.execute(_FIND, {"schema": DATA_SCHEMA})
    return [RelationName(DATA_SCHEMA, name) for name in found.scalars()]
