"""Taking stored bodies again, through the newest schema of their contract or of a newer version of the table."""

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractService
from app.ingestion.bodies import RawBodies, StoredBody
from app.ingestion.configuration import BatchRules
from app.ingestion.drift.batch_drift import ReadRows
from app.ingestion.merging import end, merge_batch, sender
from app.ingestion.models import BatchRow
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.parts import Action, Draft, Part, RunKind, World
from app.ingestion.runs.problems import BodyMissing, InvalidIngestionRun, NothingToReplay
from app.ingestion.runs.repository import RunWrites
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault
from app.kernel.security.authorization import SYSTEM
from app.warehouse.plan import Mode
from app.warehouse.reversal.undo import touched_by

SHOWN = 100
"""Batches that a problem or a warning lists."""


class Replays:
    """Plans replays and takes bodies again, in the caller's transaction."""

    def __init__(self, session: WriteSession, raw: RawBodies, rules: BatchRules, kinds: EventKinds) -> None:
        self._session, self._raw, self._rules, self._kinds = session, raw, rules, kinds
        self._runs = RunWrites(session)

    async def draft(
        self,
        contract_id: str,
        *,
        batch_ids: Sequence[UUID] | None,
        begin: datetime | None,
        end: datetime | None,
        into: str | None,
        skip_missing: bool,
    ) -> Draft:
        """The plan: the batches that were named, or came in that time, in the order in which they were merged.

        Raises:
            ContractNotFound: there is no such contract, or none that the rows could go to.
            TableNotWritable: of the table that they go to.
            InvalidIngestionRun: that is no newer version of the same table, or a named batch is of another contract.
            BodyMissing: a body is not kept, and such batches are not to be skipped.
            NothingToReplay: no batch is left.
        """
        await ContractService(self._session).get(contract_id, SYSTEM)
        target = await self._target(contract_id, into)
        if batch_ids is not None:
            batches, warnings = await self._named(contract_id, batch_ids), list[str]()
        else:
            batches, warnings = await self._of_time(contract_id, begin, end)
        await self._runs.keep(batches)
        owners = await self._runs.body_owners(batches)
        missing = [batch for batch in batches if batch.id not in owners]
        if missing and not skip_missing:
            listed = [{"id": str(batch.id), "created_at": batch.created_at.isoformat()} for batch in missing[:SHOWN]]
            raise BodyMissing(f'{len(missing)} bodies. {{"skip_missing": true}} leaves them out.', batches=listed)
        warnings += [f"Batch {batch.id} is left out: its body is not kept." for batch in missing[:SHOWN]]
        kept = [batch for batch in batches if batch.id in owners]
        if not kept:
            raise NothingToReplay
        return Draft(
            RunKind.REPLAY,
            target.id,
            World(target.contract.schema_version, await self._runs.latest(target.id)),
            tuple(Part(number, Action.REPLAY, batch.id) for number, batch in enumerate(kept, 1)),
            rows_total=sum(batch.rows_received for batch in kept),
            warnings=tuple(warnings),
            items=tuple(str(batch_id) for batch_id in batch_ids or ()),
        )

    async def apply(self, run_id: UUID, batch: BatchRow, source_id: UUID, *, after_rollback: bool) -> BatchRow:
        """The batch as which the rows of another were taken again.

        After a rollback only those rows count whose keys (in append mode: sessions) it has changed: what batches have
        written since elsewhere is not written again.

        Raises:
            BodyMissing: retention took the body meanwhile.
            Problem: as `merge_batch` says.
        """
        started = time.monotonic()
        source = (await self._runs.batches([source_id]))[0]
        owner = (await self._runs.body_owners([source])).get(source_id)
        if owner is None:
            raise BodyMissing("Retention took it since the plan.", batches=[{"id": str(source_id)}])
        batch.source_batch_id, batch.media_type, batch.max_rejected = owner.id, owner.media_type, owner.max_rejected
        batch.bytes_received = owner.bytes_received
        await BatchWrites(self._session).accept(batch)
        wanted = await self._changed_by(run_id, batch.contract_id) if after_rollback else None
        body = StoredBody(self._raw, owner)
        refusal = await merge_batch(self._session, batch, body, self._rules, ReadRows(), wanted)
        await end(self._session, self._kinds, sender(batch), batch, refusal, started)
        return batch

    async def _changed_by(self, run_id: UUID, contract_id: str) -> str | None:
        """The condition on rows which the run's rollbacks have touched; None in replace mode, where all count."""
        contract = await ContractService(self._session).for_ingestion(contract_id)
        assert contract.plan is not None
        if contract.plan.mode is Mode.REPLACE:
            return None
        return touched_by(contract.plan, await self._runs.undone_by(run_id))

    async def _target(self, contract_id: str, into: str | None) -> IngestionContract:
        contracts = ContractService(self._session)
        if into is None:
            return await contracts.for_ingestion(contract_id)
        target = await contracts.for_ingestion(into)
        table, _, version = contract_id.rpartition("_v")
        if target.contract.table_name != table or target.contract.version <= int(version):
            message = f"{into} is no newer version of the table {table}."
            raise InvalidIngestionRun.of("/into", "not-newer", message)
        return target

    async def _named(self, contract_id: str, batch_ids: Sequence[UUID]) -> list[BatchRow]:
        found = {batch.id: batch for batch in await self._runs.batches(batch_ids)}
        faults = []
        for place, batch_id in enumerate(batch_ids):
            batch = found.get(batch_id)
            if batch is None or batch.contract_id != contract_id or batch.kind == Action.ROLLBACK:
                message = f"No batch of {contract_id} with rows of its own has this id."
                faults.append(Fault(pointer=f"/batch_ids/{place}", code="no-such-batch", message=message))
            elif batch.status == "pending":
                message = "It waits to be merged: wait for it as well."
                faults.append(Fault(pointer=f"/batch_ids/{place}", code="pending", message=message))
        if faults:
            raise InvalidIngestionRun(faults=faults)
        return list(found.values())

    async def _of_time(
        self, contract_id: str, begin: datetime | None, end: datetime | None
    ) -> tuple[list[BatchRow], list[str]]:
        """Batches that were accepted in this time, and warnings about those left out. Failed ones if kept as sent."""
        conditions = [BatchRow.contract_id == contract_id, BatchRow.kind == "batch", BatchRow.status != "pending"]
        conditions += [BatchRow.created_at >= begin] if begin is not None else []
        conditions += [BatchRow.created_at < end] if end is not None else []
        found = await self._runs.all_batches(*conditions)
        undone = [batch for batch in found if batch.rolled_back_by is not None]
        kept = [
            batch
            for batch in found
            if batch.rolled_back_by is None and (batch.status == "completed" or batch.raw_key is not None)
        ]
        return kept, [f"Batch {batch.id} is left out: it was taken back." for batch in undone[:SHOWN]]
