"""What knowledge looks like over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, Json, StringConstraints, model_validator

from app.addons.knowledge.documents import DocumentKind, KnowledgeDocument, Passage
from app.addons.knowledge.reading.blocks import one_line
from app.addons.knowledge.search import Found, Hit
from app.addons.knowledge.service import DocumentWithPassages
from app.addons.knowledge.uploading import MAX_TITLE
from app.kernel.schemas import StrictModel


def _line(text: str) -> str:
    shown = one_line(text)
    if not shown:
        raise ValueError("give it in words that can be seen")
    return shown


Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE), AfterValidator(_line)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_line)]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_line)]


class UploadFields(StrictModel):
    """The fields of an upload beside its file."""

    title: Title | None = Field(None, description="As people call it; the document's own title when absent.")
    source: Source | None = Field(None, description="Where it comes from: an address, a manual and its edition.")
    kind: DocumentKind = Field(DocumentKind.VENDOR, description="What it is about.")
    metadata: Json[dict[_Name, _Text]] = Field(
        default_factory=dict, max_length=20, description="Further facts, as a JSON object of texts."
    )


class KnowledgeDocumentChange(StrictModel):
    """What is to be changed of a document; what is left out stays as it is."""

    title: Title | None = Field(None, description="As people call it.", examples=["FortiOS 7.4 log reference"])
    source: Source | None = Field(None, description="Where it comes from; null: nobody knows.")
    is_active: bool | None = Field(None, description="Whether searches find it.")

    @model_validator(mode="after")
    def _whole(self) -> "KnowledgeDocumentChange":
        given = self.model_fields_set
        if not given:
            raise ValueError("give at least one of title, source and is_active")
        if ("title" in given and self.title is None) or ("is_active" in given and self.is_active is None):
            raise ValueError("title and is_active are not null")
        return self

    def wanted(self) -> dict[str, Any]:
        """What was given, by name."""
        return self.model_dump(include=self.model_fields_set)


class KnowledgeDocumentDocument(BaseModel):
    """A document, without its passages."""

    id: UUID
    title: str
    source: str | None = Field(description="Where it comes from.")
    kind: DocumentKind = Field(description="What it is about.")
    media_type: str = Field(description="By its content.")
    sha256: str = Field(description="Of the file, in hexadecimal.")
    bytes: int = Field(description="Of the file.")
    pages: int | None = Field(description="Of a PDF.")
    passages: int = Field(description="How many passages it was read into.")
    metadata: dict[str, str] = Field(description="What its sender says of it.")
    is_active: bool = Field(description="Whether searches find it.")
    version: int = Field(description="Counts changes.")
    created_at: datetime
    created_by: str
    changed_at: datetime
    deactivated_at: datetime | None = Field(description="When it was removed; null while it is active.")


class PassageDocument(BaseModel):
    """A passage of a document."""

    id: UUID
    ordinal: int = Field(description="Place in the document, from 1.")
    headings: list[str] = Field(description="Above it, the outermost first.")
    text: str


class KnowledgeDocumentWithPassages(KnowledgeDocumentDocument):
    """A document and some of its passages."""

    content: list[PassageDocument] = Field(description="Passages, in the order of the document.")
    next_ordinal: int | None = Field(description="Ask for more with `?from_ordinal=`; null at the end.")


class SearchHit(BaseModel):
    """A passage that was found."""

    id: UUID = Field(description="Of the passage.")
    document_id: UUID
    title: str = Field(description="Of the document.")
    source: str | None = Field(description="Of the document.")
    kind: DocumentKind = Field(description="Of the document.")
    ordinal: int = Field(description="Place in the document, from 1.")
    headings: list[str] = Field(description="Above it, the outermost first.")
    text: str
    snippet: str = Field(description="HTML: text, escaped, with what was found within `<mark>`; no other tags.")
    rank: float = Field(description="Comparable within this answer alone: higher is better.")
    found_by: list[Literal["words", "meaning"]]


class Vectors(BaseModel):
    """Whether passages were searched by meaning too."""

    used: bool
    obstacle: str | None = Field(description="Why not, by a stable name; `off` when no model is configured.")
    detail: str | None = Field(description="Why not, in words.")


class SearchDocument(BaseModel):
    """What a search has found."""

    items: list[SearchHit] = Field(description="Passages, the best first.")
    matched: Literal["all-words", "any-word"] = Field(
        description="`any-word` when no passage has all the words, and these have some."
    )
    vectors: Vectors


def knowledge_document(document: KnowledgeDocument) -> KnowledgeDocumentDocument:
    """The document as it is shown."""
    return KnowledgeDocumentDocument(**_parts(document))


def _parts(document: KnowledgeDocument) -> dict[str, Any]:
    names = KnowledgeDocumentDocument.model_fields.keys() - {"metadata"}
    return {name: getattr(document, name) for name in names} | {"metadata": dict(document.extra_metadata)}


def with_passages(found: DocumentWithPassages) -> KnowledgeDocumentWithPassages:
    """The document as it is shown, with passages."""
    content = [_passage(passage) for passage in found.passages]
    return KnowledgeDocumentWithPassages(**_parts(found.document), content=content, next_ordinal=found.next_ordinal)


def _passage(passage: Passage) -> PassageDocument:
    return PassageDocument(id=passage.id, ordinal=passage.ordinal, headings=list(passage.headings), text=passage.text)


def search_document(found: Found) -> SearchDocument:
    """What was found, as it is shown."""
    no = found.no_vectors
    return SearchDocument(
        items=[_hit(hit) for hit in found.hits],
        matched="any-word" if found.any_word else "all-words",
        vectors=Vectors(
            used=no is None, obstacle=no.obstacle.value if no else None, detail=no.sentence if no else None
        ),
    )


def _hit(hit: Hit) -> SearchHit:
    passage = hit.passage
    return SearchHit(
        **_passage(passage).model_dump(),
        document_id=passage.document_id,
        title=passage.title,
        source=passage.source,
        kind=passage.kind,
        snippet=hit.snippet,
        rank=hit.rank,
        found_by=[*(["words"] if hit.by_words else []), *(["meaning"] if hit.by_meaning else [])],
    )
