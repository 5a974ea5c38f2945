"""All SQL about samples of metrics."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, tuple_

from app.kernel.db.database import WriteSession
from app.operations.metrics.models import SampleRow

SWEEP_ROWS: Final = 5_000


async def add(session: WriteSession, process: str, at: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep one process's samples of one time."""
    await session.execute(insert(SampleRow), [{"process": process, "sampled_at": at, **row} for row in rows])


async def remove(session: WriteSession, before: datetime) -> int:
    """How many samples from before this time were removed: at most `SWEEP_ROWS`."""
    key = (SampleRow.name, SampleRow.sampled_at, SampleRow.process, SampleRow.labels)
    old = select(*key).where(SampleRow.sampled_at < before).limit(SWEEP_ROWS)
    statement = delete(SampleRow).where(tuple_(*key).in_(old)).returning(SampleRow.name)
    removed = await session.execute(statement.execution_options(synchronize_session=False))  # labels have no hash
    return len(removed.all())
