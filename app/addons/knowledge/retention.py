"""How long removed documents are kept: their passages and files go with them."""

from pydantic import Field

from app.addons.knowledge.documents import DocumentKind
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class KnowledgeHold(HoldFilter):
    """Also what the document is about, and its title."""

    kind: DocumentKind | None = Field(None, description="What the document is about.")
    title: str | None = Field(None, max_length=200, description="The title, exactly.")


DOCUMENTS = RowsTarget(
    category="knowledge_documents",
    description="Removed documents of knowledge with their passages and files, by when they were removed.",
    default=Default(365),
    table="spyne.knowledge_documents",
    key=ID,
    time="t.deactivated_at",
    removable=(
        "NOT t.is_active AND NOT EXISTS (SELECT FROM spyne.knowledge_embeddings e JOIN spyne.knowledge_chunks c "
        "ON c.id = e.chunk_id WHERE c.document_id = t.id AND e.place <> 'postgres')"
    ),
    fields={"kind": "t.kind", "title": "t.title"},
    hold_filter=KnowledgeHold,
    size="t.bytes",
    object_key="t.object_key",
)
"""Embeddings that are kept outside are removed there first, by the job that embeds."""
