"""Rows of the index of values."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import REAL, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class IndexedTableRow(Base):
    """A version of a table whose values are indexed."""

    __tablename__ = "value_index"

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), primary_key=True, comment="The version")
    signature: Mapped[str] = mapped_column(comment="Of its shape, and of which columns are private")
    activity: Mapped[str | None] = mapped_column(comment="PostgreSQL's counters of changed rows, before the look")
    few: Mapped[dict[str, list[str]]] = mapped_column(JSONB, comment="Columns of few values, each with all of them")
    indexed: Mapped[list[str]] = mapped_column(JSONB, comment="All columns whose values are indexed")
    failure: Mapped[str | None] = mapped_column(comment="Why nothing could be indexed; null when it could")
    built_at: Mapped[datetime] = mapped_column(comment="When it was looked at")


class ValueTermRow(Base):
    """A text that a question may have for a value."""

    __tablename__ = "value_terms"
    __table_args__ = (Index(None, "term"),)

    table_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.value_index.table_id", ondelete="CASCADE"), primary_key=True, comment="The version"
    )
    column_name: Mapped[str] = mapped_column(primary_key=True, comment="The column")
    value: Mapped[str] = mapped_column(primary_key=True, comment="The value as it is stored")
    term: Mapped[str] = mapped_column(primary_key=True, comment="The value, its stems or a word of it")
    worth: Mapped[float] = mapped_column(REAL, comment="1 of the whole value, less of its stems or a word of it")
