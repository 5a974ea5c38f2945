"""Documents of knowledge, their passages and embeddings, and who may read and manage them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_RIGHTS = {
    "knowledge:read": ("ADMIN", "REQUESTOR", "APPROVER", "KNOWLEDGE_MANAGER"),
    "knowledge:manage": ("ADMIN", "KNOWLEDGE_MANAGER"),
}


def upgrade() -> None:
    _documents()
    _chunks()
    _embeddings()
    for permission, roles in _RIGHTS.items():
        for role in roles:
            op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', '{permission}')")


def downgrade() -> None:
    for permission in _RIGHTS:
        op.execute(f"DELETE FROM spyne.role_permissions WHERE permission = '{permission}'")
    for table in ("knowledge_embeddings", "knowledge_chunks", "knowledge_documents"):
        op.drop_table(table, schema="spyne")


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, default: str | None = None) -> Any:
    return sa.Column(
        name, kind, nullable=nullable, comment=comment, server_default=None if default is None else sa.text(default)
    )


def _text(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.Text(), comment, **options)


def _documents() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "knowledge_documents",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _column("created_at", time, "Time of creation", default="now()"),
        _text("title", "As people call it"),
        _text("source", "Where it comes from: an address, a manual and its edition", nullable=True),
        _text("kind", "vendor, data_model, standard or notes"),
        _text("media_type", "By its content"),
        _text("sha256", "Of the file, in hexadecimal"),
        _column("bytes", sa.BigInteger(), "Of the file"),
        _column("pages", sa.Integer(), "Of a PDF", nullable=True),
        _column("passages", sa.Integer(), "Passages that it was read into"),
        _text("object_key", "Of the stored file"),
        _column("metadata", postgresql.JSONB(), "What its sender says of it: names and texts", default="'{}'::jsonb"),
        _column("is_active", sa.Boolean(), "Whether searches find it", default="true"),
        _column("version", sa.Integer(), "Counts changes; the ETag", default="1"),
        _text("created_by", "Label of who uploaded it"),
        _column("changed_at", time, "When it was changed last", default="now()"),
        _column("deactivated_at", time, "When it was removed; null while it is active", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_documents"),
        sa.CheckConstraint("kind IN ('vendor', 'data_model', 'standard', 'notes')", name="ck_knowledge_documents_kind"),
        sa.CheckConstraint("is_active = (deactivated_at IS NULL)", name="ck_knowledge_documents_deactivated"),
        schema="spyne",
    )
    op.create_index(
        "uq_knowledge_documents_active_content",
        "knowledge_documents",
        ["sha256"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_knowledge_documents_deactivated_at",
        "knowledge_documents",
        ["deactivated_at"],
        schema="spyne",
        postgresql_where=sa.text("NOT is_active"),
    )
    grant("knowledge_documents", "SELECT, INSERT, UPDATE, DELETE")


def _words(weight: str, *columns: tuple[str, str]) -> list[str]:
    return [
        f"""setweight(to_tsvector('{language}'::regconfig, {column}), '{weight}'::"char")"""
        for language, column in columns
    ]


def _chunks() -> None:
    searched = " || ".join(
        [
            *_words("A", ("simple", "defined_names")),
            *_words("B", ("simple", "heading"), ("english", "heading")),
            *_words("C", ("simple", "mentioned_names")),
            *_words("D", ("simple", "body"), ("english", "body")),
        ]
    )
    op.create_table(
        "knowledge_chunks",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _column("document_id", sa.Uuid(), "Whose passage it is"),
        _column("ordinal", sa.Integer(), "Place in the document, from 1"),
        _column("heading_path", postgresql.JSONB(), "Headings above it, the outermost first"),
        _text("body", "The text"),
        _text("heading", "Title of the document and headings, as they are searched"),
        _text("defined_names", "Names of fields that it explains, without separators"),
        _text("mentioned_names", "Other names of several parts, without separators"),
        sa.Column(
            "searched",
            postgresql.TSVECTOR(),
            sa.Computed(searched, persisted=True),
            nullable=False,
            comment="What a search compares, by weight",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_chunks"),
        sa.UniqueConstraint("document_id", "ordinal", name="uq_knowledge_chunks_document_id_ordinal"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["spyne.knowledge_documents.id"],
            name="fk_knowledge_chunks_document_id_knowledge_documents",
            ondelete="CASCADE",
        ),
        schema="spyne",
    )
    op.create_index(
        "ix_knowledge_chunks_searched", "knowledge_chunks", ["searched"], schema="spyne", postgresql_using="gin"
    )
    grant("knowledge_chunks", "SELECT, INSERT, UPDATE, DELETE")


def _embeddings() -> None:
    op.create_table(
        "knowledge_embeddings",
        _column("chunk_id", sa.Uuid(), "Of which passage"),
        _text("model", "Name of the model and number of dimensions"),
        _text("place", "postgres or pinecone: where it is kept"),
        _column("embedding", postgresql.ARRAY(sa.REAL()), "Null where it is kept elsewhere", nullable=True),
        sa.PrimaryKeyConstraint("chunk_id", name="pk_knowledge_embeddings"),
        sa.CheckConstraint("place IN ('postgres', 'pinecone')", name="ck_knowledge_embeddings_place"),
        sa.CheckConstraint("(place = 'postgres') = (embedding IS NOT NULL)", name="ck_knowledge_embeddings_embedding"),
        sa.ForeignKeyConstraint(
            ["chunk_id"],
            ["spyne.knowledge_chunks.id"],
            name="fk_knowledge_embeddings_chunk_id_knowledge_chunks",
            ondelete="CASCADE",
        ),
        schema="spyne",
    )
    grant("knowledge_embeddings", "SELECT, INSERT, UPDATE, DELETE")
