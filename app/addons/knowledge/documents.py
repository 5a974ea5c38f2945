"""A document of knowledge, its passages, and what a search finds. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.kernel.http.etags import etag


class DocumentKind(StrEnum):
    """What a document is about."""

    VENDOR = "vendor"
    """A vendor's words about its product: reference of log fields, administration guide."""
    DATA_MODEL = "data_model"
    """A data model, and what its fields mean."""
    STANDARD = "standard"
    """A format or protocol: an RFC, a specification of a log format."""
    NOTES = "notes"
    """Our own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeDocument:
    """A document, without its passages."""

    id: UUID
    title: str
    source: str | None
    kind: DocumentKind
    media_type: str
    sha256: str
    bytes: int
    pages: int | None
    passages: int
    object_key: str
    extra_metadata: Mapping[str, str]
    is_active: bool
    version: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    deactivated_at: datetime | None

    @property
    def etag(self) -> str:
        """The ETag of the document."""
        return etag(self.id, self.version)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a document, as it is cited."""

    id: UUID
    document_id: UUID
    title: str
    """Of the document."""
    source: str | None
    kind: DocumentKind
    ordinal: int
    """Place in the document, from 1."""
    headings: Sequence[str]
    """Above it, the outermost first."""
    text: str


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that a search found by its words."""

    passage: Passage
    rank: float
    """PostgreSQL's `ts_rank_cd`; comparable within one search alone."""
    marked: str
    """Parts of the text, words that were found between `BEGIN` and `END`."""
