"""Tables of retention: rules, holds, runs, and the objects that are still to be removed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class RuleRow(Created, Base):
    """How long a category is kept, as an admin has decided."""

    __tablename__ = "retention_rules"
    __table_args__ = (CheckConstraint("days_to_keep >= 1", name="days_to_keep"),)

    category: Mapped[str] = mapped_column(Text, primary_key=True, comment="Name of the retention target")
    days_to_keep: Mapped[int] = mapped_column(comment="Older data goes")
    enabled: Mapped[bool] = mapped_column(comment="Whether it goes by the schedule")
    archive: Mapped[bool] = mapped_column(comment="Whether it is kept in the object storage before it goes")
    description: Mapped[str] = mapped_column(Text, server_default="", comment="Why it is so")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last change")
    updated_by: Mapped[str] = mapped_column(Text, comment="Label of who changed it last")


class HoldRow(Identified, Created, Base):
    """What is kept whatever its rule says; stays as history when it is released."""

    __tablename__ = "retention_holds"
    __table_args__ = (
        Index("ix_retention_holds_open", "category", postgresql_where=text("released_at IS NULL")),
        CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="released"),
    )

    category: Mapped[str] = mapped_column(Text, comment="Name of the retention target")
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What it is about; empty: the whole category")
    reason: Mapped[str] = mapped_column(Text, comment="Why")
    made_by: Mapped[str] = mapped_column(Text, comment="Label of who made it")
    released_at: Mapped[datetime | None] = mapped_column(comment="Over from then on")
    released_by: Mapped[str | None] = mapped_column(Text, comment="Label of who released it")


class RunRow(Identified, Created, Base):
    """A removal of what is older than a cut-off that never moves."""

    __tablename__ = "retention_runs"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="status"),
        Index(
            "uq_retention_runs_open", "category", unique=True, postgresql_where=text("status IN ('queued', 'running')")
        ),
        Index(None, "category", "id"),
    )

    category: Mapped[str] = mapped_column(Text, comment="Name of the retention target")
    dry_run: Mapped[bool] = mapped_column(comment="Whether it has only counted")
    status: Mapped[str] = mapped_column(Text, comment="queued, running, completed, failed or cancelled")
    cut_off: Mapped[datetime] = mapped_column(comment="What is older goes; fixed when the run is made")
    requested_by: Mapped[str] = mapped_column(Text, comment="Label of who asked for it")
    job_id: Mapped[UUID | None] = mapped_column(comment="The job that does it")
    cursor: Mapped[str | None] = mapped_column(Text, comment="Where it goes on after an interruption")
    rows: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Rows that went")
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Bytes that went, as they are counted")
    objects: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Stored objects that went")
    started_at: Mapped[datetime | None] = mapped_column(comment="When it began")
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was over")
    error: Mapped[str | None] = mapped_column(Text, comment="Why it failed")
    archives: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=text("'[]'::jsonb"), comment="Objects made before anything went, with their checksums"
    )


class TombstoneRow(Identified, Created, Base):
    """A stored object that nothing refers to any more, or that is not vouched for yet: it is to be removed."""

    __tablename__ = "retention_tombstones"
    __table_args__ = (Index(None, "run_id"),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.retention_runs.id"), comment="The run that made it")
    object_key: Mapped[str] = mapped_column(Text, comment="Key in the object storage")
