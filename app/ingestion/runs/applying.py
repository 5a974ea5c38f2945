"""The next part of a run: a batch of its own, in the caller's transaction. Plans and jobs do it by the same code."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.catalog.contracts.service import ContractReading
from app.ingestion.bodies import RawBodies
from app.ingestion.configuration import BatchRules
from app.ingestion.models import BatchRow
from app.ingestion.runs.backfills import Backfills
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import Action, Part, RunKind, RunStatus, World, add_counts
from app.ingestion.runs.problems import PlanChanged
from app.ingestion.runs.quarantine import QuarantineReplays
from app.ingestion.runs.reading.line_ranges import OpenBody
from app.ingestion.runs.replays import Replays
from app.ingestion.runs.repository import RunWrites
from app.ingestion.runs.rollbacks import Rollbacks
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.ports.events import EventKinds
from app.kernel.storage.object_storage import ObjectStorage


class RunStopped(Exception):  # noqa: N818 - a state of affairs: somebody has ended the run, or does its parts as well
    """The run is over, or this part of it was done, by somebody else's hand."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What parts are done with beside a session."""

    units: Units
    storage: ObjectStorage
    rules: BatchRules
    kinds: EventKinds
    clock: Clock
    body: OpenBody = field(default_factory=OpenBody)
    """What a backfill reads from; closed when the parts are done."""

    @property
    def raw(self) -> RawBodies:
        """Where bodies are kept."""
        return RawBodies(self.storage)

    def backfills(self, session: WriteSession) -> Backfills:
        """What reads the steps of backfills, in this transaction."""
        return Backfills(session, self.units, self.storage, self.rules, self.kinds, self.body)


class Parts:
    """Does the parts of a run, one by one."""

    def __init__(self, session: WriteSession, tools: Tools) -> None:
        self._session, self._tools = session, tools
        self._runs = RunWrites(session)

    async def next(self, run: IngestionRunRow) -> BatchRow | None:
        """The batch that the next part became; None when all parts are done.

        Raises:
            RunStopped: the run is over, or somebody else has done this part.
            PlanChanged: before the first part: batches came in since the plan, or the schema is another.
            Problem: of the part.
        """
        if run.parts_done == 0:
            await self._require_same_world(run)
        number, position = run.parts_done + 1, None
        if run.kind == RunKind.BACKFILL:
            batch = part_of(run, number, RunKind.BACKFILL)
            position = await self._tools.backfills(self._session).next(run, batch)
            if position is None:
                return None
        else:
            part = await self._runs.part(run.id, number)
            if part is None:
                return None
            batch = await self._apply(run, part)
        changed = await self._runs.change(
            run.id,
            IngestionRunRow.parts_done == run.parts_done,
            status=RunStatus.RUNNING.value,
            started_at=run.started_at or self._tools.clock(),
            parts_done=number,
            rows_done=run.rows_done + batch.rows_received,
            counts=add_counts(run.counts, batch.counts),
            deleted=run.deleted + batch.deleted,
            position=position,
        )
        if not changed:
            raise RunStopped
        await self._session.refresh(run)
        return batch

    async def _apply(self, run: IngestionRunRow, part: Part) -> BatchRow:
        batch, tools = part_of(run, part.number, part.action), self._tools
        match part.action:
            case Action.ROLLBACK:
                return await Rollbacks(self._session, tools.clock).apply(run.id, batch, part.batch_id)
            case Action.QUARANTINE:
                replays = QuarantineReplays(self._session, tools.raw, tools.rules, tools.kinds, tools.clock)
                return await replays.apply(run.request, batch, part.batch_id)
            case Action.REPLAY:
                replaying = Replays(self._session, tools.raw, tools.rules, tools.kinds)
                after_rollback = run.kind == RunKind.ROLLBACK
                return await replaying.apply(run.id, batch, part.batch_id, after_rollback=after_rollback)

    async def _require_same_world(self, run: IngestionRunRow) -> None:
        contract = await ContractReading(self._session).for_ingestion(run.contract_id)
        world = World(contract.contract.schema_version, await self._runs.latest(run.contract_id))
        if world.document() != run.world:
            raise PlanChanged("Batches came in between the plan and the run, or the schema is another.")


def part_of(run: IngestionRunRow, number: int, kind: StrEnum) -> BatchRow:
    """The batch that a part becomes, as whoever started the run."""
    return BatchRow(
        id=new_id(),
        contract_id=run.contract_id,
        status="pending",
        kind=kind.value,
        run_id=run.id,
        part=number,
        actor_kind=run.actor_kind,
        actor_id=run.actor_id,
        actor_label=run.actor_label,
        counts={},
        fault_counts=[],
        notices=[],
        drift=[],
        quarantined_rows=0,
        rows_received=0,
        bytes_received=0,
        deleted=0,
        correlation_id=run.correlation_id,
    )
