"""Rows of the index of values."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, Integer, PrimaryKeyConstraint, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base


class IndexedTableRow(Base):
    """A version of a table whose values are indexed."""

    __tablename__ = "value_index"

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), primary_key=True, comment="The version")
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="Stems of the words of its name")
    signature: Mapped[str] = mapped_column(comment="Of its shape, of which columns are private, and of the rules")
    activity: Mapped[str | None] = mapped_column(comment="PostgreSQL's counters of changed rows, before the look")
    failure: Mapped[str | None] = mapped_column(comment="Which columns could not be read, and why; null when all could")
    built_at: Mapped[datetime] = mapped_column(comment="When it was looked at")


class IndexedColumnRow(Base):
    """A column with values in the index."""

    __tablename__ = "value_columns"
    __table_args__ = (UniqueConstraint("table_id", "column_name"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True, comment="Short: every term has one")
    table_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.value_index.table_id", ondelete="CASCADE"), comment="The version"
    )
    column_name: Mapped[str] = mapped_column(comment="The column")
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="Stems of the words of its name")
    few: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="All values, where there are few")
    terms: Mapped[int] = mapped_column(comment="How many terms it has")
    bytes: Mapped[int] = mapped_column(comment="UTF-8 bytes of its terms and values")
    digest: Mapped[str] = mapped_column(comment="Of its values and terms: the same, and nothing is written")


class ValueTermRow(Base):
    """A text that a question may have for a value."""

    __tablename__ = "value_terms"
    __table_args__ = (PrimaryKeyConstraint("term", "place", "column_id"), Index(None, "column_id"))

    column_id: Mapped[int] = mapped_column(
        ForeignKey("spyne.value_columns.id", ondelete="CASCADE"), comment="The column"
    )
    place: Mapped[int] = mapped_column(
        SmallInteger, comment="Counts the values of the column that the term finds, surest first"
    )
    worth: Mapped[int] = mapped_column(
        SmallInteger, comment="In hundredths: 100 of the whole value, less of its stems or a word of it"
    )
    term: Mapped[str] = mapped_column(Text, comment="The value, its stems or a word of it")
    value: Mapped[str] = mapped_column(Text, comment="The value as it is stored")
