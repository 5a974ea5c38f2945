"""A batch is merged into its table or fails, within a transaction: contract → rows → verdicts → record of the batch.

A contract without a schema gets it from its first batch: the body is in the raw store already, is read once to infer
the columns and once more to take the rows.
"""

import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractService
from app.ingestion.actions import BatchAction
from app.ingestion.decoding.body import BatchBody, BodyFormat, Representation
from app.ingestion.decoding.inference import Summary, infer_columns, summarise
from app.ingestion.decoding.inflate import Coding
from app.ingestion.decoding.row_model import RowModel, UnknownColumns
from app.ingestion.events import FAILED, OVER_LIMIT
from app.ingestion.models import BatchRow
from app.ingestion.raw_bodies import RawBodies
from app.ingestion.repository import Quarantine
from app.ingestion.schemas import BatchReport
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault, InvalidRequest, Problem
from app.kernel.security.authorization import Actor, ActorKind
from app.kernel.telemetry.metrics import INGESTION_LAG, INGESTION_ROWS
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.ingest import RejectLimitExceeded, RejectLimits, ingest
from app.warehouse.plan import Column


async def merge_batch(
    session: WriteSession,
    raw: RawBodies,
    batch: BatchRow,
    representation: Representation | None,
    body: BatchBody | None,
    max_rejected_share: float | None = None,
) -> None:
    """Merge a batch from its sender, or, without a body, from its stored one, and set what became of it.

    Args:
        session: the transaction; nothing is committed here.
        raw: where bodies are kept; what comes from the sender is copied there on its way.
        batch: accepted in the same transaction, or earlier.
        representation: what the body says it is; that of the batch, when absent.
        body: the body as it comes from the sender. None for a contract without columns: those take two readings.
        max_rejected_share: where neither the batch nor its contract limits what may be refused.

    Raises:
        Problem: of the contract, the body, or the limits of rejections.
    """
    contracts = ContractService(session)
    contract = await contracts.for_ingestion(batch.contract_id)
    form = representation or Representation(BodyFormat(batch.media_type), Coding.IDENTITY)
    if contract.plan is None:
        columns = await _infer(contract, form, raw.stream(batch))
        contract = await contracts.freeze_schema(batch.contract_id, columns, sender(batch))
    assert contract.plan is not None
    policy = contract.contract.policy
    model = RowModel(contract.plan, UnknownColumns(policy.unknown_columns.value))
    limits = or_share(RejectLimits(policy.max_rejected_rows, policy.max_rejected_share), max_rejected_share)
    processing_time = datetime.now(UTC)
    async with raw.writer(batch) if body is not None else nullcontext() as copy:
        outcome = await ingest(
            await driver_connection(session),
            contract.plan,
            form.chunks(body.decoded(copy) if body is not None else raw.stream(batch), model),
            batch_seq=batch.sequence,
            processing_time=processing_time,
            sink=Quarantine(session, batch.id).keep,
            limits=reject_limits((batch.max_rejected or {}).get("limit"), limits),
        )
    await contracts.confirm_writable(contract)
    batch.status, batch.completed_at = "completed", processing_time
    batch.counts = asdict(outcome.counts)
    batch.rows_received = sum(batch.counts.values())
    batch.schema_version = contract.contract.schema_version or 1
    batch.raw_key = raw.key(batch)
    batch.first_event_time, batch.last_event_time = outcome.first_event_time, outcome.last_event_time
    if outcome.last_event_time is not None:
        batch.lag_seconds = (processing_time - outcome.last_event_time).total_seconds()


async def _infer(contract: IngestionContract, form: Representation, plain: AsyncIterator[bytes]) -> list[Column]:
    summary = Summary()
    async for rows in form.objects(plain):
        summary |= summarise(rows, textual=form.textual)
    received = contract.contract.semantics.processing_time_column  # ours to set, whatever was sent
    return [column for column in infer_columns(summary, textual=form.textual) if column.name != received]


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


async def complete(session: WriteSession, actor: Actor, batch: BatchRow, started: float) -> None:
    """Write and audit a batch that was merged; `started` is the `time.monotonic()` of the request."""
    batch.seconds = time.monotonic() - started
    await session.flush()
    await AuditTrail(session).append(
        actor, BatchAction.INGESTED, "batch", batch.id, batch.contract_id, after={"counts": batch.counts}
    )


def mark_failed(batch: BatchRow, refusal: Problem, correlation: str | None, now: datetime) -> None:
    """Set the columns of a batch that was given up: the reason, and the rows read and refused until then."""
    batch.status, batch.completed_at = "failed", now
    batch.problem = refusal.document(correlation)
    batch.rows_received = int(refusal.fields.get("received_rows", 0))
    batch.counts = {"rejected": int(refusal.fields.get("rejected_rows", 0))}


async def record_failure(
    session: WriteSession, kinds: EventKinds, actor: Actor, batch: BatchRow, refusal: Problem
) -> None:
    """Audit and announce that a batch, marked and written by now, has failed."""
    await AuditTrail(session).append(
        actor, BatchAction.FAILED, "batch", batch.id, batch.contract_id, outcome="failure", verb=Verb.UPLOAD
    )
    await Announcements(session, kinds).announce(
        OVER_LIMIT if isinstance(refusal, RejectLimitExceeded) else FAILED,
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
