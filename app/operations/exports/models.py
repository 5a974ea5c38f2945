"""`export_jobs`: one row per export, from the request to the removal of its object."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class ExportRow(Identified, Created, Base):
    """An export."""

    __tablename__ = "export_jobs"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'expired')", name="status"
        ),
        CheckConstraint("maker IN ('service', 'outside')", name="maker"),
        CheckConstraint("csv_formulas IN ('guard', 'plain')", name="csv_formulas"),
        CheckConstraint("status <> 'completed' OR (object_key IS NOT NULL AND checksum IS NOT NULL)", name="completed"),
        Index("ix_export_jobs_requested_by_id", "requested_by_id", "id"),
        Index("ix_export_jobs_open", "status", "id", postgresql_where=text("status IN ('pending', 'running')")),
        Index("ix_export_jobs_expires_at", "expires_at", postgresql_where=text("object_key IS NOT NULL")),
    )

    job_type: Mapped[str] = mapped_column(Text, comment="Name of the source")
    filter_params: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What was asked for")
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What that meant when it was asked for")
    format: Mapped[str] = mapped_column(Text, comment="csv, ndjson, parquet or tar")
    compression: Mapped[str] = mapped_column(Text, server_default="none", comment="none, gzip or zstd")
    csv_formulas: Mapped[str] = mapped_column(Text, server_default="guard", comment="guard or plain: formulas in CSV")
    csv_bom: Mapped[bool] = mapped_column(server_default=text("false"), comment="Whether CSV begins with a BOM")
    status: Mapped[str] = mapped_column(Text, server_default="pending", comment="See Status")
    maker: Mapped[str] = mapped_column(Text, server_default="service", comment="service, or outside: another worker")
    object_key: Mapped[str | None] = mapped_column(Text, comment="Of the stored object; null before and after it")
    error_code: Mapped[str | None] = mapped_column(Text, comment="Why it failed, for programs")
    error_message: Mapped[str | None] = mapped_column(Text, comment="Why it failed, in words")
    requested_by_kind: Mapped[str] = mapped_column(Text, comment="user, api_client or system")
    requested_by_id: Mapped[UUID | None] = mapped_column(comment="Id of who asked; null for the system")
    requested_by: Mapped[str] = mapped_column(Text, comment="Name of who asked, at that time")
    started_at: Mapped[datetime | None] = mapped_column(comment="When it was begun, the last time")
    completed_at: Mapped[datetime | None] = mapped_column(comment="When it came to its end")
    expires_at: Mapped[datetime | None] = mapped_column(comment="From then on its object may be removed")
    rows: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Rows written so far")
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Bytes of the object so far")
    estimated_rows: Mapped[int | None] = mapped_column(BigInteger, comment="Rows to come, by the planner")
    checksum: Mapped[str | None] = mapped_column(Text, comment="SHA-256 of the object in hexadecimal")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of the status; the ETag")
    run_id: Mapped[UUID | None] = mapped_column(comment="The job that makes it")
