"""What ingestion announces: batches that failed."""

from typing import Final

from app.ingestion.models import BatchRow
from app.kernel.ports.events import EventKind
from app.kernel.problems import Problem
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.ingest import RejectLimitExceeded

FAILED: Final = EventKind("batch:failed", "A batch that was accepted for later could not be merged.")
OVER_LIMIT: Final = EventKind("batch:over-reject-limit", "A batch had more refused rows than it allows.")

EVENT_KINDS: Final = (FAILED, OVER_LIMIT)


async def announce_failure(announcements: Announcements, batch: BatchRow, refusal: Problem) -> None:
    """Tell that a batch failed, in the transaction that writes it down."""
    over = isinstance(refusal, RejectLimitExceeded)
    await announcements.announce(
        OVER_LIMIT if over else FAILED,
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
