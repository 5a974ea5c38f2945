"""Removed documents go when their time is over, with passages and files; what is kept outside goes there first."""

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from app.addons.knowledge.retention import DOCUMENTS
from app.kernel.runtime.resources import Resources
from tests.addons.knowledge.steps import PATH, uploaded
from tests.conftest import ClientOf


async def test_removed_documents_go_with_all_that_is_theirs(
    as_role: ClientOf, resources_of_app: Resources, owner: asyncpg.Connection
) -> None:
    manager: httpx.AsyncClient = await as_role("KNOWLEDGE_MANAGER")
    made = [await uploaded(manager, f"# A\n\nnumber {number}") for number in range(3)]
    for document in made[:2]:
        await manager.delete(f"{PATH}/{document['id']}")
    await owner.execute(
        "INSERT INTO spyne.knowledge_embeddings (chunk_id, model, place) SELECT id, 'm', 'pinecone' "
        "FROM spyne.knowledge_chunks WHERE document_id = $1",
        made[1]["id"],
    )
    later = datetime.now(UTC) + timedelta(days=1)
    async with resources_of_app.database.write() as session:
        preview = await DOCUMENTS.preview(session, later)
        removed = await DOCUMENTS.delete_some(session, later, None, 10)
    assert (preview.amount, removed.keys) == (removed.amount, [f"knowledge/{made[0]['id']}"])
    assert (removed.amount.rows, removed.amount.bytes, removed.amount.objects) == (1, made[0]["bytes"], 1)
    assert await owner.fetchval("SELECT count(*) FROM spyne.knowledge_chunks") == 2
    async with resources_of_app.database.read() as session:
        assert (await DOCUMENTS.preview(session, datetime.now(UTC) - timedelta(days=1))).amount.rows == 0
