"""How a batch ends: what is written of it, what is audited, what is counted. The same now and in the background."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from app.audit.log.service import AuditTrail
from app.ingestion.merging import Merged
from app.ingestion.models import BatchRow
from app.ingestion.schemas import BatchReport
from app.kernel.db.database import WriteSession
from app.kernel.problems import Problem
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import INGESTION_LAG, INGESTION_ROWS


class BatchAction(StrEnum):
    """What the audit log calls the changes made here."""

    INGESTED = "batch:ingest"
    ACCEPTED = "batch:accept"
    FAILED = "batch:fail"


async def complete(session: WriteSession, actor: Actor, batch: BatchRow, merged: Merged, seconds: float) -> None:
    """Write and audit that the batch was merged."""
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
    await AuditTrail(session).append(
        actor, BatchAction.INGESTED, "batch", batch.id, batch.contract_id, after={"counts": batch.counts}
    )


def failure(refusal: Problem, correlation: str | None, now: datetime) -> dict[str, Any]:
    """The columns of a batch that was given up for this reason: rows read until then, and how many were refused."""
    return {
        "status": "failed",
        "completed_at": now,
        "problem": refusal.document(correlation),
        "rows_received": int(refusal.fields.get("received_rows", 0)),
        "counts": {"rejected": int(refusal.fields.get("rejected_rows", 0))},
    }


def measure(outcome: BatchReport) -> None:
    """Count what is committed."""
    for verdict, count in outcome.counts.model_dump().items():
        if count:
            INGESTION_ROWS.labels(outcome.contract_id, verdict).inc(count)
    if outcome.lag_seconds is not None:
        INGESTION_LAG.labels(outcome.contract_id).set(outcome.lag_seconds)
