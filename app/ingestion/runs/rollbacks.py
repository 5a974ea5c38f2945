"""Taking batches back: what must go with them, what was brought again since, and the doing of one.

A part locks in this order, as every writer does: the row of the batch, the relation, the rows of the relation.
"""

import time
from typing import Any
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractService
from app.ingestion.actions import BatchAction
from app.ingestion.merging import sender
from app.ingestion.models import MERGE_ORDER, BatchRow
from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.parts import Action, Draft, Part, RunKind, World
from app.ingestion.runs.problems import LaterBatches, NothingToTakeBack
from app.ingestion.runs.repository import RelationEvidence, RunWrites, standings
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession, driver_connection
from app.warehouse.ingest import lock_relation
from app.warehouse.plan import RelationPlan
from app.warehouse.reversal.dependents import Dependents
from app.warehouse.reversal.rollback import ImagesMissing, NotAsLeft, Recorded, take_back

SHOWN = 100
"""Batches that a plan, a warning or a problem lists."""

BROUGHT = ("unchanged", "late", "duplicate", "conflict")
"""Verdicts of rows that were brought and not written."""


class Rollbacks:
    """Plans rollbacks and takes batches back, in the caller's transaction."""

    def __init__(self, session: WriteSession, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._runs = RunWrites(session)

    async def draft(self, batch_id: UUID, *, cascade: bool, then_replay: bool, hold: bool) -> Draft:
        """The plan: rollbacks, the newest first, and then replays in the old order.

        To `hold` is to let nobody else write the relation until the transaction ends.

        Raises:
            BatchNotFound: there is no such batch.
            NothingToTakeBack: the batch is not in the table.
            ImagesMissing: retention has removed its before-images, or those of a batch that must go with it.
            LaterBatches: later ones have written the same rows, and are not to be taken back with it.
        """
        target = await self._runs.lock_batch(batch_id)
        if target is None:
            raise BatchNotFound
        contract, plan = await self._contract(_require_images(_require_standing(target)).contract_id)
        if hold:
            await lock_relation(await driver_connection(self._session), plan)
        order = await self._in_the_way(target, plan, then_replay=then_replay)
        known = {batch.sequence: batch for batch in await self._runs.all_batches(BatchRow.sequence.in_(order))}
        await self._runs.keep(known.values())
        undone = [_require_images(known[seq]) for seq in order]
        if len(undone) > 1 and not cascade:
            raise LaterBatches(
                'Take them back as well ({"cascade": true}), or first.',
                batches=[_shown(batch) for batch in undone[:-1][:SHOWN]],
            )
        since = await self._since(target)
        later = [batch for batch in since if batch in undone or any(batch.counts.get(name) for name in BROUGHT)]
        again, warnings = await self._replays(later) if then_replay else ([], [])
        actions = [(Action.ROLLBACK, batch.id) for batch in undone] + [(Action.REPLAY, batch.id) for batch in again]
        return Draft(
            RunKind.ROLLBACK,
            target.contract_id,
            World(contract.contract.schema_version, await self._runs.latest(target.contract_id)),
            tuple(Part(number, *each) for number, each in enumerate(actions, 1)),
            warnings=tuple(warnings),
            later=tuple(batch.id for batch in later if batch not in undone)[:SHOWN],
        )

    async def apply(self, run_id: UUID, batch: BatchRow, target_id: UUID) -> BatchRow:
        """The rollback, which takes back the target as a batch of its own.

        Raises:
            NothingToTakeBack, LaterBatches: batches came in between the plan and now.
            ImagesMissing, NotAsLeft, UniqueTaken: as `take_back` says.
        """
        started = time.monotonic()
        target = await self._runs.lock_batch(target_id)
        assert target is not None
        contract, plan = await self._contract(_require_images(_require_standing(target)).contract_id)
        connection = await driver_connection(self._session)
        await lock_relation(connection, plan)
        in_the_way = [seq for seq in await self._in_the_way(target, plan) if seq != target.sequence]
        if in_the_way:
            found = await self._runs.all_batches(BatchRow.sequence.in_(in_the_way))
            raise LaterBatches("They came in since the plan.", batches=[_shown(each) for each in found[:SHOWN]])
        batch.source_batch_id = target.id
        await BatchWrites(self._session).accept(batch)
        try:
            restored = await take_back(connection, plan, _recorded(target), batch.sequence)
        except NotAsLeft as differing:
            raise await self._explained(differing, target) from differing
        await ContractService(self._session).confirm_writable(contract)
        batch.status, batch.completed_at = "completed", self._clock()
        batch.merge_order = MERGE_ORDER.next_value()
        batch.schema_version = contract.contract.schema_version
        batch.counts = {"inserted": restored.put_back, "updated": restored.overwritten}
        batch.rows_received = restored.put_back + restored.overwritten
        batch.deleted, batch.images = restored.removed, restored.images
        batch.seconds = time.monotonic() - started
        await self._session.flush()
        await self._runs.set_taken_back(target.id, batch.id)
        if target.kind == Action.ROLLBACK and target.source_batch_id is not None:
            await self._runs.set_taken_back(target.source_batch_id, None)
        await AuditTrail(self._session).append(
            sender(batch),
            BatchAction.TAKEN_BACK,
            "batch",
            target.id,
            batch.contract_id,
            after={"by": str(batch.id), "run_id": str(run_id), "deleted": batch.deleted, "counts": batch.counts},
        )
        return batch

    async def _contract(self, contract_id: str) -> tuple[IngestionContract, RelationPlan]:
        contract = await ContractService(self._session).for_ingestion(contract_id)
        assert contract.plan is not None, "its first batch has given it columns"
        return contract, contract.plan

    async def _in_the_way(self, target: BatchRow, plan: RelationPlan, *, then_replay: bool = False) -> list[int]:
        """The numbers of the target and of what must be taken back with it, the newest first."""
        found = await standings(self._session, target.contract_id, target.merge_order or 0)
        return await Dependents(plan.mode, found, RelationEvidence(self._session, plan)).all(
            target.sequence, then_replay=then_replay
        )

    async def _explained(self, differing: NotAsLeft, target: BatchRow) -> NotAsLeft | ImagesMissing:
        """Why the rows of the target are others, when retention has removed what would have told who wrote them.

        That befalls batches that wrote no images and so lose none, while later ones do.
        """
        later = await self._runs.all_batches(
            BatchRow.contract_id == target.contract_id,
            BatchRow.merge_order > (target.merge_order or 0),
            BatchRow.images_removed_at.is_not(None),
            limit=1,
        )
        if not later:
            return differing
        return ImagesMissing(
            "Later batches have written its rows, and cannot be taken back: retention removed their before-images, "
            f"those of batch {later[0].id} at {_time(later[0])}."
        )

    async def _since(self, target: BatchRow) -> list[BatchRow]:
        """Batches that stand, came after the target and are no rollbacks, in the order of merges."""
        later = await self._runs.all_batches(
            BatchRow.contract_id == target.contract_id,
            BatchRow.merge_order > (target.merge_order or 0),
            BatchRow.rolled_back_by.is_(None),
            BatchRow.kind != Action.ROLLBACK.value,
        )
        return list(later)

    async def _replays(self, later: list[BatchRow]) -> tuple[list[BatchRow], list[str]]:
        """The batches whose bodies can be taken again, and a warning for each other one."""
        await self._runs.keep(later)
        owners = await self._runs.body_owners(later)
        gone = [batch for batch in later if batch.id not in owners]
        return [batch for batch in later if batch.id in owners], [
            f"Batch {batch.id} cannot be replayed: its body is not kept." for batch in gone[:SHOWN]
        ]


def _require_standing(target: BatchRow) -> BatchRow:
    """The batch, when it is in the table. Raises `NothingToTakeBack`."""
    if target.status != "completed":
        raise NothingToTakeBack(f"It is {target.status}: nothing of it is in the table.")
    if target.rolled_back_by is not None:
        raise NothingToTakeBack(f"It was taken back before, by batch {target.rolled_back_by}.")
    return target


def _require_images(batch: BatchRow) -> BatchRow:
    """The batch, unless retention has removed its before-images. Raises `ImagesMissing`."""
    if batch.images_removed_at is not None:
        raise ImagesMissing(f"Retention removed the before-images of batch {batch.id} at {_time(batch)}.")
    return batch


def _time(batch: BatchRow) -> str:
    return batch.images_removed_at.isoformat() if batch.images_removed_at else "-"


def _recorded(target: BatchRow) -> Recorded:
    is_rollback = target.kind == Action.ROLLBACK
    return Recorded(target.sequence, target.counts.get("inserted", 0), target.images, is_rollback=is_rollback)


def _shown(batch: BatchRow) -> dict[str, Any]:
    return {
        "id": str(batch.id),
        "kind": batch.kind,
        "created_at": batch.created_at.isoformat(),
        "submitted_by": batch.actor_label,
        "counts": batch.counts,
    }
