"""Batches that are accepted now and merged in the background, and the tidying after what died on the way.

A batch that was answered 202 is kept whole and will be merged once, or its report says why not: it failed, or all of
its rows were refused.
"""

import asyncio
import time
from datetime import timedelta
from functools import partial
from uuid import UUID

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.catalog.contracts.service import ContractReading, SchemaMoved
from app.ingestion.actions import BatchAction
from app.ingestion.bodies import RawBodies, StoredBody
from app.ingestion.configuration import batch_rules
from app.ingestion.drift.batch_drift import BatchDrift, ReadRows, SchemaEvolves
from app.ingestion.drift.evolving import MOST_READINGS, READINGS_BESIDE_OTHERS, evolve
from app.ingestion.history import batch_report
from app.ingestion.merging import count_rows, end, mark_failed, merge_batch, record_failure, sender
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.problems import NothingAccepted
from app.ingestion.repository import BatchReads, BatchWrites
from app.ingestion.schemas import BatchReport
from app.ingestion.submission import (
    ACCEPTED,
    REFUSED_AT_ONCE,
    Answer,
    StoredAnswers,
    Submission,
    admitted,
    answered_before,
    new_batch,
)
from app.kernel.clock import Clock
from app.kernel.correlation import correlation_id
from app.kernel.db.database import Units, WriteSession
from app.kernel.jobs import JobContext, enqueue
from app.kernel.jobs.rules import Ending, judge
from app.kernel.jobs.runs import Superseded
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Conflict, Problem, Unavailable
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.modes.modes import NotIngestionReady
from app.operations.modes.service import require_ingestion_ready
from app.warehouse.refused_rows import RejectLimitExceeded

MERGE_JOB = "ingestion:merge"
"""Merges a batch that was accepted for later. Payload: `batch_id`."""

MERGE_STARTS = 5
"""Starts that the merge of one batch may fail before the batch is given up."""

ABANDONED_AFTER = timedelta(days=1)
"""No upload takes that long: a raw body without a batch was left by then by a process that died."""


class MergeFailed(Problem):
    """The merge failed again and again; the log says why."""

    code, title, status = "merge-failed", "The batch could not be merged", 500


class MergeCancelled(Conflict):
    """Somebody cancelled the job that was to merge the batch: `POST /system/jobs/{id}/cancel`."""

    code, title = "merge-cancelled", "The batch was cancelled before it was merged"


class NotReadyYet(Unavailable):
    """The platform was closed for data after the batch was accepted; it waits."""

    code, title = "not-ingestion-ready", "The platform is not ready for ingestion"


async def ready_or_later(session: WriteSession) -> None:
    """Return when data may come in. Raises `NotReadyYet`, by which a job is put back."""
    try:
        await require_ingestion_ready(session)
    except NotIngestionReady as closed:
        raise NotReadyYet(closed.detail) from closed


class DeferredBatchService:
    """Accepts batches for later, merges them, and tidies up."""

    def __init__(
        self, units: Units, storage: ObjectStorage, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock
    ) -> None:
        self._units, self._raw = units, RawBodies(storage)
        self._configuration, self._kinds, self._clock = configuration, kinds, clock

    async def accept(self, actor: Actor, submission: Submission) -> Answer:
        """The report of a batch that is kept and will be merged by a worker, or the stored answer.

        Raises:
            Problem: of the contract, the body's coding, the key, or the shield. Nothing is stored then.
        """
        kept = new_batch(actor, submission)
        try:
            await admitted(self._units, submission)
        except REFUSED_AT_ONCE as refusal:
            return await answered_before(self._units, actor, submission, refusal)
        async with self._raw.unless_committed(kept) as cleanup:
            await self._raw.keep(kept, submission.body)

            async def accept(session: WriteSession) -> Answer:
                cleanup.commit_begun = False
                answer = await self._accept(session, actor, submission, kept.id)
                cleanup.unwanted = answer.report.id != kept.id
                cleanup.commit_begun = True
                return answer

            return await self._units.run(accept)

    async def _accept(self, session: WriteSession, actor: Actor, submission: Submission, batch_id: UUID) -> Answer:
        answers = StoredAnswers(session, actor, submission)
        stored = await answers.replay()
        if stored is not None:
            return stored
        await require_ingestion_ready(session)
        await ContractReading(session).for_ingestion(submission.contract_id)
        batch = new_batch(actor, submission, batch_id)
        batch.raw_key = self._raw.key(batch)
        await BatchWrites(session).accept(batch)
        await enqueue(session, MERGE_JOB, {"batch_id": batch_id}, actor=actor, key=f"ingest:{batch.contract_id}")
        label = batch.contract_id
        await AuditTrail(session).append(actor, BatchAction.ACCEPTED, "batch", batch_id, label, verb=Verb.UPLOAD)
        answer = Answer(batch_report(batch), ACCEPTED)
        await answers.store(answer)
        return answer

    async def merge(self, context: JobContext) -> None:
        """Merge a batch that was accepted for later; harmless when it is done already. Cancelled, the batch fails.

        Raises:
            Unavailable: not now (shield, mode, storage); the job is put back.
        """
        batch_id = UUID(context.payload["batch_id"])
        try:
            await self._merge_or_give_up(batch_id, context)
        except asyncio.CancelledError:
            if context.cancel_requested:
                await context.apply(partial(self._give_up, batch_id, MergeCancelled(), context.correlation_id))
            raise

    async def cancel_with_job(self, session: WriteSession, batch_id: UUID) -> None:
        """Fail a batch whose job is cancelled. One that is being merged now fails when its job is stopped."""
        batch = await BatchWrites(session).untouched(batch_id)
        if batch is not None:
            await self._fail(session, batch, MergeCancelled(), correlation_id())

    async def _merge_or_give_up(self, batch_id: UUID, context: JobContext) -> None:
        drift = BatchDrift(kinds=self._kinds, clock=self._clock, evolving=True)
        try:
            finished = await self._read_until_merged(batch_id, time.monotonic(), context, drift)
        except (Superseded, Unavailable):
            raise
        except (RejectLimitExceeded, NothingAccepted) as refusal:
            await context.apply(partial(self._give_up, batch_id, refusal, context.correlation_id, drift=drift))
            return
        except Problem as refusal:
            await context.apply(partial(self._give_up, batch_id, refusal, context.correlation_id))
            return
        except Exception as error:
            if judge(error, context.starts, MERGE_STARTS) is Ending.FAILED:
                await context.apply(partial(self._give_up, batch_id, MergeFailed(), context.correlation_id))
            raise
        if finished is not None:
            count_rows(finished)

    async def _read_until_merged(
        self, batch_id: UUID, started: float, context: JobContext, drift: BatchDrift
    ) -> BatchReport | None:
        """The report of the batch, which is read again when its contract gets another schema; None if it is done."""
        for reading in range(1, MOST_READINGS):
            drift.locks_first = reading > READINGS_BESIDE_OTHERS
            try:
                return await context.apply(partial(self._merge, batch_id, started, drift))
            except SchemaEvolves as wanted:
                async with self._units.read() as session:
                    batch = await BatchReads(session).by_id(batch_id)
                assert batch is not None
                await evolve(self._units, drift, wanted, sender(batch), batch_id)
            except SchemaMoved:
                pass
        drift.evolving = False
        return await context.apply(partial(self._merge, batch_id, started, drift))

    async def _merge(
        self, batch_id: UUID, started: float, drift: BatchDrift, session: WriteSession
    ) -> BatchReport | None:
        await ready_or_later(session)
        batches = BatchWrites(session)
        batch = await batches.pending(batch_id)
        if batch is None:
            return None
        await batches.prepare_merge()
        rules = batch_rules(self._configuration)
        refusal = await merge_batch(session, batch, StoredBody(self._raw, batch), rules, drift)
        await end(session, self._kinds, sender(batch), batch, refusal, started)
        return batch_report(batch)

    async def _give_up(
        self,
        batch_id: UUID,
        refusal: Problem,
        correlation: str | None,
        session: WriteSession,
        drift: ReadRows | None = None,
    ) -> None:
        """Fail a batch that still waits. The body is kept: its sender was promised that we have it.

        `drift` is what was seen of its rows, where these are why it failed.
        """
        batch = await BatchWrites(session).pending(batch_id)
        if batch is not None:
            await self._fail(session, batch, refusal, correlation, drift)

    async def _fail(
        self,
        session: WriteSession,
        batch: BatchRow,
        refusal: Problem,
        correlation: str | None,
        drift: ReadRows | None = None,
    ) -> None:
        mark_failed(batch, refusal, correlation, self._clock())
        if drift is not None:
            batch.drift = await drift.record(session, batch.actor_label, batch.id)
        await session.flush()
        await record_failure(session, self._kinds, sender(batch), batch, refusal)

    async def tidy(self, context: JobContext) -> None:
        """Give up batches whose job ended without them, and remove raw bodies that belong to no batch."""
        async with self._units.read() as session:
            stranded = await BatchReads(session).stranded(MERGE_JOB)
        for batch_id in stranded:
            await context.apply(partial(self._give_up, batch_id, MergeFailed(), context.correlation_id))
        removed = 0
        async for batch_id, key in self._raw.older_than(self._clock() - ABANDONED_AFTER):
            async with self._units.read() as session:
                known = await BatchReads(session).by_id(batch_id) is not None
            if not known:
                await self._raw.remove(key)
                removed += 1
        await context.progress(given_up=len(stranded), removed=removed)
