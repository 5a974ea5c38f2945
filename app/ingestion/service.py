"""Use cases of ingestion: take a batch in now, and try one without effect.

Whatever a batch changes, its report, its refused rows, its audit row and its stored answer are committed together; the
raw body is published just before. A process killed at any point leaves all of it or nothing (at most an unreferenced
raw object, which the tidying job removes).
"""

import hashlib
import json
import time
from dataclasses import dataclass

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractNotFound, ContractReading
from app.catalog.tables.registry import TableNotWritable
from app.ingestion.completion import BatchAction, complete, failure, measure
from app.ingestion.configuration import MAX_REJECTED_SHARE
from app.ingestion.events import announce_failure
from app.ingestion.history import BatchHistory
from app.ingestion.intake import Intake, Representation
from app.ingestion.merging import merge_batch
from app.ingestion.models import BatchRow
from app.ingestion.raw import RawBatches
from app.ingestion.repository import BatchWrites
from app.ingestion.schemas import BatchReport
from app.kernel.correlation import correlation_id
from app.kernel.db.database import Database, WriteSession
from app.kernel.http.idempotency import IdempotencyKeys
from app.kernel.ids import new_id
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.operations.modes.modes import NotIngestionReady
from app.operations.modes.service import require_ingestion_ready
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.ingest import RejectLimitExceeded

CREATED = 201

REFUSED_AT_ONCE = (NotIngestionReady, ContractNotFound, TableNotWritable)
"""What needs no body to be known. A request that was answered before gets its stored answer all the same."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One request to take a batch in."""

    contract_id: str
    representation: Representation
    intake: Intake
    idempotency_key: str | None
    max_rejected: str | None

    @property
    def fingerprint(self) -> bytes:
        """Names the request under its key: the body as sent, what it says it is, and its limits. Once it is read."""
        told = f"{self.representation.format}\n{self.representation.coding}\n{self.max_rejected}\n"
        return hashlib.sha256(told.encode() + self.intake.sha256).digest()


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
        """The report of the batch, merged; or the stored answer, when the key came with this request before.

        Raises:
            Problem: of the contract, the body, the key, the limits of rejections, or the shield. Nothing is stored
                then but, for a batch that failed its limit of rejections, the record that it did.
        """
        started = time.monotonic()
        batch = new_batch(actor, submission)
        try:
            async with self._raw.unless_committed(batch) as leftover:
                try:
                    intake = await self._beforehand(batch, submission)
                except REFUSED_AT_ONCE as refusal:
                    return await stored_answer(self._database, actor, submission, refusal)
                async with self._database.load() as session:
                    keys = keys_of(session, actor, submission)
                    stored = await replayed(keys, submission)
                    if stored is not None:
                        leftover.remove = True
                        return stored
                    await require_ingestion_ready(session)
                    answer = Answer(await self._merge(session, actor, batch, submission, intake, started), CREATED)
                    await store(keys, submission, answer)
                    leftover.committing = True
        except RejectLimitExceeded as refusal:
            await self._record_failure(actor, submission, refusal)
            raise
        measure(answer.report)
        return answer

    async def try_out(self, actor: Actor, submission: Submission) -> BatchReport:
        """What `take` would answer: the very same statements, rolled back. Raises as `take`."""
        started = time.monotonic()
        batch = new_batch(actor, submission)
        try:
            async with self._raw.unless_committed(batch):
                intake = await self._beforehand(batch, submission)
                async with self._database.load() as session:
                    await require_ingestion_ready(session)
                    outcome = await self._merge(session, actor, batch, submission, intake, started)
                    raise _DryRunOver(_as_dry_run(outcome, submission.intake))  # noqa: TRY301 - leaves by a rollback
        except _DryRunOver as over:
            return over.report

    async def _beforehand(self, batch: BatchRow, submission: Submission) -> Intake | None:
        """The body still to be read; None when it is in the raw store, as it must be to say what the columns are.

        No transaction waits for a body that is only stored, and a refusal that needs no body comes before it.
        """
        contract = await admitted(self._database, submission)
        if contract.plan is not None:
            return submission.intake
        await self._raw.keep(batch, submission.intake)
        return None

    async def _merge(
        self,
        session: WriteSession,
        actor: Actor,
        batch: BatchRow,
        submission: Submission,
        intake: Intake | None,
        started: float,
    ) -> BatchReport:
        await BatchWrites(session).accept(batch)
        merged = await merge_batch(
            session, self._raw, batch, submission.representation, intake, self._resources.configured(MAX_REJECTED_SHARE)
        )
        batch.bytes_received, batch.sha256 = submission.intake.bytes, submission.intake.sha256
        await complete(session, actor, batch, merged, time.monotonic() - started)
        return await BatchHistory(session).report(batch.id)

    async def _record_failure(self, actor: Actor, submission: Submission, refusal: RejectLimitExceeded) -> None:
        batch_id = new_id()
        facts = failure(refusal, correlation_id(), self._resources.clock())

        async def record(session: WriteSession) -> None:
            batch = new_batch(actor, submission)
            batch.id = batch_id
            batch.bytes_received, batch.sha256 = submission.intake.bytes, submission.intake.sha256
            for name, value in facts.items():
                setattr(batch, name, value)
            await BatchWrites(session).accept(batch)
            await AuditTrail(session).append(
                actor, BatchAction.FAILED, "batch", batch_id, batch.contract_id, outcome="failure", verb=Verb.UPLOAD
            )
            await announce_failure(Announcements(session, self._resources.extensions.of(EventKinds)), batch, refusal)

        await self._database.run(record)
        refusal.fields["batch_id"] = str(batch_id)


def new_batch(actor: Actor, submission: Submission) -> BatchRow:
    """The batch that a request brings, with an id of its own."""
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


def keys_of(session: WriteSession, actor: Actor, submission: Submission) -> IdempotencyKeys:
    """The keys of this sender for batches of this contract."""
    return IdempotencyKeys(session, f"ingest:{actor.kind}:{actor.id}:{submission.contract_id}")


async def replayed(keys: IdempotencyKeys, submission: Submission) -> Answer | None:
    """What the key was answered with, or None when the request has none or its key is now this transaction's.

    Raises:
        KeyInUse: a request with this key is under way.
        KeyReused: it came with another request before.
    """
    if submission.idempotency_key is None:
        return None
    replay = await keys.claim(submission.idempotency_key)
    if replay is None:
        return None
    await submission.intake.drain()
    replay.require_same(submission.fingerprint)
    return Answer(BatchReport.model_validate(replay.answer), replay.status)


async def admitted(database: Database, submission: Submission) -> IngestionContract:
    """The contract, when batches may come in under it now. Raises one of `REFUSED_AT_ONCE`."""
    async with database.read() as session:
        await require_ingestion_ready(session)
        return await ContractReading(session).for_ingestion(submission.contract_id)


async def stored_answer(database: Database, actor: Actor, submission: Submission, refusal: Problem) -> Answer:
    """The stored answer to a request that would be refused by now. Raises the refusal when there is none."""
    if submission.idempotency_key is not None:
        async with database.write() as session:
            stored = await replayed(keys_of(session, actor, submission), submission)
        if stored is not None:
            return stored
    raise refusal


async def store(keys: IdempotencyKeys, submission: Submission, answer: Answer) -> None:
    """Keep the answer for repetitions of the request, when it has a key."""
    if submission.idempotency_key is not None:
        content = answer.report.model_dump(mode="json")
        await keys.store(submission.idempotency_key, submission.fingerprint, answer.status, content)


def _as_dry_run(outcome: BatchReport, intake: Intake) -> BatchReport:
    facts = outcome.model_dump(
        mode="json", include={"contract_id", "schema_version", "counts", "first_event_time", "last_event_time"}
    )
    named = json.dumps(facts | {"sha256": intake.sha256.hex()}, sort_keys=True)
    plan_hash = hashlib.sha256(named.encode()).hexdigest()
    return outcome.model_copy(update={"status": "dry-run", "links": {}, "plan_hash": plan_hash})
