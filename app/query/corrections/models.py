"""`query_corrections`: what authors said that words of their questions mean."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.glossary.term_columns import MEANINGS, TermColumns
from app.kernel.db.models import Base, Created, Identified


class QueryCorrectionRow(Identified, Created, TermColumns, Base):
    """A correction, and what has become of it. An author proposes one meaning of a term at a time."""

    __tablename__ = "query_corrections"
    __table_args__ = (
        CheckConstraint(MEANINGS, name="meaning"),
        CheckConstraint("author_kind IN ('user', 'api_client', 'system')", name="author_kind"),
        CheckConstraint("state IN ('proposed', 'accepted', 'rejected', 'revoked')", name="state"),
        Index(
            "uq_query_corrections_proposed",
            "author_kind",
            "author_id",
            "plain_term",
            unique=True,
            postgresql_where=text("state = 'proposed'"),
        ),
        Index(None, "author_id", "id"),
        Index(None, "preview_id"),
    )

    said: Mapped[str | None] = mapped_column(comment="Sentence that it was made of; null of one that names its parts")
    question: Mapped[str] = mapped_column(comment="The question that was asked")
    preview_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.query_previews.id", ondelete="SET NULL"), comment="The preview that was corrected"
    )
    sql_before: Mapped[str | None] = mapped_column(comment="Statement that was corrected; null: it was refused")
    sql_after: Mapped[str] = mapped_column(comment="Statement as it is with the correction, logical names")
    author_kind: Mapped[str] = mapped_column(comment="user, api_client or system")
    author_id: Mapped[UUID | None] = mapped_column(comment="Id of the author; null for the system")
    author_label: Mapped[str] = mapped_column(comment="Name of the author, at that time")
    state: Mapped[str] = mapped_column(comment="proposed, accepted, rejected or revoked")
    decided_at: Mapped[datetime | None] = mapped_column(comment="When that was decided; null of a proposal")
    decided_by: Mapped[str | None] = mapped_column(comment="Label of who decided")
    reason: Mapped[str | None] = mapped_column(comment="Why, in the words of who decided")
    entry_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.glossary_entries.id"), comment="Term of the glossary that it became"
    )
