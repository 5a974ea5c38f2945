"""Rows of the glossary. A meaning is never changed: another one is added, and the one before revoked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.glossary.term_columns import MEANINGS, TermColumns
from app.kernel.db.models import Base, Created, Identified


class GlossaryEntryRow(Identified, Created, TermColumns, Base):
    """What somebody means by a term."""

    __tablename__ = "glossary_entries"
    __table_args__ = (
        CheckConstraint(MEANINGS, name="meaning"),
        UniqueConstraint("plain_term", "version"),
        Index("uq_glossary_entries_in_force", "plain_term", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    version: Mapped[int] = mapped_column(comment="Counts the meanings of the term from 1")
    created_by: Mapped[str] = mapped_column(comment="Label of who added it")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="When it was revoked; null while it is in force")
    revoked_by: Mapped[str | None] = mapped_column(comment="Label of who revoked it, or added another meaning")
