"""`ingestion_runs` (one row per run) and `ingestion_run_parts` (what it will do, part by part).

Each part becomes a row of `ingestion_history`, which has the run's id and the part's number.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class IngestionRunRow(Identified, Created, Base):
    """A run: what was planned, and how far it is."""

    __tablename__ = "ingestion_runs"
    __table_args__ = (
        CheckConstraint("kind IN ('rollback', 'replay', 'quarantine', 'backfill')", name="kind"),
        CheckConstraint("status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name="status"),
        Index(None, "contract_id", "id"),
        Index(None, "plan_hash"),
        Index("ix_ingestion_runs_open", "id", postgresql_where=text("status IN ('PENDING', 'RUNNING')")),
    )

    kind: Mapped[str] = mapped_column(comment="rollback, replay, quarantine or backfill")
    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), comment="Contract under which it writes")
    status: Mapped[str] = mapped_column(comment="PENDING, RUNNING, COMPLETED, FAILED or CANCELLED")
    batch_id: Mapped[UUID | None] = mapped_column(
        comment="The batch that it is about; null when it names others. Its parts have the constraint"
    )
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What was asked for, without reason and batch_ids")
    world: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What the plan was made on: schema and last batch")
    items: Mapped[list[str]] = mapped_column(
        JSONB,
        server_default="[]",
        deferred=True,
        deferred_raiseload=True,
        comment="Bodies that a backfill reads, in order; batches that a replay was asked for",
    )
    plan_hash: Mapped[str] = mapped_column(comment="Hash of the plan that was applied")
    reason: Mapped[str] = mapped_column(comment="Why, in the words of who started it")
    job_id: Mapped[UUID | None] = mapped_column(comment="The job that does it")
    parts_done: Mapped[int] = mapped_column(server_default="0", comment="Parts that are committed")
    parts_total: Mapped[int | None] = mapped_column(comment="Parts in all; null while that is not known")
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Rows that were read")
    rows_total: Mapped[int | None] = mapped_column(BigInteger, comment="Rows in all, as the plan counted them")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}", comment="Rows by verdict, all parts")
    deleted: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Stored rows that went")
    position: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Where the next part begins in what is read; null at the beginning"
    )
    actor_kind: Mapped[str] = mapped_column(comment="Kind of who started it")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who started it")
    actor_label: Mapped[str] = mapped_column(comment="Name of who started it, at that time")
    started_at: Mapped[datetime | None] = mapped_column(comment="When its first part began")
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was over")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Why it failed (RFC 9457)")
    correlation_id: Mapped[str | None] = mapped_column(comment="Request that started it")


class IngestionRunPartRow(Base):
    """A part that a run will do."""

    __tablename__ = "ingestion_run_parts"
    __table_args__ = (CheckConstraint("action IN ('rollback', 'replay', 'quarantine')", name="action"),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.ingestion_runs.id"), primary_key=True, comment="The run")
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Order, from 1")
    action: Mapped[str] = mapped_column(comment="rollback, replay or quarantine")
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.ingestion_history.id"), comment="The batch it is about")
