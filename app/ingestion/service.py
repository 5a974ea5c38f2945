"""Use cases of ingestion: take a batch in now, take it in later, try it without effect.

Whatever a batch changes, its report, its refused rows, its audit row and its stored answer are committed together; the
raw body is published just before. A process killed at any point leaves all of it or nothing (at most an unreferenced raw
object, which a sweep removes).
"""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.audit.actions import Verb
from app.audit.service import AuditTrail
from app.catalog.contracts.service import ContractReading
from app.ingestion.history import BatchHistory, report
from app.ingestion.intake import Intake, Representation
from app.ingestion.merging import Merged, merge_batch
from app.ingestion.models import BatchRow
from app.ingestion.raw import RawBatches
from app.ingestion.repository import BatchWrites
from app.ingestion.schemas import BatchReport
from app.kernel.authorization import Actor
from app.kernel.correlation import correlation_id
from app.kernel.database import WriteSession
from app.kernel.idempotency import IdempotencyKeys
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, enqueue
from app.kernel.metrics import INGESTION_LAG, INGESTION_ROWS
from app.kernel.problems import Problem
from app.kernel.resources import Resources
from app.operations.service import require_ingestion_ready
from app.warehouse.ingest import RejectLimitExceeded

MERGE_JOB = "ingestion:merge"
"""Merges a batch that was accepted for later."""

CREATED, ACCEPTED = 201, 202


class BatchAction(StrEnum):
    """What the audit log calls the changes made here."""

    INGESTED = "batch:ingest"
    ACCEPTED = "batch:accept"
    FAILED = "batch:fail"


@dataclass(frozen=True, slots=True)
class Submission:
    """One request to take a batch in."""

    contract_id: str
    representation: Representation
    intake: Intake
    idempotency_key: str | None
    max_rejected: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A report, and the HTTP status it is answered with."""

    report: BatchReport
    status: int


class _DryRunOver(Exception):  # noqa: N818 - carries an outcome past a rollback, is no error
    def __init__(self, outcome: BatchReport) -> None:
        super().__init__()
        self.report = outcome


class IngestService:
    """Takes batches in. Holds no session of its own: each use case opens its transaction."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._database = resources.database
        self._raw = RawBatches(resources.storage)

    async def take(self, actor: Actor, submission: Submission) -> Answer:
        """The report of the batch, merged; or the stored answer, when the key came with this body before.

        Raises:
            Problem: of the contract, the body, the key, the limits of rejections, or the shield. Nothing is stored
                then but, for a batch that failed its limit of rejections, the record that it did.
        """
        started = time.monotonic()
        batch = _new_batch(actor, submission)
        try:
            async with self._without_leftover(batch, Problem), self._database.load() as session:
                await require_ingestion_ready(session)
                keys = _keys(session, actor, submission)
                stored = await self._replayed(keys, submission)
                if stored is not None:
                    return stored
                await self._accept(session, batch)
                async with self._without_leftover(batch, BaseException):
                    merged = await merge_batch(session, self._raw, batch, submission.representation, submission.intake)
                    answer = await self._finish(session, actor, submission, batch, merged, started)
                    await self._store(keys, submission, answer)
        except RejectLimitExceeded as refusal:
            await self._record_failure(actor, submission, refusal)
            raise
        _measure(answer.report)
        return answer

    async def take_later(self, actor: Actor, submission: Submission) -> Answer:
        """The report of a batch that is kept and will be merged by a worker. Raises as `take`, but for its rows."""
        batch = _new_batch(actor, submission)
        async with self._database.read() as session:
            await require_ingestion_ready(session)
            await ContractReading(session).for_ingestion(submission.contract_id)
        async with self._without_leftover(batch, BaseException), self._raw.writer(batch) as copy:
            async for _ in submission.intake.plain(copy):
                pass
        async with self._without_leftover(batch, Problem), self._database.write() as session:
            await require_ingestion_ready(session)
            keys = _keys(session, actor, submission)
            stored = await self._replayed(keys, submission)
            if stored is not None:
                await self._raw.discard(batch)
                return stored
            batch.bytes_received, batch.sha256 = submission.intake.bytes, submission.intake.sha256
            batch.raw_key = self._raw.key(batch)
            await self._accept(session, batch)
            await enqueue(session, MERGE_JOB, {"batch_id": batch.id}, actor=actor, key=batch.contract_id)
            answer = Answer(report(batch, []), ACCEPTED)
            label = batch.contract_id
            await AuditTrail(session).append(actor, BatchAction.ACCEPTED, "batch", batch.id, label, verb=Verb.UPLOAD)
            await self._store(keys, submission, answer)
        return answer

    async def try_out(self, actor: Actor, submission: Submission) -> BatchReport:
        """What `take` would answer: the very same statements, rolled back. Raises as `take`."""
        started = time.monotonic()
        batch = _new_batch(actor, submission)
        try:
            async with self._without_leftover(batch, BaseException), self._database.load() as session:
                await require_ingestion_ready(session)
                await self._accept(session, batch)
                merged = await merge_batch(session, self._raw, batch, submission.representation, submission.intake)
                answer = await self._finish(session, actor, submission, batch, merged, started)
                raise _DryRunOver(_as_dry_run(answer.report, submission.intake))  # noqa: TRY301 - leaves by a rollback
        except _DryRunOver as over:
            return over.report

    async def merge_later(self, context: JobContext) -> None:
        """Merge a batch that was accepted for later; harmless when it is done already."""
        batch_id = context.payload["batch_id"]
        started = time.monotonic()

        async def merge(session: WriteSession) -> BatchReport | None:
            batch = await BatchWrites(session).pending(batch_id)
            if batch is None:
                return None
            merged = await merge_batch(session, self._raw, batch, None, None)
            return await _complete(session, batch, merged, time.monotonic() - started)

        try:
            finished = await context.apply(merge)
        except Problem as refusal:
            if refusal.status >= 500:  # noqa: PLR2004 - the server's own trouble passes; the job is tried again
                raise
            problem = refusal.document(context.correlation_id)
            await context.apply(lambda session: _fail(session, batch_id, problem, self._resources))
            return
        if finished is not None:
            _measure(finished)

    async def _replayed(self, keys: IdempotencyKeys, submission: Submission) -> Answer | None:
        if submission.idempotency_key is None:
            return None
        replay = await keys.claim(submission.idempotency_key)
        if replay is None:
            return None
        await submission.intake.drain()
        replay.require_same(submission.intake.sha256)
        return Answer(BatchReport.model_validate(replay.answer), replay.status)

    async def _accept(self, session: WriteSession, batch: BatchRow) -> None:
        await ContractReading(session).for_ingestion(batch.contract_id)
        await BatchWrites(session).accept(batch)

    async def _finish(
        self,
        session: WriteSession,
        actor: Actor,
        submission: Submission,
        batch: BatchRow,
        merged: Merged,
        started: float,
    ) -> Answer:
        batch.bytes_received, batch.sha256 = submission.intake.bytes, submission.intake.sha256
        await _complete(session, batch, merged, time.monotonic() - started)
        await AuditTrail(session).append(
            actor, BatchAction.INGESTED, "batch", batch.id, batch.contract_id, after={"counts": batch.counts}
        )
        return Answer(await BatchHistory(session).report(batch.id), CREATED)

    async def _store(self, keys: IdempotencyKeys, submission: Submission, answer: Answer) -> None:
        if submission.idempotency_key is not None:
            content = answer.report.model_dump(mode="json")
            await keys.store(submission.idempotency_key, submission.intake.sha256, answer.status, content)

    async def _record_failure(self, actor: Actor, submission: Submission, refusal: RejectLimitExceeded) -> None:
        batch = _new_batch(actor, submission)
        batch.status, batch.completed_at = "failed", self._resources.clock()
        batch.bytes_received, batch.sha256 = submission.intake.bytes, submission.intake.sha256
        batch.rows_received = int(refusal.fields.get("received_rows", 0))
        batch.counts = {"rejected": int(refusal.fields.get("rejected_rows", 0))}
        batch.problem = refusal.document(correlation_id())
        async with self._database.write() as session:
            await BatchWrites(session).accept(batch)
            await AuditTrail(session).append(
                actor, BatchAction.FAILED, "batch", batch.id, batch.contract_id, outcome="failure", verb=Verb.UPLOAD
            )
        refusal.fields["batch_id"] = str(batch.id)

    @asynccontextmanager
    async def _without_leftover(self, batch: BatchRow, *errors: type[BaseException]) -> AsyncIterator[None]:
        """Removes the raw body again after one of these errors.

        Before the commit any error will do. Around it only a problem: a connection that breaks during the commit leaves
        open whether the batch is there, and its body must not be missed then.
        """
        try:
            yield
        except errors:
            await self._raw.discard(batch)
            raise


def _keys(session: WriteSession, actor: Actor, submission: Submission) -> IdempotencyKeys:
    return IdempotencyKeys(session, f"ingest:{actor.kind}:{actor.id}:{submission.contract_id}")


def _new_batch(actor: Actor, submission: Submission) -> BatchRow:
    coding = submission.representation.coding.value
    return BatchRow(
        id=new_id(),
        contract_id=submission.contract_id,
        status="pending",
        media_type=submission.representation.format.value,
        encoding=None if coding == "identity" else coding,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label,
        max_rejected={"limit": submission.max_rejected} if submission.max_rejected is not None else None,
        counts={},
        rows_received=0,
        bytes_received=0,
        correlation_id=correlation_id(),
    )


async def _complete(session: WriteSession, batch: BatchRow, merged: Merged, seconds: float) -> BatchReport:
    batch.status = "completed"
    batch.counts = merged.counts
    batch.rows_received = sum(merged.counts.values())
    batch.schema_version = merged.schema_version
    batch.raw_key = merged.raw_key
    batch.first_event_time, batch.last_event_time = merged.first_event_time, merged.last_event_time
    batch.lag_seconds = merged.lag_seconds
    batch.seconds = seconds
    batch.completed_at = merged.processing_time
    await session.flush()
    return report(batch, [])


async def _fail(session: WriteSession, batch_id: Any, problem: dict[str, Any], resources: Resources) -> None:
    values = {"status": "failed", "problem": problem, "completed_at": resources.clock()}
    await BatchWrites(session).finish(batch_id, values)


def _as_dry_run(outcome: BatchReport, intake: Intake) -> BatchReport:
    facts = outcome.model_dump(
        mode="json", include={"contract_id", "schema_version", "counts", "first_event_time", "last_event_time"}
    )
    named = json.dumps(facts | {"sha256": intake.sha256.hex()}, sort_keys=True)
    plan_hash = hashlib.sha256(named.encode()).hexdigest()
    return outcome.model_copy(update={"status": "dry-run", "links": {}, "plan_hash": plan_hash})


def _measure(outcome: BatchReport) -> None:
    """Count what is committed."""
    for verdict, count in outcome.counts.model_dump().items():
        if count:
            INGESTION_ROWS.labels(outcome.contract_id, verdict).inc(count)
    if outcome.lag_seconds is not None:
        INGESTION_LAG.labels(outcome.contract_id).set(outcome.lag_seconds)
