"""Rows of joins: candidates, accepted joins by version, usage. Evidence: `app/catalog/joins/evidence/models.py`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class JoinCandidateRow(Created, Base):
    """A join that evidence suggests, or that somebody rejected."""

    __tablename__ = "join_candidates"
    __table_args__ = (
        CheckConstraint("status IN ('suggested', 'rejected')", name="status"),
        Index(None, "left_table"),
        Index(None, "right_table"),
        Index(None, "score", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, comment="Readable: customers__orders__customer_id")
    left_table: Mapped[str] = mapped_column(comment="Logical name of the side that refers")
    left_table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="Version that was measured")
    left_columns: Mapped[list[str]] = mapped_column(JSONB, comment="Its columns, in order")
    right_table: Mapped[str] = mapped_column(comment="Logical name of the side that is referred to")
    right_table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="Version that was measured")
    right_columns: Mapped[list[str]] = mapped_column(JSONB, comment="Its columns, each equal to one of the left")
    cardinality: Mapped[str] = mapped_column(comment="1:1, n:1, 1:n or n:m, of left to right")
    score: Mapped[float] = mapped_column(Double, comment="How good the evidence is, 0 to 1")
    measure: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What the join does, estimated or counted")
    reasons: Mapped[list[str]] = mapped_column(JSONB, comment="Why it is suggested")
    warnings: Mapped[list[str]] = mapped_column(JSONB, comment="What speaks against it")
    measured_at: Mapped[datetime] = mapped_column(comment="When the older of both looks was")
    status: Mapped[str] = mapped_column(server_default="suggested", comment="suggested or rejected")
    rejected_reason: Mapped[str | None] = mapped_column(comment="Kind of reason it was rejected for")
    rejected_note: Mapped[str | None] = mapped_column(comment="The reason in words")
    rejected_by: Mapped[str | None] = mapped_column(comment="Label of who rejected it")
    rejected_at: Mapped[datetime | None] = mapped_column(comment="When it was rejected")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class AcceptedJoinRow(Identified, Created, Base):
    """A version of a join that an administrator accepted."""

    __tablename__ = "accepted_joins"
    __table_args__ = (
        UniqueConstraint("join_id", "version"),
        CheckConstraint("status IN ('active', 'superseded', 'deprecated')", name="status"),
        Index("uq_accepted_joins_active", "join_id", unique=True, postgresql_where=text("status = 'active'")),
        Index(None, "left_table", "right_table"),
        Index(None, "right_table"),
    )

    join_id: Mapped[str] = mapped_column(comment="The candidate's readable id")
    version: Mapped[int] = mapped_column(comment="Counts acceptances of the join from 1")
    left_table: Mapped[str] = mapped_column(comment="Logical name of the side that refers")
    left_table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="Version that was measured last")
    left_columns: Mapped[list[str]] = mapped_column(JSONB, comment="Its columns, in order")
    right_table: Mapped[str] = mapped_column(comment="Logical name of the side that is referred to")
    right_table_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.tables.id"), comment="Version that was measured last"
    )
    right_columns: Mapped[list[str]] = mapped_column(JSONB, comment="Its columns, each equal to one of the left")
    status: Mapped[str] = mapped_column(server_default="active", comment="active, superseded or deprecated")
    rationale: Mapped[str] = mapped_column(comment="Why it was accepted")
    override_rationale: Mapped[str | None] = mapped_column(comment="Why it was accepted against the policy")
    overridden: Mapped[list[str]] = mapped_column(JSONB, comment="What the policy had against it")
    accepted_by: Mapped[str] = mapped_column(comment="Label of who accepted it")
    accepted_measure: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What the join did when it was accepted")
    measure: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What the join did when it was measured last")
    measured_at: Mapped[datetime] = mapped_column(comment="When that was")
    left_schema_version: Mapped[int | None] = mapped_column(comment="Schema of the left when it was measured last")
    right_schema_version: Mapped[int | None] = mapped_column(comment="Schema of the right when it was measured last")
    decay: Mapped[list[str]] = mapped_column(
        JSONB, server_default="[]", comment="Why it does not hold any more as it was accepted"
    )
    deprecated_at: Mapped[datetime | None] = mapped_column(comment="When it was deprecated")
    deprecated_by: Mapped[str | None] = mapped_column(comment="Label of who deprecated it")
    deprecated_reason: Mapped[str | None] = mapped_column(comment="Why")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class JoinUsageRow(Base):
    """An execution that used an accepted join: one row, written in the transaction that records the execution."""

    __tablename__ = "join_usage"
    __table_args__ = (Index(None, "join_id", "used_at"), Index(None, "used_at"))

    execution_id: Mapped[UUID] = mapped_column(primary_key=True, comment="The execution")
    join_id: Mapped[str] = mapped_column(primary_key=True, comment="The join")
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Its version")
    used_at: Mapped[datetime] = mapped_column(comment="When it was used")
