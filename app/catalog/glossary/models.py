"""Rows of the glossary. A meaning is never changed: another one is added, and the one before revoked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class GlossaryEntryRow(Identified, Created, Base):
    """What somebody means by a term."""

    __tablename__ = "glossary_entries"
    __table_args__ = (
        CheckConstraint("meaning IN ('table', 'column', 'value', 'expression', 'join')", name="meaning"),
        UniqueConstraint("plain_term", "version"),
        Index("uq_glossary_entries_in_force", "plain_term", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    term: Mapped[str] = mapped_column(comment="As it was written")
    plain_term: Mapped[str] = mapped_column(comment="As it is compared: lower case, single spaces")
    version: Mapped[int] = mapped_column(comment="Counts the meanings of the term from 1")
    meaning: Mapped[str] = mapped_column(comment="table, column, value, expression or join")
    table_name: Mapped[str | None] = mapped_column(comment="Logical name")
    column_name: Mapped[str | None] = mapped_column(comment="Column of it")
    value: Mapped[str | None] = mapped_column(comment="Value of the column, as text")
    expression: Mapped[str | None] = mapped_column(comment="Other words that can be read")
    join_id: Mapped[str | None] = mapped_column(comment="Accepted join")
    note: Mapped[str | None] = mapped_column(comment="Why, in the words of who added it")
    created_by: Mapped[str] = mapped_column(comment="Label of who added it")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="When it was revoked; null while it is in force")
    revoked_by: Mapped[str | None] = mapped_column(comment="Label of who revoked it, or added another meaning")
