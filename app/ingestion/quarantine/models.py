"""`ingestion_quarantine` (one row per refused row that is kept) and `ingestion_quarantine_totals`, which counts them.

How much of a batch, of a contract and in all is kept: `configuration.py`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class QuarantineRow(Base):
    """A refused row, as it came."""

    __tablename__ = "ingestion_quarantine"

    batch_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.ingestion_history.id"), primary_key=True, comment="The batch it came in"
    )
    line: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="Physical line, or position of the element, from 1"
    )
    code: Mapped[str] = mapped_column(comment="Stable reason")
    column_name: Mapped[str | None] = mapped_column(comment="Column at fault, when it is one")
    message: Mapped[str] = mapped_column(comment="The reason in words")
    more_faults: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Faults beside the first: code, column, message"
    )
    raw: Mapped[str] = mapped_column(comment="The row's text, cut to a bounded length")
    clipped: Mapped[bool] = mapped_column(server_default="false", comment="Whether the row goes on beyond raw")
    resolved_at: Mapped[datetime | None] = mapped_column(comment="When somebody said that it is dealt with")
    resolved_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.ingestion_history.id"), comment="The batch as which it was taken again, and accepted"
    )


class QuarantineTotal(Base):
    """How many refused rows of a contract are kept. A trigger of the database takes off those that are removed."""

    __tablename__ = "ingestion_quarantine_totals"

    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), primary_key=True, comment="The contract")
    rows: Mapped[int] = mapped_column(BigInteger, comment="Refused rows of its batches in quarantine")
