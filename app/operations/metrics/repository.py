"""All SQL about samples of metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Interval, cast, delete, func, insert, literal, select, tuple_

from app.kernel.db.database import ReadSession, WriteSession
from app.operations.metrics.models import SampleRow

SWEEP_ROWS: Final = 5_000
MAX_POINTS: Final = 10_000

_ADDITIVE: Final = ("_total", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Point:
    """One series over one step."""

    at: datetime
    """The step's begin."""
    labels: Mapping[str, str]
    value: float
    """Counters: what was added, by all processes; gauges: the largest value that one told."""


async def add(session: WriteSession, process: str, at: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep one process's samples of one time."""
    await session.execute(insert(SampleRow), [{"process": process, "sampled_at": at, **row} for row in rows])


async def series(session: ReadSession, name: str, since: datetime, step: timedelta) -> Sequence[Point]:
    """A metric from `since` on, by steps and labels, in the order of time; steps without a change have no point.

    Args:
        session: where it is read.
        name: as in /metrics: `spyne_ingestion_rows_total`, `spyne_query_latency_seconds_count`.
        since: begin of the first step.
        step: length of each; at least a minute shows something.
    """
    begin = func.date_bin(cast(literal(step), Interval), SampleRow.sampled_at, since).label("begin")
    value = func.sum(SampleRow.value) if name.endswith(_ADDITIVE) else func.max(SampleRow.value)
    statement = (
        select(begin, SampleRow.labels, value)
        .where(SampleRow.name == name, SampleRow.sampled_at >= since)
        .group_by(begin, SampleRow.labels)
        .order_by(begin, SampleRow.labels)
        .limit(MAX_POINTS)
    )
    return [Point(row[0], row[1], float(row[2])) for row in await session.execute(statement)]


async def remove(session: WriteSession, before: datetime) -> int:
    """How many samples from before this time were removed: at most `SWEEP_ROWS`."""
    key = (SampleRow.name, SampleRow.sampled_at, SampleRow.process, SampleRow.labels)
    old = select(*key).where(SampleRow.sampled_at < before).limit(SWEEP_ROWS)
    statement = delete(SampleRow).where(tuple_(*key).in_(old)).returning(SampleRow.name)
    removed = await session.execute(statement.execution_options(synchronize_session=False))  # labels have no hash
    return len(removed.all())
