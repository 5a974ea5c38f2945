"""Rows of drift: what was found, change by change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified

SEVERITIES = "'COMPATIBLE', 'WARNING', 'BREAKING'"


class DriftReportRow(Identified, Created, Base):
    """A difference between a schema and what came or is there, until somebody decides about it."""

    __tablename__ = "drift_reports"
    __table_args__ = (
        CheckConstraint("source IN ('batch', 'request', 'relation', 'import')", name="source"),
        CheckConstraint("status IN ('open', 'accepted', 'rejected', 'new_version', 'undone')", name="status"),
        CheckConstraint(f"severity IN ({SEVERITIES})", name="severity"),
        Index(
            "uq_drift_reports_known",
            "table_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("status IN ('open', 'rejected')"),
        ),
        Index(None, "table_id", "id"),
        Index(None, "status", "id"),
    )

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The version of the table")
    contract_id: Mapped[str | None] = mapped_column(
        ForeignKey("spyne.contracts.id"), comment="Its contract; null of an adopted table"
    )
    schema_version: Mapped[int | None] = mapped_column(comment="Schema that it differs from")
    source: Mapped[str] = mapped_column(comment="batch, request, relation or import: where it was seen")
    status: Mapped[str] = mapped_column(
        server_default="open", comment="open, accepted, rejected, new_version or undone"
    )
    severity: Mapped[str] = mapped_column(comment="The worst of its changes: COMPATIBLE, WARNING or BREAKING")
    fingerprint: Mapped[str] = mapped_column(comment="Hash of its changes: the same difference seen again is this one")
    batch_id: Mapped[UUID | None] = mapped_column(comment="The batch in which it was seen last")
    times_seen: Mapped[int] = mapped_column(BigInteger, server_default="1", comment="How often it was seen")
    rows: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Rows concerned, in all")
    last_seen_at: Mapped[datetime] = mapped_column(comment="When it was seen last")
    found_by: Mapped[str] = mapped_column(comment="Label of whose batch or request showed it first")
    resolved_at: Mapped[datetime | None] = mapped_column(comment="When somebody decided, or the change was applied")
    resolved_by: Mapped[str | None] = mapped_column(comment="Label of who decided")
    note: Mapped[str | None] = mapped_column(comment="Why, in the words of who decided")
    applied_version: Mapped[int | None] = mapped_column(comment="Schema version that the change made, if it did")
    successor_contract: Mapped[str | None] = mapped_column(comment="Contract that was made for it: customers_v2")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class DriftChangeRow(Identified, Base):
    """One change of a report, with its verdict."""

    __tablename__ = "drift_changes"
    __table_args__ = (
        CheckConstraint(f"severity IN ({SEVERITIES})", name="severity"),
        CheckConstraint(f"readers IN ({SEVERITIES})", name="readers"),
        CheckConstraint(f"writers IN ({SEVERITIES})", name="writers"),
        Index(None, "report_id", "position"),
    )

    report_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.drift_reports.id", ondelete="CASCADE"), comment="The report"
    )
    position: Mapped[int] = mapped_column(comment="Its place among the changes of the report, from 0")
    kind: Mapped[str] = mapped_column(comment="ADD, REMOVE, RENAME, TYPE_CHANGE, …")
    rule: Mapped[str] = mapped_column(comment="Rule that graded it")
    path: Mapped[str] = mapped_column(comment="JSON pointer into the schema")
    column_name: Mapped[str | None] = mapped_column(comment="The column, by its old name where there is one")
    old: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True, comment="Before")
    new: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True, comment="After")
    severity: Mapped[str] = mapped_column(comment="The worse of the two")
    readers: Mapped[str] = mapped_column(comment="For people who query")
    writers: Mapped[str] = mapped_column(comment="For those who send rows")
    suggestion: Mapped[str] = mapped_column(comment="The cheapest safe thing to do")
    confidence: Mapped[float | None] = mapped_column(Double, comment="Of a guessed rename, 0 to 1")
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", comment="What the verdict rests on")
    rows: Mapped[int | None] = mapped_column(BigInteger, comment="Rows that it was seen in")
