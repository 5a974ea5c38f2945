"""`configuration_versions`: every decision about every key. Rows are only ever added; the highest version counts."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class ConfigurationVersion(Base):
    """A decision about a key."""

    __tablename__ = "configuration_versions"
    __table_args__ = (CheckConstraint("num_nonnulls(value, sealed) = CASE WHEN is_default THEN 0 ELSE 1 END", "one"),)

    key: Mapped[str] = mapped_column(primary_key=True, comment="Name in the catalogue of keys")
    version: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="Counts the decisions about the key from 1"
    )
    value: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="As decided; null for secrets and for the default"
    )
    sealed: Mapped[str | None] = mapped_column(Text, comment="A secret value, encrypted with the service's key")
    is_default: Mapped[bool] = mapped_column(comment="Back to the default of the environment")
    reason: Mapped[str | None] = mapped_column(Text, comment="Why, in the words of who decided")
    decided_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), comment="When")
    decided_by: Mapped[str] = mapped_column(comment="Label of who decided")
