"""`ingestion_history`: one row per batch. Its refused rows are in `quarantine/models.py`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Identity, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class BatchRow(Identified, Created, Base):
    """A batch: who sent what, what became of every row, and where the raw body is kept."""

    __tablename__ = "ingestion_history"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'completed', 'failed', 'rejected')", name="status"),
        Index(None, "contract_id", "id"),
        Index("uq_ingestion_history_sequence", "sequence", unique=True),
    )

    sequence: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), comment="Order of acceptance; rows that a batch wrote carry it"
    )
    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), comment="The contract it came under")
    schema_version: Mapped[int | None] = mapped_column(comment="Schema that its rows were held to")
    status: Mapped[str] = mapped_column(comment="pending, completed, failed or rejected")
    media_type: Mapped[str] = mapped_column(comment="Media type of the body")
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
