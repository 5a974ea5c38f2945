"""`feature_flags`: one row per flag, kept after its end, so that its key never means something else."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified

MAX_KEY = 128


class FlagRow(Identified, Created, Base):
    """A flag."""

    __tablename__ = "feature_flags"
    __table_args__ = (
        CheckConstraint("type IN ('boolean', 'string', 'number', 'object')", name="type"),
        Index("uq_feature_flags_key", "key", unique=True),
    )

    key: Mapped[str] = mapped_column(String(MAX_KEY), comment="What code asks for; never used twice")
    type: Mapped[str] = mapped_column(Text, comment="boolean, string, number or object: what every value is")
    variants: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Values by variant")
    default_variant: Mapped[str] = mapped_column(Text, comment="When no rule chooses")
    off_variant: Mapped[str] = mapped_column(Text, comment="While the flag is off")
    enabled: Mapped[bool] = mapped_column(server_default=text("false"), comment="Whether the rules count")
    rules: Mapped[list[Any]] = mapped_column(
        JSONB, server_default="[]", comment="In order: name, when, variant or split with its slots of 10,000 buckets"
    )
    description: Mapped[str] = mapped_column(Text, server_default="", comment="What it decides")
    owner: Mapped[str] = mapped_column(Text, server_default="", comment="Who answers for it")
    expires_at: Mapped[datetime | None] = mapped_column(comment="When it should be gone; a hint that changes nothing")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of who made it")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last change")
    updated_by: Mapped[str] = mapped_column(Text, comment="Label of who changed it last")
    archived_at: Mapped[datetime | None] = mapped_column(comment="Unknown to evaluations from then on")
