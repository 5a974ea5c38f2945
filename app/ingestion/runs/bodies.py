"""Whose stored body holds the rows of a batch."""

from collections.abc import Iterable
from uuid import UUID

from app.ingestion.models import BatchRow
from app.ingestion.runs.parts import Action
from app.ingestion.runs.repository import RunReads


async def body_owners(runs: RunReads, batches: Iterable[BatchRow]) -> dict[UUID, BatchRow]:
    """The batch whose body it is, by the id of each batch whose rows can be taken again.

    A batch has its own body, a replay that of its source. Of replayed lines and of what came by a backfill no body of
    exactly these rows is kept.
    """
    listed = list(batches)
    sources = {each.source_batch_id for each in listed if each.kind == Action.REPLAY and each.source_batch_id}
    owners = {each.id: each for each in await runs.batches(sources)} | {each.id: each for each in listed}
    found: dict[UUID, BatchRow] = {}
    for batch in listed:
        owner = owners.get(batch.source_batch_id or batch.id) if batch.kind == Action.REPLAY else batch
        if owner is not None and owner.raw_key is not None and owner.media_type is not None:
            found[batch.id] = owner
    return found
