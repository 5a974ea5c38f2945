"""`system_config`: what is decided about the service as a whole, one row per key."""

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class SystemConfig(Base):
    """A decision."""

    __tablename__ = "system_config"

    key: Mapped[str] = mapped_column(primary_key=True, comment="What is decided")
    value: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The decision")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now(), comment="Time of the last change"
    )
    updated_by: Mapped[str] = mapped_column(comment="Label of who changed it last")
