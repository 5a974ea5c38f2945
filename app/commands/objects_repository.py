"""Which stored objects the rows of the database name, with what they are to be. A new kind of object is one line."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import asyncpg


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object that a row names."""

    key: str
    named_by: str
    sha256: str | None
    """The hash of the object, in hexadecimal; None when the row does not say."""
    plain_sha256: str | None = None
    """The hash of its content without zstd."""


_BATCHES: Final = (
    "SELECT raw_key, 'batch ' || id, NULL, CASE WHEN encoding IS NULL THEN encode(sha256, 'hex') END "
    "FROM spyne.ingestion_history WHERE raw_key IS NOT NULL"
)
_EXPORTS: Final = (
    "SELECT object_key, 'export ' || id, checksum, NULL FROM spyne.export_jobs "
    "WHERE object_key IS NOT NULL AND status = 'completed'"
)
_ARCHIVES: Final = (
    "SELECT a ->> 'key', 'retention run ' || r.id, a ->> 'sha256', NULL FROM spyne.retention_runs r, "
    "jsonb_array_elements(r.archives) a WHERE a ->> 'key' IS NOT NULL"
)


async def named_objects(connection: asyncpg.Connection) -> AsyncIterator[NamedObject]:
    """Every object that a row names; within a transaction, whose snapshot counts."""
    for statement in (_BATCHES, _EXPORTS, _ARCHIVES):
        async for key, named_by, sha256, plain in connection.cursor(statement):
            yield NamedObject(key, named_by, sha256, plain)
