"""Rows of joins: evidence of tables, what was asked of the data, candidates, accepted joins by version, their usage."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class JoinEvidenceRow(Base):
    """What a look at a version of a table found; its columns stand in `join_evidence_columns`."""

    __tablename__ = "join_evidence"

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), primary_key=True, comment="The version")
    schema_version: Mapped[int] = mapped_column(comment="Schema of the version that was looked at")
    rows: Mapped[int] = mapped_column(BigInteger, comment="Rows, counted")
    batch: Mapped[int | None] = mapped_column(
        BigInteger, comment="Last batch that wrote one of them; null of a relation that is not governed"
    )
    fingerprint: Mapped[int | None] = mapped_column(
        BigInteger, comment="Of all rows: by it the change that batches made is told from any other"
    )
    activity: Mapped[str | None] = mapped_column(comment="PostgreSQL's counters of changed rows, before the look")
    measured_at: Mapped[datetime] = mapped_column(comment="When it was looked at")
    failure: Mapped[str | None] = mapped_column(comment="Why nothing could be found, the last time; null when it could")


class JoinEvidenceColumnRow(Base):
    """The sample of a column: every value whose hash is below the threshold. Hashes, and no value."""

    __tablename__ = "join_evidence_columns"

    table_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.join_evidence.table_id", ondelete="CASCADE"), primary_key=True, comment="The version"
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Its place, from 0")
    name: Mapped[str] = mapped_column(comment="The column")
    type: Mapped[str] = mapped_column(comment="Its type as PostgreSQL spells it")
    family: Mapped[str] = mapped_column(comment="number, text, uuid, date or instant")
    nulls: Mapped[int] = mapped_column(BigInteger, comment="Rows without a value")
    low: Mapped[float | None] = mapped_column(Double, comment="Smallest number, or moment in seconds since 1970")
    high: Mapped[float | None] = mapped_column(Double, comment="Largest, likewise")
    threshold: Mapped[int] = mapped_column(Numeric(20, 0), comment="Hashes below it are kept, of 2**64")
    hashes: Mapped[bytes] = mapped_column(LargeBinary, comment="64-bit hashes, ascending, little-endian")
    counts: Mapped[bytes] = mapped_column(LargeBinary, comment="Rows with each value, 64 bits each, little-endian")


class JoinAnswerRow(Base):
    """What an exact look at the data answered to a question of discovery, until its tables have changed."""

    __tablename__ = "join_answers"

    question: Mapped[str] = mapped_column(primary_key=True, comment="Kind, tables and columns")
    left_table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="Version that was asked about")
    right_table_id: Mapped[UUID | None] = mapped_column(ForeignKey("spyne.tables.id"), comment="The other version")
    left_rows: Mapped[int] = mapped_column(BigInteger, comment="Rows of the one at that time")
    right_rows: Mapped[int | None] = mapped_column(BigInteger, comment="Rows of the other at that time")
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The answer: unique, or the measure of a join")
    answered_at: Mapped[datetime] = mapped_column(comment="When it was looked at")


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
    cardinality: Mapped[str] = mapped_column(comment="1:1, n:1 or n:m, of left to right")
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
