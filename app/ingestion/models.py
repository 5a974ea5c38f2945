"""`ingestion_history` (one row per batch) and `ingestion_quarantine` (one row per refused row that is kept).

How much of a batch, of a contract and in all is kept: `configuration.py`. `ingestion_quarantine_totals` counts it.
"""

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


class QuarantineRow(Base):
    """A refused row, as it came."""

    __tablename__ = "ingestion_quarantine"

    batch_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.ingestion_history.id"), primary_key=True, comment="The batch it came in"
    )
    line: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="Physical line, or position of the element, from 1"
    )
    code: Mapped[str] = mapped_column(comment="Stable reason")
    column_name: Mapped[str | None] = mapped_column(comment="Column at fault, when it is one")
    message: Mapped[str] = mapped_column(comment="The reason in words")
    more_faults: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Faults beside the first: code, column, message"
    )
    raw: Mapped[str] = mapped_column(comment="The row's text, cut to a bounded length")
    clipped: Mapped[bool] = mapped_column(server_default="false", comment="Whether the row goes on beyond raw")
    resolved_at: Mapped[datetime | None] = mapped_column(comment="When somebody said that it is dealt with")


class QuarantineTotal(Base):
    """How many refused rows of a contract are kept. A trigger of the database takes off those that are removed."""

    __tablename__ = "ingestion_quarantine_totals"

    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), primary_key=True, comment="The contract")
    rows: Mapped[int] = mapped_column(BigInteger, comment="Refused rows of its batches in quarantine")
