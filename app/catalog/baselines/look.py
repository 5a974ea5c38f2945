"""The look at all adopted relations: batch by batch, each in a transaction of its own."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from app.catalog.baselines.comparison import Finding
from app.catalog.baselines.service import Baselines, Look
from app.kernel.clock import Clock
from app.kernel.db.database import Database, WriteSession

BATCH: Final = 200
"""Tables that are looked at in one transaction: few enough that their documents need no memory to speak of."""

Recorder = Callable[[WriteSession, Look], Awaitable[None]]
"""Keeps what a look found, in the transaction of the look. May be called again for one batch, when that is retried."""


async def look(database: Database, clock: Clock, record: Recorder) -> list[Finding]:
    """What changed of the relations behind all adopted tables since their baselines, by the tables' ids.

    Args:
        database: each batch of `BATCH` tables is one transaction of it.
        clock: says when the relations were looked at.
        record: called for every batch, before its commit.
    """
    findings: list[Finding] = []
    after: UUID | None = None
    while True:
        found, after = await database.run(_batch(clock, record, after))
        findings += found.findings
        if after is None:
            return findings


def _batch(
    clock: Clock, record: Recorder, after: UUID | None
) -> Callable[[WriteSession], Awaitable[tuple[Look, UUID | None]]]:
    async def work(session: WriteSession) -> tuple[Look, UUID | None]:
        found, last = await Baselines(session, clock).look_at_adopted(after, BATCH)
        await record(session, found)
        return found, last

    return work
