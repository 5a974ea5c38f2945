"""A connection that breaks at a commit leaves open whether it was made; what a batch refers to stays in any case."""

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.kernel.db.database import WriteSession
from app.kernel.storage.object_storage import ObjectStorage
from tests.ingestion.steps import raw_keys, send

ROWS = [(1, 1, 1), (2, 1, 2)]
BATCHES = "SELECT count(*) FROM spyne.ingestion_history"


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of every commit that brings a batch the news is lost."""
    commit = WriteSession.commit

    async def committed_unheard(session: WriteSession) -> None:
        batches = (await session.execute(text(BATCHES))).scalar_one()
        await commit(session)
        if batches:
            raise ConnectionResetError("the connection is gone, and with it the news")

    monkeypatch.setattr(WriteSession, "commit", committed_unheard)
    return monkeypatch


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}], ids=["at once", "for later"])
async def test_the_body_of_a_batch_stays_when_its_commit_was_not_heard_of(
    engineer: httpx.AsyncClient,
    things: str,
    storage: ObjectStorage,
    owner: asyncpg.Connection,
    lost: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    answer = await send(engineer, things, ROWS, key="once", headers=headers)
    assert answer.status_code == 503, answer.text
    lost.undo()
    kept = [row["raw_key"] for row in await owner.fetch("SELECT raw_key FROM spyne.ingestion_history")]
    assert await raw_keys(storage) == kept
    assert len(kept) == 1
    again = await send(engineer, things, ROWS, key="once", headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202 if headers else 201, "true")
    assert await raw_keys(storage) == kept
