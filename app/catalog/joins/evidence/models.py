"""Rows of evidence: what looks at tables found, and what the data answered to questions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class JoinEvidenceRow(Base):
    """What a look at a version of a table found; its columns stand in `join_evidence_columns`."""

    __tablename__ = "join_evidence"

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), primary_key=True, comment="The version")
    schema_version: Mapped[int] = mapped_column(comment="Schema of the version that was looked at")
    seed: Mapped[str | None] = mapped_column(comment="Mark of the seed of its hashes; null of hashes without")
    rows: Mapped[int] = mapped_column(BigInteger, comment="Rows, counted")
    batch: Mapped[int | None] = mapped_column(
        BigInteger, comment="Last batch that wrote one of them; null of a relation that is not governed"
    )
    fingerprint: Mapped[int | None] = mapped_column(
        BigInteger, comment="Of all rows: by it the change that batches made is told from any other"
    )
    activity: Mapped[str | None] = mapped_column(comment="PostgreSQL's counters of changed rows, before the look")
    measured_at: Mapped[datetime] = mapped_column(comment="When it was looked at")
    usable: Mapped[bool] = mapped_column(comment="Whether there is evidence, perhaps of before the last look")
    failure: Mapped[str | None] = mapped_column(comment="Why nothing could be found, the last time; null when it could")
    row_key: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Columns that together identify a row, as far as the data says; null when nothing does"
    )
    unique_columns: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), comment="Single columns in which no value occurs twice"
    )


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
    right_table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The other; or the same")
    answer: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="The answer: whether unique, or the measure of a join; and what the columns were like then"
    )
    answered_at: Mapped[datetime] = mapped_column(comment="When it was looked at")
