"""`maintenance_windows`: scheduled stops of writes, kept as history. PostgreSQL itself holds that no two overlap."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class WindowRow(Identified, Created, Base):
    """A maintenance window."""

    __tablename__ = "maintenance_windows"
    __table_args__ = (
        CheckConstraint("mode IN ('read_only', 'maintenance')", name="mode"),
        CheckConstraint("starts_at < ends_at", name="times"),
        ExcludeConstraint(
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_maintenance_windows_times",
            using="gist",
            where=text("cancelled_at IS NULL"),
        ),
        Index("ix_maintenance_windows_ends_at", "ends_at", postgresql_where=text("cancelled_at IS NULL")),
        Index(
            "ix_maintenance_windows_open",
            "starts_at",
            postgresql_where=text("cancelled_at IS NULL AND left_at IS NULL"),
        ),
    )

    mode: Mapped[str] = mapped_column(comment="read_only or maintenance")
    starts_at: Mapped[datetime] = mapped_column(comment="In force from then on")
    ends_at: Mapped[datetime] = mapped_column(comment="In force until before this")
    reason: Mapped[str] = mapped_column(comment="Shown to those who are refused")
    created_by: Mapped[str] = mapped_column(comment="Label of who made it")
    cancelled_at: Mapped[datetime | None] = mapped_column(comment="When it was called off, maybe while it ran")
    cancelled_by: Mapped[str | None] = mapped_column(comment="Label of who called it off")
    entered_at: Mapped[datetime | None] = mapped_column(comment="When its begin was put on record")
    left_at: Mapped[datetime | None] = mapped_column(comment="When its end was put on record")
