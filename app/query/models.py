"""`query_previews` and `query_executions`: what was asked, on which basis, and what came of it. No result data."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class QueryPreview(Identified, Created, Base):
    """A preview: may be executed once, by its owner, before it expires."""

    __tablename__ = "query_previews"
    __table_args__ = (
        CheckConstraint("owner_kind IN ('user', 'api_client', 'system')", name="owner_kind"),
        Index(None, "owner_id", "id"),
        Index(None, "expires_at"),
    )

    owner_kind: Mapped[str] = mapped_column(comment="user, api_client or system")
    owner_id: Mapped[UUID | None] = mapped_column(comment="Id of the user or client who asked; null for the system")
    owner_label: Mapped[str] = mapped_column(comment="Name of who asked, at that time")
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What was asked: sql and options, as sent")
    sql_hash: Mapped[str] = mapped_column(comment="SHA-256 of the regenerated SQL with physical names")
    basis: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What it is bound to: tables, roles, limits, SQL hash")
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What was answered, without id and times")
    estimated_rows: Mapped[float] = mapped_column(Double, comment="Rows, by the planner")
    estimated_cost: Mapped[float] = mapped_column(Double, comment="Total cost, by the planner")
    expires_at: Mapped[datetime] = mapped_column(comment="May be executed until then")
    used_at: Mapped[datetime | None] = mapped_column(comment="When it was executed; it cannot be again")


class QueryExecution(Identified, Base):
    """An execution of a preview, and how it ended."""

    __tablename__ = "query_executions"
    __table_args__ = (
        UniqueConstraint("preview_id"),
        CheckConstraint("outcome IN ('running', 'succeeded', 'failed', 'cancelled')", name="outcome"),
        Index(None, "actor_id", "id"),
    )

    preview_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.query_previews.id"), comment="The preview; used once")
    actor_kind: Mapped[str] = mapped_column(comment="user, api_client or system")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who executed it; null for the system")
    actor_label: Mapped[str] = mapped_column(comment="Name of who executed it, at that time")
    sql_hash: Mapped[str] = mapped_column(comment="SHA-256 of the SQL that ran")
    format: Mapped[str] = mapped_column(comment="json, ndjson, csv, arrow or parquet")
    started_at: Mapped[datetime] = mapped_column(comment="When it was claimed")
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it ended; null while it runs")
    seconds: Mapped[float | None] = mapped_column(Double, comment="Seconds from the claim to the encoded answer")
    rows: Mapped[int | None] = mapped_column(BigInteger, comment="Rows answered")
    bytes: Mapped[int | None] = mapped_column(BigInteger, comment="Bytes answered")
    estimated_rows: Mapped[float] = mapped_column(Double, comment="Rows, by the planner, just before it ran")
    truncated: Mapped[bool | None] = mapped_column(comment="Whether a cap cut the answer")
    outcome: Mapped[str] = mapped_column(comment="running, succeeded, failed or cancelled")
    error_code: Mapped[str | None] = mapped_column(comment="Code of the problem that was answered")
