"""Background entry points of knowledge."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.addons.knowledge.embedding import Embeddings
from app.addons.knowledge.repository import KnowledgeReads
from app.addons.knowledge.states import EMBED_JOB, PREFIX, TIDY_JOB
from app.kernel.jobs import JobContext, JobDefinition, Schedule

ABANDONED_AFTER: Final = timedelta(days=1)
"""No upload takes that long: a file that no document has was left by a process that died."""


async def embed(context: JobContext) -> None:
    """Give passages embeddings, where there is a model for it."""
    await context.resources.build(Embeddings).embed_pending(context)


async def tidy(context: JobContext) -> None:
    """Remove stored files that no document has: `knowledge/<document>`."""
    storage, removed = context.resources.storage, 0
    before = context.resources.clock() - ABANDONED_AFTER
    async for info in storage.list(PREFIX):
        if info.modified_at >= before:
            continue
        if not await _is_named(context, info.key):
            await storage.delete(info.key)
            removed += 1
    await context.progress(removed=removed)


async def _is_named(context: JobContext, key: str) -> bool:
    try:
        document_id = UUID(key.removeprefix(PREFIX))
    except ValueError:
        return False
    async with context.database.read() as session:
        document = await KnowledgeReads(session).find(document_id)
    return document is not None and document.object_key == key


JOBS = (
    JobDefinition(name=EMBED_JOB, handler=embed, timeout=timedelta(hours=6), concurrency=1),
    JobDefinition(name=TIDY_JOB, handler=tidy),
)
SCHEDULES = (
    Schedule(name="embed-knowledge", cron="*/10 * * * *", job=EMBED_JOB),
    Schedule(name="tidy-knowledge", cron="41 3 * * *", job=TIDY_JOB),
)
