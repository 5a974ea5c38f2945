"""`ingestion_history`: one row per batch. Its refused rows are in `quarantine/models.py`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import CONTROL_SCHEMA, Base, Created, Identified

MERGE_ORDER = Sequence("ingestion_merge_order", metadata=Base.metadata, schema=CONTROL_SCHEMA)
"""Asked under the relation's lock: a batch that is accepted for later is merged after some that came after it."""


class BatchRow(Identified, Created, Base):
    """A batch: who sent what, what became of every row, and where the raw body is kept; or a part of a run."""

    __tablename__ = "ingestion_history"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'completed', 'failed', 'rejected')", name="status"),
        CheckConstraint("kind IN ('batch', 'replay', 'backfill', 'quarantine', 'rollback', 'pull')", name="kind"),
        UniqueConstraint("run_id", "part"),
        Index(None, "source_batch_id"),
        Index(None, "contract_id", "id"),
        Index("uq_ingestion_history_sequence", "sequence", unique=True),
        Index(
            "ix_ingestion_history_images",
            "contract_id",
            "merge_order",
            postgresql_where=text(
                "images_removed_at IS NULL AND merge_order IS NOT NULL AND images IS DISTINCT FROM 0"
            ),
        ),
    )

    sequence: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), comment="Order of acceptance; rows that a batch wrote carry it"
    )
    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), comment="The contract it came under")
    schema_version: Mapped[int | None] = mapped_column(comment="Schema that its rows were held to")
    status: Mapped[str] = mapped_column(comment="pending, completed, failed or rejected")
    merge_order: Mapped[int | None] = mapped_column(
        BigInteger, comment="Order in which batches became part of their table; null while it has not"
    )
    kind: Mapped[str] = mapped_column(
        server_default="batch", comment="batch, replay, backfill, quarantine, rollback or pull"
    )
    source_batch_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.ingestion_history.id"),
        comment="Batch whose body, or refused rows, it took again; of a rollback the batch that was taken back",
    )
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("spyne.ingestion_runs.id"), comment="The run that made it")
    part: Mapped[int | None] = mapped_column(comment="Which part of the run it is, from 1")
    deleted: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="Stored rows that went: absent, absorbed, or taken back"
    )
    images: Mapped[int | None] = mapped_column(
        BigInteger, comment="Before-images written; null of batches that are older than the count"
    )
    images_removed_at: Mapped[datetime | None] = mapped_column(
        comment="When retention removed its before-images, all at once: it cannot be taken back any more"
    )
    rolled_back_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.ingestion_history.id"), comment="The rollback that took it back, while that stands"
    )
    media_type: Mapped[str | None] = mapped_column(comment="Media type of the body; null when there was none")
    encoding: Mapped[str | None] = mapped_column(comment="Content coding of the body; null when it had none")
    actor_kind: Mapped[str] = mapped_column(comment="Kind of the sender")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of the sender")
    actor_label: Mapped[str] = mapped_column(comment="Name of the sender, at that time")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}", comment="Rows by verdict")
    quarantined_rows: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="Refused rows of it that are in quarantine"
    )
    fault_counts: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default="[]", comment="Refused rows by code and column, the most frequent first"
    )
    drift: Mapped[list[str]] = mapped_column(
        JSONB, server_default="[]", comment="Reports of drift that its rows showed, by id"
    )
    notices: Mapped[list[str]] = mapped_column(
        JSONB, server_default="[]", comment="What was left out of rows without refusing them"
    )
    rows_received: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Rows received")
    bytes_received: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Bytes received, as sent")
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary, comment="Of the body as sent")
    raw_key: Mapped[str | None] = mapped_column(comment="Stored raw body: decoded, zstd; null when it is not kept")
    max_rejected: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Limits of rejections asked for")
    first_event_time: Mapped[datetime | None] = mapped_column(comment="Earliest event time among its rows")
    last_event_time: Mapped[datetime | None] = mapped_column(comment="Latest event time among its rows")
    lag_seconds: Mapped[float | None] = mapped_column(Double, comment="Processing time less the last event time")
    seconds: Mapped[float | None] = mapped_column(Double, comment="From the first byte to the merge")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Why it failed (RFC 9457)")
    completed_at: Mapped[datetime | None] = mapped_column(comment="When it was merged, or given up")
    correlation_id: Mapped[str | None] = mapped_column(comment="Request that brought it")
