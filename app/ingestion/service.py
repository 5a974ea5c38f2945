"""Use cases of ingestion: take a batch in now, and try one without effect. Batches for later are in `deferred.py`.

A batch of which no row was accepted is committed too, as `rejected`: its report, its refused rows, its answer.

Whatever a batch changes, its report, its refused rows, its audit row and its stored answer are committed together; the
raw body is published just before. A process killed at any point leaves all of it or nothing (at most an unreferenced
raw object, which the tidying job removes).
"""

import hashlib
import json

from app.catalog.contracts.service import SchemaMoved
from app.ingestion.bodies import Cleanup, RawBodies, SentBody, StoredBody
from app.ingestion.configuration import batch_rules
from app.ingestion.decoding.body import BatchBody
from app.ingestion.drift.batch_drift import BatchDrift, SchemaEvolves
from app.ingestion.drift.evolving import MOST_READINGS, READINGS_BESIDE_OTHERS, evolve
from app.ingestion.history import BatchHistory
from app.ingestion.merging import count_rows, end, mark_failed, merge_batch, record_failure
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.problems import NothingAccepted
from app.ingestion.repository import BatchWrites
from app.ingestion.schemas import BatchReport
from app.ingestion.submission import (
    CREATED,
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
from app.kernel.ids import new_id
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.modes.service import require_ingestion_ready
from app.warehouse.refused_rows import RejectLimitExceeded


class _DryRunOver(Exception):  # noqa: N818 - carries a report past a rollback, is no error
    def __init__(self, report: BatchReport) -> None:
        super().__init__()
        self.report = report


class IngestService:
    """Takes batches in. Holds no session of its own: each use case opens its transaction."""

    def __init__(
        self, units: Units, storage: ObjectStorage, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock
    ) -> None:
        self._units, self._raw = units, RawBodies(storage)
        self._configuration, self._kinds, self._clock = configuration, kinds, clock

    async def take(self, actor: Actor, submission: Submission) -> Answer:
        """The report of the batch, merged or rejected; or the stored answer, when its key came with it before.

        Raises:
            Problem: of the contract, the body, the key, the limits of rejections, or the shield. Nothing is stored
                then but, for a batch that failed by its refused rows, the record that it did.
        """
        batch = new_batch(actor, submission)
        drift = BatchDrift(kinds=self._kinds, clock=self._clock, evolving=True)
        try:
            async with self._raw.unless_committed(batch) as cleanup:
                try:
                    body = await self._beforehand(batch, submission)
                except REFUSED_AT_ONCE as refusal:
                    return await answered_before(self._units, actor, submission, refusal)
                answer = await self._read_until_merged(actor, batch, submission, body, drift, cleanup)
                if answer.replayed:
                    return answer
        except (RejectLimitExceeded, NothingAccepted) as refusal:
            await self._record_failure(actor, submission, refusal, drift)
            raise
        count_rows(answer.report)
        return answer

    async def _read_until_merged(
        self,
        actor: Actor,
        batch: BatchRow,
        submission: Submission,
        body: BatchBody | None,
        drift: BatchDrift,
        cleanup: Cleanup,
    ) -> Answer:
        """The answer to the batch, which is read again from the raw store when its contract gets another schema."""
        for reading in range(1, MOST_READINGS):
            drift.locks_first = reading > READINGS_BESIDE_OTHERS
            try:
                return await self._take(actor, batch, submission, body, drift, cleanup)
            except SchemaEvolves as wanted:
                await evolve(self._units, drift, wanted, actor, batch.id)
            except SchemaMoved:
                if not await self._raw.has(batch):
                    raise  # every row was refused, so that nothing was kept to read again
            batch, body = new_batch(actor, submission, batch.id), None
        drift.evolving = False
        return await self._take(actor, batch, submission, body, drift, cleanup)

    async def _take(
        self,
        actor: Actor,
        batch: BatchRow,
        submission: Submission,
        body: BatchBody | None,
        drift: BatchDrift,
        cleanup: Cleanup,
    ) -> Answer:
        """The answer to the batch, merged in one transaction, or the stored one."""
        async with self._units.load() as session:
            answers = StoredAnswers(session, actor, submission)
            stored = await answers.replay()
            if stored is not None:
                cleanup.unwanted = True
                return stored
            await require_ingestion_ready(session)
            answer = await self._merge(session, actor, batch, submission, body, drift)
            await answers.store(answer)
            cleanup.unwanted = body is None and answer.status != CREATED
            cleanup.commit_begun = True
        return answer

    async def try_out(self, actor: Actor, submission: Submission) -> BatchReport:
        """What `take` would answer: the very same statements, rolled back. Raises as `take`."""
        batch = new_batch(actor, submission)
        try:
            async with self._raw.unless_committed(batch):
                body = await self._beforehand(batch, submission)
                async with self._units.load() as session:
                    await require_ingestion_ready(session)
                    drift = BatchDrift(kinds=self._kinds, clock=self._clock)
                    answer = await self._merge(session, actor, batch, submission, body, drift)
                    raise _DryRunOver(_as_dry_run(answer, submission.body, drift))  # noqa: TRY301 - leaves by a rollback
        except _DryRunOver as over:
            return over.report

    async def _beforehand(self, batch: BatchRow, submission: Submission) -> BatchBody | None:
        """The body still to be read; None when it is in the raw store, as it must be to say what the columns are.

        No transaction waits for a body that is only stored, and a refusal that needs no body comes before it.
        """
        contract = await admitted(self._units, submission)
        if contract.plan is not None:
            return submission.body
        await self._raw.keep(batch, submission.body)
        batch.bytes_received = submission.body.bytes
        return None

    async def _merge(
        self,
        session: WriteSession,
        actor: Actor,
        batch: BatchRow,
        submission: Submission,
        body: BatchBody | None,
        drift: BatchDrift,
    ) -> Answer:
        await BatchWrites(session).accept(batch)
        rules = batch_rules(self._configuration)
        form = submission.representation
        source = StoredBody(self._raw, batch) if body is None else SentBody(self._raw, batch, form, body)
        refusal = await merge_batch(session, batch, source, rules, drift)
        if refusal is None:
            batch.raw_key = self._raw.key(batch)
        batch.bytes_received, batch.sha256 = submission.body.bytes, submission.body.sha256
        await end(session, self._kinds, actor, batch, refusal, submission.started)
        status = CREATED if refusal is None else refusal.status
        return Answer(await BatchHistory(session).report(batch.id), status)

    async def _record_failure(self, actor: Actor, submission: Submission, refusal: Problem, drift: BatchDrift) -> None:
        batch_id, now = new_id(), self._clock()

        async def record(session: WriteSession) -> None:
            batch = new_batch(actor, submission, batch_id)
            mark_failed(batch, refusal, correlation_id(), now)
            await BatchWrites(session).accept(batch)
            batch.drift = await drift.record(session, batch.actor_label, batch.id)
            await record_failure(session, self._kinds, actor, batch, refusal)

        await self._units.run(record)
        refusal.fields["batch_id"] = str(batch_id)


def _as_dry_run(answer: Answer, body: BatchBody, drift: BatchDrift) -> BatchReport:
    """The report of what would happen. Raises `NothingAccepted`, without a batch, when that is nothing."""
    report = answer.report
    if report.problem is not None:
        shown = {name: value for name, value in report.problem.items() if name not in NothingAccepted.OF_BATCH}
        raise NothingAccepted.again(shown, {})
    facts = report.model_dump(
        mode="json", include={"contract_id", "schema_version", "counts", "first_event_time", "last_event_time"}
    )
    named = json.dumps(facts | {"sha256": body.sha256.hex()}, sort_keys=True)
    notices = [*report.notices, *drift.foreseen()]
    plan_hash = hashlib.sha256(named.encode()).hexdigest()
    return report.model_copy(
        update={"status": "dry-run", "drift": [], "links": {}, "plan_hash": plan_hash, "notices": notices}
    )
