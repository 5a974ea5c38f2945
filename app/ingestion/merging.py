"""A batch is merged into its table or fails, within a transaction: contract → rows → verdicts → record of the batch.

A contract without a schema gets it from its first batch: the body is in the raw store already, is read once to infer
the columns and once more to take the rows.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractService
from app.ingestion.actions import BatchAction
from app.ingestion.bodies import RowSource, StoredBody
from app.ingestion.configuration import BatchRules
from app.ingestion.drift.batch_drift import ReadRows
from app.ingestion.events import FAILED, NOTHING_ACCEPTED, OVER_LIMIT
from app.ingestion.models import MERGE_ORDER, BatchRow
from app.ingestion.quarantine.problems import NothingAccepted
from app.ingestion.quarantine.repository import QuarantineWrites
from app.ingestion.schemas import BatchReport
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.problems import Fault, InvalidRequest, Problem
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.telemetry.metrics import INGESTION_LAG, INGESTION_ROWS
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.ingest import MergeOutcome, ingest, lock_relation
from app.warehouse.refused_rows import RejectLimitExceeded, RejectLimits


async def merge_batch(
    session: WriteSession,
    batch: BatchRow,
    source: RowSource,
    rules: BatchRules,
    drift: ReadRows,
    wanted: str | None = None,
) -> NothingAccepted | None:
    """Merge rows into the table as a batch, and set what became of them.

    Args:
        session: the transaction; nothing is committed here.
        batch: the batch as which the rows are written; accepted in the same transaction, or earlier.
        source: where the rows come from: for a contract without columns a stored body, as that takes two readings.
        rules: what is in force for what may be refused, and kept of it.
        drift: what the rows say about the schema is asked of it, and recorded with the batch.
        wanted: SQL condition on the rows that count, as `warehouse.ingest.ingest` takes one.

    Returns:
        Why all rows were refused: those with room are in quarantine, and a body that came from its sender is not kept.
        None when a row was accepted, or none came.

    Raises:
        NothingAccepted: the same of a first batch, from which columns were inferred. Nothing is kept then, as it must
            not give the contract its columns.
        SchemaEvolves: the contract is to take on what the rows bring, before they are merged from the stored body.
        SchemaMoved: the contract has another schema by now; the rows are to be taken again, from the stored body.
        Problem: of the contract, the body, or the limits of rejections.
    """
    contracts = ContractService(session)
    contract = await contracts.for_ingestion(batch.contract_id)
    if drift.locks_first and contract.plan is not None:
        await lock_relation(await driver_connection(session), contract.plan)
        contract = await contracts.for_ingestion(batch.contract_id)
    first = contract.plan is None
    if first:
        assert isinstance(source, StoredBody)
        columns = await source.columns(contract.contract.semantics.processing_time_column)
        contract = await contracts.freeze_schema(batch.contract_id, columns, sender(batch))
    processing_time = datetime.now(UTC)
    outcome = await _take_rows(session, batch, source, contract, rules, processing_time, drift, wanted)
    await contracts.confirm_writable(contract)
    refusal = NothingAccepted.of(outcome) if outcome.nothing_accepted else None
    if refusal is not None and first:
        raise refusal
    _note(batch, outcome, processing_time, contract.contract.schema_version or 1)
    if refusal is None:
        batch.merge_order = MERGE_ORDER.next_value()
    if outcome.kept:
        quarantine = QuarantineWrites(session, batch.id)
        batch.quarantined_rows = await quarantine.settle(batch.contract_id, outcome.kept, rules.quarantine)
    if refusal is not None:
        refusal.kept_as(batch.id, batch.quarantined_rows)
    batch.drift = await drift.record(session, batch.actor_label, batch.id)
    return refusal


async def _take_rows(
    session: WriteSession,
    batch: BatchRow,
    source: RowSource,
    contract: IngestionContract,
    rules: BatchRules,
    processing_time: datetime,
    drift: ReadRows,
    wanted: str | None,
) -> MergeOutcome:
    """What became of the rows: in the table, in quarantine, or counted. They are read to the end."""
    assert contract.plan is not None
    contracts, model = ContractService(session), drift.model_for(contract)

    async def in_turn() -> bool:
        current = await contracts.is_current(contract)
        if current:
            await drift.look_at_stored(session)
        return current

    with suppress(_NothingToPublish):
        async with source.rows(model) as chunks:
            outcome = await ingest(
                await driver_connection(session),
                contract.plan,
                chunks,
                batch_seq=batch.sequence,
                processing_time=processing_time,
                sink=QuarantineWrites(session, batch.id).keep,
                limits=_limits(batch, contract, rules),
                bounds=rules.quarantine.of_batch,
                wanted=wanted,
                proceed=drift.may_settle,
                absent=drift.vanished,
                in_turn=in_turn,
            )
            refused = outcome.nothing_accepted and not outcome.stopped
            if outcome.ended_early or (refused and await contracts.is_current(contract)):
                raise _NothingToPublish
    if outcome.ended_early:
        await source.drain()  # no lock is held yet
    elif outcome.stopped:
        if (evolution := drift.evolution()) is not None:
            raise evolution
        await contracts.confirm_writable(contract)  # it is not: the schema has moved
    return outcome


def _limits(batch: BatchRow, contract: IngestionContract, rules: BatchRules) -> RejectLimits:
    policy = contract.contract.policy
    default = or_share(RejectLimits(policy.max_rejected_rows, policy.max_rejected_share), rules.max_rejected_share)
    return reject_limits((batch.max_rejected or {}).get("limit"), default)


class _NothingToPublish(Exception):  # noqa: N818 - leaves the block in which a body is copied, is no error
    """Nothing came of the batch: the copy of its body is given up."""


def _note(batch: BatchRow, outcome: MergeOutcome, processing_time: datetime, schema_version: int) -> None:
    """Set what became of the rows of a batch."""
    batch.status, batch.completed_at = "completed", processing_time
    batch.counts = asdict(outcome.counts)
    batch.deleted, batch.images = outcome.deleted, outcome.images
    batch.rows_received = outcome.counts.received
    batch.fault_counts = [count.document() for count in outcome.fault_counts]
    batch.notices = outcome.notices
    batch.schema_version = schema_version
    batch.first_event_time, batch.last_event_time = outcome.first_event_time, outcome.last_event_time
    if outcome.last_event_time is not None and batch.kind == "batch":  # what is taken again says nothing of its sender
        batch.lag_seconds = (processing_time - outcome.last_event_time).total_seconds()


def sender(batch: BatchRow) -> Actor:
    """The sender of the batch, for what is audited after the request is over."""
    return Actor(ActorKind(batch.actor_kind), batch.actor_id, batch.actor_label)


def or_share(limits: RejectLimits, share: float | None) -> RejectLimits:
    """The contract's limits; the service's share where it has none."""
    return limits if share is None or limits != RejectLimits() else RejectLimits(share=share)


_SHARE_SIGNS = (".", "%")


def reject_limits(text: str | None, default: RejectLimits) -> RejectLimits:
    """`max_rejected` as a count (`100`) or a share of the rows (`0.05`, `5%`). Raises `InvalidRequest`."""
    if text is None:
        return default
    try:
        if not any(sign in text for sign in _SHARE_SIGNS):
            rows = int(text)
            if rows >= 0 and text.isascii() and text.isdigit():
                return RejectLimits(rows=rows)
        else:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
            if 0 <= share <= 1:
                return RejectLimits(share=share)
    except ValueError:
        pass
    message = "A count such as 100, or a share such as 0.05 or 5%."
    raise InvalidRequest(faults=[Fault(pointer="query/max_rejected", code="invalid-limit", message=message)])


async def end(
    session: WriteSession,
    kinds: EventKinds,
    actor: Actor,
    batch: BatchRow,
    refusal: NothingAccepted | None,
    started: float,
) -> None:
    """Write and audit a batch that was read to its end, and announce it when all its rows were refused.

    `started` is the `time.monotonic()` of the request.
    """
    batch.seconds = time.monotonic() - started
    if refusal is not None:
        batch.status, batch.problem = "rejected", refusal.document(batch.correlation_id)
        await session.flush()
        await record_failure(session, kinds, actor, batch, refusal)
        return
    await session.flush()
    await AuditTrail(session).append(
        actor, BatchAction.INGESTED, "batch", batch.id, batch.contract_id, after={"counts": batch.counts}
    )


def mark_failed(batch: BatchRow, refusal: Problem, correlation: str | None, now: datetime) -> None:
    """Set the columns of a batch of which nothing came: the reason, and the rows read and refused until then."""
    batch.status = "rejected" if isinstance(refusal, NothingAccepted) else "failed"
    batch.completed_at = now
    batch.problem = refusal.document(correlation)
    batch.rows_received = int(refusal.fields.get("received_rows", 0))
    batch.counts = {"rejected": int(refusal.fields.get("rejected_rows", 0))}
    batch.fault_counts = refusal.fields.get("fault_counts", [])


_ENDINGS: Mapping[type[Problem], tuple[EventKind, BatchAction]] = {
    RejectLimitExceeded: (OVER_LIMIT, BatchAction.FAILED),
    NothingAccepted: (NOTHING_ACCEPTED, BatchAction.REJECTED),
}


async def record_failure(
    session: WriteSession, kinds: EventKinds, actor: Actor, batch: BatchRow, refusal: Problem
) -> None:
    """Audit and announce that nothing came of a batch, which is marked and written by now."""
    kind, action = _ENDINGS.get(type(refusal), (FAILED, BatchAction.FAILED))
    await AuditTrail(session).append(
        actor, action, "batch", batch.id, batch.contract_id, outcome="failure", verb=Verb.UPLOAD
    )
    await Announcements(session, kinds).announce(
        kind,
        f"A batch of {batch.contract_id} failed: {refusal.title}",
        refusal.detail,
        {
            "batch_id": batch.id,
            "contract_id": batch.contract_id,
            "code": refusal.code,
            "rows_received": batch.rows_received,
            "rows_rejected": batch.counts.get("rejected", 0),
            "sent_by": batch.actor_label,
        },
        f"batch/{batch.id}",
    )


def count_rows(report: BatchReport) -> None:
    """Count a committed batch in the metrics."""
    for verdict, count in report.counts.model_dump().items():
        if count:
            INGESTION_ROWS.labels(report.contract_id, verdict).inc(count)
    if report.lag_seconds is not None:
        INGESTION_LAG.labels(report.contract_id).set(report.lag_seconds)
