"""All SQL of runs and their parts, and of the batches that they are about."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, func, insert, literal, or_, select, update
from sqlalchemy.orm import aliased

from app.ingestion.models import BatchRow
from app.ingestion.runs.models import IngestionRunPartRow, IngestionRunRow
from app.ingestion.runs.parts import OPEN, Action, Part, RunStatus
from app.kernel.db.database import ReadSession, WriteSession, driver_connection
from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest
from app.warehouse.plan import RelationPlan
from app.warehouse.reversal import undo
from app.warehouse.reversal.dependents import Standing

_STARTING = "spyne.ingestion-runs"
"""Name of the lock under which runs are started."""

IS_OPEN = IngestionRunRow.status.in_(OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs; absent conditions hold for all."""

    kind: str | None = None
    contract_id: str | None = None
    status: str | None = None

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on runs."""
        asked = {
            IngestionRunRow.kind: self.kind,
            IngestionRunRow.contract_id: self.contract_id,
            IngestionRunRow.status: self.status,
        }
        return [column == value for column, value in asked.items() if value is not None]


class RunReads(Reading[IngestionRunRow]):
    """Reads runs."""

    model = IngestionRunRow

    async def matching(self, wanted: RunFilter, request: PageRequest) -> Page[IngestionRunRow]:
        """A page of runs, newest first."""
        return await self.page(self.base().where(*wanted.conditions), request)

    async def part(self, run_id: UUID, number: int) -> Part | None:
        """A part of the plan; None beyond the last one."""
        found = await self.session.get(IngestionRunPartRow, (run_id, number))
        return None if found is None else Part(found.part, Action(found.action), found.batch_id)

    async def items(self, run_id: UUID) -> list[str]:
        """The bodies that a backfill reads, in order; the batches that a replay was asked for."""
        statement = select(IngestionRunRow.items).where(IngestionRunRow.id == run_id)
        return list((await self.session.execute(statement)).scalar_one())

    async def made(self, run_id: UUID, limit: int) -> Sequence[BatchRow]:
        """The newest parts that were done, as the batches that they became."""
        return await self.all_batches(BatchRow.run_id == run_id, order=BatchRow.part.desc(), limit=limit)

    async def undone_by(self, run_id: UUID) -> list[int]:
        """The numbers of the rollbacks that the run has made."""
        statement = select(BatchRow.sequence).where(BatchRow.run_id == run_id, BatchRow.kind == Action.ROLLBACK)
        return list((await self.session.execute(statement)).scalars())

    async def all_batches(
        self, *conditions: ColumnElement[bool], order: ColumnElement[Any] | None = None, limit: int | None = None
    ) -> Sequence[BatchRow]:
        """Batches, in the order in which they were merged when none is given."""
        by = func.coalesce(BatchRow.merge_order, BatchRow.sequence) if order is None else order
        found = await self.session.execute(select(BatchRow).where(*conditions).order_by(by, BatchRow.id).limit(limit))
        return found.scalars().all()

    async def batches(self, ids: Collection[UUID]) -> Sequence[BatchRow]:
        """The batches with these ids, in the order in which they were merged."""
        return await self.all_batches(BatchRow.id.in_(ids))

    async def body_owners(self, batches: Iterable[BatchRow]) -> dict[UUID, BatchRow]:
        """The batch whose body it is, by the id of each batch whose rows can be taken again.

        A batch has its own body, a replay that of its source. Of replayed lines and of what came by a backfill no body
        of exactly these rows is kept.
        """
        listed = list(batches)
        sources = {each.source_batch_id for each in listed if each.kind == Action.REPLAY and each.source_batch_id}
        owners = {each.id: each for each in await self.batches(sources)} | {each.id: each for each in listed}
        found: dict[UUID, BatchRow] = {}
        for batch in listed:
            owner = owners.get(batch.source_batch_id or batch.id) if batch.kind == Action.REPLAY else batch
            if owner is not None and owner.raw_key is not None and owner.media_type is not None:
                found[batch.id] = owner
        return found

    async def latest(self, contract_id: str) -> int:
        """The highest place in the order of merges among the batches of a contract; 0 without any."""
        statement = select(func.max(BatchRow.merge_order)).where(BatchRow.contract_id == contract_id)
        return int((await self.session.execute(statement)).scalar_one() or 0)

    async def same(self, plan_hash: str) -> IngestionRunRow | None:
        """The run that was started from this plan and did not fail; of one plan there is one run."""
        failed = IngestionRunRow.status.in_((RunStatus.FAILED, RunStatus.CANCELLED))
        return await self.maybe(self.base().where(IngestionRunRow.plan_hash == plan_hash, ~failed).limit(1))

    async def lost(self) -> Sequence[UUID]:
        """Open runs whose job is over."""
        going = select(JobRun.id).where(JobRun.id == IngestionRunRow.job_id, JobRun.state.in_(OPEN_STATES))
        return await self.all(select(IngestionRunRow.id).where(IS_OPEN, ~going.exists()))


class RunWrites(RunReads, Writing[IngestionRunRow]):
    """Makes and changes runs."""

    async def plan(self, run: IngestionRunRow, parts: Iterable[Part]) -> None:
        """Insert a run with its parts."""
        await self.add(run)
        rows = [
            {"run_id": run.id, "part": part.number, "action": part.action, "batch_id": part.batch_id} for part in parts
        ]
        if rows:
            await self.session.execute(insert(IngestionRunPartRow), rows)

    async def take_turns(self) -> None:
        """Let nobody else start a run until this transaction ends, so that one plan makes one run."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_STARTING, 0))))

    async def change(self, run_id: UUID, *conditions: ColumnElement[bool], **values: Any) -> bool:
        """Whether an open run was changed; one that is over is not."""
        statement = (
            update(IngestionRunRow)
            .where(IngestionRunRow.id == run_id, IS_OPEN, *conditions)
            .values(**values)
            .execution_options(synchronize_session=False)
            .returning(IngestionRunRow.id)
        )
        return (await self.session.execute(statement)).first() is not None

    async def end(self, run_id: UUID, status: RunStatus, at: datetime, **values: Any) -> bool:
        """Whether an open run came to its end by this; one that is over does not."""
        return await self.change(run_id, status=status.value, ended_at=at, **values)

    async def lock_batch(self, batch_id: UUID) -> BatchRow | None:
        """The batch as it stands, locked; the relation's lock is taken after this one."""
        statement = select(BatchRow).where(BatchRow.id == batch_id).with_for_update(key_share=True)
        found = await self.session.execute(statement.execution_options(populate_existing=True))
        return found.scalar_one_or_none()

    async def keep(self, batches: Iterable[BatchRow]) -> None:
        """Let retention leave the batches, and those whose bodies they use, alone until this transaction ends.

        They are as they stand now, afterwards: bodies and images that are there stay until the run that is planned is
        open, and while it is (`app/ingestion/retention/open_runs.py`).
        """
        ids = {id_ for batch in batches for id_ in (batch.id, batch.source_batch_id) if id_ is not None}
        listed = any_(literal(sorted(ids), ARRAY(Uuid)))
        shared = select(BatchRow).where(BatchRow.id == listed).with_for_update(read=True, key_share=True)
        await self.session.execute(shared.execution_options(populate_existing=True))

    async def set_taken_back(self, batch_id: UUID, by: UUID | None) -> None:
        """Note what took a batch back, or that it stands again."""
        changed = update(BatchRow).where(BatchRow.id == batch_id).values(rolled_back_by=by)
        await self.session.execute(changed)


_CHANGES = {undo.OVERWRITTEN: "overwritten", undo.GONE: "removed", undo.BACK: "put-back"}


class RelationEvidence:
    """Who wrote what, by a relation and its before-images."""

    def __init__(self, session: WriteSession, plan: RelationPlan) -> None:
        self._session, self._plan = session, plan

    async def overwriters(self, lowest: int) -> Collection[tuple[int, int]]:
        """As `Evidence` says."""
        return [(row[0], row[1]) for row in await self._fetch(undo.overwriters(self._plan, lowest))]

    async def writers_of_same_keys(self, seq: int, lowest: int) -> Collection[int]:
        """As `Evidence` says."""
        return [row[0] for row in await self._fetch(undo.writers_of_same_keys(self._plan, seq, lowest))]

    async def changed_rows(self, seq: int, limit: int) -> list[dict[str, Any]]:
        """Some rows that a batch overwrote, removed, or put back: `change`, and the row `before` and `after`."""
        shown = []
        for kind, image, now in await self._fetch(undo.changed_rows(self._plan, seq, limit)):
            rows = [None if text is None else orjson.loads(text) for text in (image, now)]
            before, after = (None, rows[0]) if kind == undo.BACK else (rows[0], None if kind == undo.GONE else rows[1])
            shown.append({"change": _CHANGES[kind], "before": before, "after": after})
        return shown

    async def _fetch(self, statement: str) -> Sequence[Any]:
        return await (await driver_connection(self._session)).fetch(statement)


async def standings(session: ReadSession, contract_id: str, since: int) -> list[Standing]:
    """The batches of a contract merged from this place in the order on, and those that they took back."""
    victim, taker = aliased(BatchRow), aliased(BatchRow)
    takers = select(taker.source_batch_id).where(
        taker.contract_id == contract_id, taker.kind == Action.ROLLBACK, taker.merge_order >= since
    )
    statement = (
        select(BatchRow.sequence, BatchRow.merge_order, victim.sequence, BatchRow.rolled_back_by.is_not(None))
        .outerjoin(victim, (victim.id == BatchRow.source_batch_id) & (BatchRow.kind == Action.ROLLBACK))
        .where(BatchRow.contract_id == contract_id, BatchRow.merge_order.is_not(None))
        .where(or_(BatchRow.merge_order >= since, BatchRow.id.in_(takers)))
    )
    found = await session.execute(statement)
    return [Standing(row[0], row[1] or 0, row[2], row[3]) for row in found]
