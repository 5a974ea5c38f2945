"""What live relations looked like when they were last accepted as they are."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created


class DriftBaselineRow(Created, Base):
    """What a live relation looked like when it was last accepted as it is."""

    __tablename__ = "drift_baselines"

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), primary_key=True, comment="The table")
    relation_oid: Mapped[int] = mapped_column(BigInteger, comment="Its oid: another one after a restore")
    document: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Columns with attnum, type, nullability, default, comment; keys"
    )
    taken_at: Mapped[datetime] = mapped_column(comment="When it was taken")
    checked_at: Mapped[datetime] = mapped_column(comment="When the relation was compared with it last")
