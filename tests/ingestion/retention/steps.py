"""Batches of an age, steps of retention, and batches taken back, without HTTP or workers in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from app.ingestion.models import BatchRow
from app.ingestion.retention.before_images import BeforeImages
from app.ingestion.runs.rollbacks import Rollbacks
from app.kernel.clock import utc_now
from app.kernel.db.database import WriteSession
from app.kernel.ids import new_id
from app.kernel.ports.retention import Removed
from app.kernel.ports.retention_holds import lock_category
from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources

TARGET = BeforeImages(window_days=30)
DAYS = 90


@dataclass(frozen=True)
class Batch:
    """What the record of a batch says, and how many images there are."""

    id: UUID
    contract_id: str
    merge_order: int
    completed_at: datetime
    images: int | None
    removed_at: datetime | None
    found: int


async def age(owner: asyncpg.Connection, batch_id: object, days: float) -> None:
    """Let a batch have been merged so long ago."""
    await owner.execute(
        "UPDATE spyne.ingestion_history SET completed_at = now() - $2 * interval '1 day' WHERE id = $1",
        UUID(str(batch_id)),
        float(days),
    )


async def cut_off(owner: asyncpg.Connection) -> datetime:
    found: datetime = await owner.fetchval("SELECT now() - $1 * interval '1 day'", float(DAYS))
    return found.astimezone(UTC)


async def batches(owner: asyncpg.Connection, *tables: str) -> list[Batch]:
    """The batches of the tables, in the order of merges."""
    listed = " UNION ALL ".join(
        f"SELECT '{table}_v1' AS contract_id, _spyne_image_by AS seq FROM data.{table}__v1__before" for table in tables
    )
    found = await owner.fetch(
        f"WITH images AS ({listed}) SELECT b.id, b.contract_id, b.merge_order, b.completed_at, b.images, "
        "b.images_removed_at, (SELECT count(*) FROM images i WHERE i.contract_id = b.contract_id "
        "AND i.seq = b.sequence) FROM spyne.ingestion_history b WHERE b.status = 'completed' ORDER BY b.merge_order"
    )
    return [Batch(*row) for row in found]


async def step(
    session: WriteSession,
    before: datetime,
    cursor: str | None = None,
    limit: int = 1_000,
    target: BeforeImages = TARGET,
) -> Removed:
    """What one step removes, as a run makes it."""
    await lock_category(session, target.category)
    return await target.delete_some(session, before, cursor, limit)


async def everything_removed(resources: Resources, before: datetime, limit: int = 1_000) -> int:
    """How many images go in a run from its begin to its end."""
    cursor, rows = None, 0
    while True:
        async with resources.database.write() as session:
            removed = await step(session, before, cursor, limit)
        rows, cursor = rows + removed.amount.rows, removed.cursor
        if cursor is None:
            return rows


async def take_back(session: WriteSession, batch_id: UUID) -> Sequence[UUID]:
    """The batches that were taken back: this one, and before it all that depends on it."""
    draft = await Rollbacks(session, utc_now).draft(batch_id, cascade=True, then_replay=False, hold=True)
    for part in draft.parts:
        await Rollbacks(session, utc_now).apply(uuid4(), _rollback(draft.contract_id), part.batch_id)
    return [part.batch_id for part in draft.parts]


class _Tried(Exception):  # noqa: N818 - carries an outcome past a rollback, is no error
    pass


async def tried(resources: Resources, batch_id: UUID, table: str) -> Any:
    """What comes of taking a batch back, of which nothing stays: every row of the table, or the code of the refusal."""
    outcome: Any = None
    try:
        async with resources.database.write() as session:
            await take_back(session, batch_id)
            connection = await session.connection()
            rows = await connection.exec_driver_sql(f"SELECT * FROM data.{table}__v1 ORDER BY 1, 2, 3")
            outcome = [tuple(row) for row in rows]
            raise _Tried  # noqa: TRY301 - leaves by a rollback
    except _Tried:
        return outcome
    except Problem as refusal:
        return refusal.code


async def open_run(
    owner: asyncpg.Connection, contract_id: str, batch_id: object, action: str = "rollback", status: str = "RUNNING"
) -> UUID:
    """A run that is about to do something with a batch."""
    run: UUID = await owner.fetchval(
        "INSERT INTO spyne.ingestion_runs (kind, contract_id, status, request, world, plan_hash, reason, actor_kind, "
        "actor_label) VALUES ('rollback', $1, $2, '{}', '{}', '', 'why', 'user', 'ada') RETURNING id",
        contract_id,
        status,
    )
    await owner.execute(
        "INSERT INTO spyne.ingestion_run_parts VALUES ($1, 1, $2, $3)", run, action, UUID(str(batch_id))
    )
    return run


def _rollback(contract_id: str) -> BatchRow:
    return BatchRow(
        id=new_id(), contract_id=contract_id, status="pending", kind="rollback", actor_kind="user", actor_label="ada",
        counts={}, fault_counts=[], notices=[], quarantined_rows=0, rows_received=0, bytes_received=0, deleted=0,
    )  # fmt: skip
