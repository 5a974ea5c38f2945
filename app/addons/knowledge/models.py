"""Rows of knowledge: documents, their passages, and the embeddings of passages."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import REAL, BigInteger, CheckConstraint, Computed, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


def _words(weight: str, *columns: tuple[str, str]) -> list[str]:
    return [
        f"""setweight(to_tsvector('{language}'::regconfig, {column}), '{weight}'::"char")"""
        for language, column in columns
    ]


SEARCHED: Final = " || ".join(
    [
        *_words("A", ("simple", "defined_names")),
        *_words("B", ("simple", "heading"), ("english", "heading")),
        *_words("C", ("simple", "mentioned_names")),
        *_words("D", ("simple", "body"), ("english", "body")),
    ]
)
"""What is searched of a passage, by weight: names that it explains, its headings, names that it mentions, its text.

`simple` keeps words as they are, in every language; `english` makes `addresses` and `address` one and drops `the`.
"""


class KnowledgeDocumentRow(Identified, Created, Base):
    """A document."""

    __tablename__ = "knowledge_documents"
    __table_args__ = (
        CheckConstraint("kind IN ('vendor', 'data_model', 'standard', 'notes')", name="kind"),
        CheckConstraint("is_active = (deactivated_at IS NULL)", name="deactivated"),
        Index("uq_knowledge_documents_active_content", "sha256", unique=True, postgresql_where=text("is_active")),
        Index("ix_knowledge_documents_deactivated_at", "deactivated_at", postgresql_where=text("NOT is_active")),
    )

    title: Mapped[str] = mapped_column(Text, comment="As people call it")
    source: Mapped[str | None] = mapped_column(
        Text, comment="Where it comes from: an address, a manual and its edition"
    )
    kind: Mapped[str] = mapped_column(Text, comment="vendor, data_model, standard or notes")
    media_type: Mapped[str] = mapped_column(Text, comment="By its content")
    sha256: Mapped[str] = mapped_column(Text, comment="Of the file, in hexadecimal")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="Of the file")
    pages: Mapped[int | None] = mapped_column(comment="Of a PDF")
    passages: Mapped[int] = mapped_column(comment="Passages that it was read into")
    object_key: Mapped[str] = mapped_column(Text, comment="Of the stored file")
    extra_metadata: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'::jsonb"), comment="What its sender says of it: names and texts"
    )
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), comment="Whether searches find it")
    version: Mapped[int] = mapped_column(server_default="1", comment="Counts changes; the ETag")
    created_by: Mapped[str] = mapped_column(Text, comment="Label of who uploaded it")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="When it was changed last")
    deactivated_at: Mapped[datetime | None] = mapped_column(comment="When it was removed; null while it is active")


class KnowledgeChunkRow(Identified, Base):
    """A passage of a document."""

    __tablename__ = "knowledge_chunks"
    __table_args__ = (
        UniqueConstraint("document_id", "ordinal"),
        Index("ix_knowledge_chunks_searched", "searched", postgresql_using="gin"),
    )

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.knowledge_documents.id", ondelete="CASCADE"), comment="Whose passage it is"
    )
    ordinal: Mapped[int] = mapped_column(comment="Place in the document, from 1")
    heading_path: Mapped[list[str]] = mapped_column(JSONB, comment="Headings above it, the outermost first")
    body: Mapped[str] = mapped_column(Text, comment="The text")
    heading: Mapped[str] = mapped_column(Text, comment="Title of the document and headings, as they are searched")
    defined_names: Mapped[str] = mapped_column(Text, comment="Names of fields that it explains, without separators")
    mentioned_names: Mapped[str] = mapped_column(Text, comment="Other names of several parts, without separators")
    searched: Mapped[Any] = mapped_column(
        TSVECTOR, Computed(SEARCHED, persisted=True), nullable=False, comment="What a search compares, by weight"
    )


class KnowledgeEmbeddingRow(Base):
    """The embedding of a passage: kept here, or noted as kept in an index outside."""

    __tablename__ = "knowledge_embeddings"
    __table_args__ = (
        CheckConstraint("place IN ('postgres', 'pinecone')", name="place"),
        CheckConstraint("(place = 'postgres') = (embedding IS NOT NULL)", name="embedding"),
    )

    chunk_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.knowledge_chunks.id", ondelete="CASCADE"), primary_key=True, comment="Of which passage"
    )
    model: Mapped[str] = mapped_column(Text, comment="Name of the model and number of dimensions")
    place: Mapped[str] = mapped_column(Text, comment="postgres or pinecone: where it is kept")
    embedding: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), comment="Null where it is kept elsewhere")
