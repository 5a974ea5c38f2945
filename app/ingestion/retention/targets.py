"""The categories of retention: raw bodies, refused rows, before-images."""

from collections.abc import Sequence

from app.ingestion.retention.before_images import BeforeImages
from app.ingestion.retention.holds import BatchHold, hold_fields
from app.ingestion.retention.open_runs import body_needed
from app.kernel.ports.retention import Default, RetentionTarget
from app.kernel.ports.retention_rows import RowsTarget
from app.settings import Settings

RAW_BATCHES = RowsTarget(
    category="raw_batches",
    description="Bodies of batches as they were received, by when they came; the record of a batch stays, and so does "
    "a body that an open run is about to read.",
    default=Default(90),
    table="spyne.ingestion_history",
    key=(("id", "uuid"),),
    time="t.created_at",
    removable=f"t.raw_key IS NOT NULL AND t.status <> 'pending' AND NOT {body_needed('t.id')}",
    fields=hold_fields("t"),
    hold_filter=BatchHold,
    size="t.bytes_received",
    object_key="t.raw_key",
    clearing="raw_key = NULL",
)
QUARANTINE = RowsTarget(
    category="quarantine",
    description="Refused rows, by when their batch came; its counts stay.",
    default=Default(90),
    table="spyne.ingestion_quarantine",
    key=(("batch_id", "uuid"), ("line", "bigint")),
    time="b.created_at",
    join="JOIN spyne.ingestion_history b ON b.id = t.batch_id",
    fields=hold_fields("b"),
    hold_filter=BatchHold,
)


def targets(settings: Settings) -> Sequence[RetentionTarget]:
    """Everything of this domain."""
    return (RAW_BATCHES, QUARANTINE, BeforeImages(settings.ingestion.rollback_window_days))
