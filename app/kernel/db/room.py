"""Whether the disk of the database has room, asked without leaving anything there."""

from typing import Final

from sqlalchemy import text

from app.kernel.db.database import Database

_LITTLE_MEMORY: Final = text("SET LOCAL work_mem = 64")
_SPILLED: Final = text("SELECT count(*) FROM generate_series(1, 30000)")
"""Half a MiB of rows to be held within 64 kB: PostgreSQL writes a temporary file, which goes with the statement."""


async def require_room(database: Database) -> None:
    """Return when the database could write half a MiB just now.

    Raises `DBAPIError`: it could not; SQLSTATE 53100 when the disk is full.
    """
    async with database.snapshot() as session:
        await session.execute(_LITTLE_MEMORY)
        await session.execute(_SPILLED)
