"""The extension `vector` of PostgreSQL, made by the owner of the database where embeddings are wanted in it.

pgvector is not marked as trusted, so a superuser alone can make it (https://github.com/pgvector/pgvector/issues/288):
the owner of the embedded server is one; another owner is refused, and passages are found by their words.
"""

import contextlib
import logging
from typing import Final

import asyncpg

from app.kernel.db.migrations import connect
from app.kernel.quoting import quote_identifier
from app.settings import Settings

log = logging.getLogger(__name__)

_SCHEMA: Final = (
    "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
    "WHERE e.extname = 'vector'"
)
_REFUSALS: Final = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.FeatureNotSupportedError,  # not among the extensions of the server
    asyncpg.UndefinedFileError,
)


async def make_extension(url: str, settings: Settings) -> bool:
    """Whether the runtime login can use the extension; made where it is not there, if the owner may.

    Nothing is done, and False returned, where no embeddings are kept in PostgreSQL.
    """
    if settings.embedding.url is None or settings.pinecone.url is not None:
        return False
    connection = await connect(url)
    try:
        with contextlib.suppress(asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):  # another was quicker
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        schema = await connection.fetchval(_SCHEMA)
        role = quote_identifier(settings.database.app_role)
        await connection.execute(f"GRANT USAGE ON SCHEMA {quote_identifier(schema)} TO {role}")
    except _REFUSALS as error:
        log.warning("the extension vector cannot be made", extra={"reason": type(error).__name__})
        return False
    finally:
        await connection.close()
    return True
