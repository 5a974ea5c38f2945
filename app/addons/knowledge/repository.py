"""All SQL of documents and their passages."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update

from app.addons.knowledge.documents import DocumentKind, FoundPassage, KnowledgeDocument, Passage
from app.addons.knowledge.models import KnowledgeChunkRow, KnowledgeDocumentRow
from app.addons.knowledge.reading.outcome import ReadPassage
from app.addons.knowledge.searching.highlighting import BEGIN, END
from app.addons.knowledge.searching.terms import SearchTerms
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import listed, newest_first
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest

D = KnowledgeDocumentRow.__table__.c
C = KnowledgeChunkRow.__table__.c

MOST_RANKED: Final = 100
"""Passages of a search that are ranked and joined with those found by meaning."""
MOST_COMPARED: Final = 50_000
"""Passages with the words of a search that are looked at: `ts_rank` takes some 2 microseconds for each."""
LIKELY: Final = 300
"""The best of these by `ts_rank` are ranked by `ts_rank_cd`, which sees how close words stand, and takes fifty times
as long."""
_WEIGHTS: Final = "'{0.1, 0.4, 0.7, 1.0}'"
"""Of text, names mentioned, headings, names explained: `models.SEARCHED`."""
_BY_LENGTH: Final = 1
"""`ts_rank_cd` divides by 1 + the logarithm of the length (manual 12.3.3): long passages have all words by chance."""
_HEADLINE: Final = (
    f'StartSel={BEGIN}, StopSel={END}, MaxFragments=2, MaxWords=40, MinWords=12, ShortWord=1, FragmentDelimiter=" … "'
)

_ALL_WORDS: Final = " || ".join(
    f"websearch_to_tsquery('{language}', :{text_})"
    for language in ("english", "simple")
    for text_ in ("words", "plain")
)
_ANY_WORD: Final = " || ".join(
    f"CAST(replace(CAST(plainto_tsquery('english', :{text_}) AS text), '&', '|') AS tsquery)"
    for text_ in ("words", "plain")
)
"""Without `simple`, in which `the` and `of` would be words that say as much as others."""
_PASSAGE: Final = "c.id, c.document_id, d.title, d.source, d.kind, c.ordinal, c.heading_path, c.body"

DOCUMENT_SORTS: Final = {"title": D.title, "kind": D.kind, "created_at": D.created_at}
"""Columns by which the list may be sorted."""


class KnowledgeReads:
    """Reads documents and passages."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def page(
        self, search: str | None, kind: DocumentKind | None, request: PageRequest, *, active: bool
    ) -> Page[KnowledgeDocument]:
        """Documents that are active, or those that are not, newest first."""
        statement = select(*D).where(D.is_active.is_(active))
        if search:
            statement = statement.where(func.lower(D.title).contains(search.lower(), autoescape=True))
        if kind is not None:
            statement = statement.where(D.kind == kind.value)
        return await listed(self.session, statement, request, newest_first(D.id, DOCUMENT_SORTS), _document)

    async def find(self, document_id: UUID) -> KnowledgeDocument | None:
        """The document, or None."""
        row = (await self.session.execute(select(*D).where(D.id == document_id))).one_or_none()
        return _document(row) if row else None

    async def active_with_content(self, sha256: str) -> UUID | None:
        """The active document of this content, or None."""
        statement = select(D.id).where(D.sha256 == sha256, D.is_active)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def passages_of(self, document_id: UUID, begin: int, most: int) -> Sequence[Passage]:
        """Passages of a document from this place on, in its order."""
        statement = text(
            f"SELECT {_PASSAGE} FROM spyne.knowledge_chunks c JOIN spyne.knowledge_documents d ON d.id = c.document_id "  # noqa: S608 - constants
            "WHERE c.document_id = :document_id AND c.ordinal >= :begin ORDER BY c.ordinal LIMIT :most"
        )
        found = await self.session.execute(statement, {"document_id": document_id, "begin": begin, "most": most})
        return [_passage(row) for row in found]

    async def by_ids(self, ids: Sequence[UUID]) -> dict[UUID, Passage]:
        """Passages of active documents among these, by id."""
        statement = text(
            f"SELECT {_PASSAGE} FROM spyne.knowledge_chunks c JOIN spyne.knowledge_documents d ON d.id = c.document_id "  # noqa: S608 - constants
            "WHERE c.id = ANY(:ids) AND d.is_active"
        )
        return {row.id: _passage(row) for row in await self.session.execute(statement, {"ids": list(ids)})}

    async def search(self, terms: SearchTerms, most: int, *, any_word: bool) -> Sequence[FoundPassage]:
        """Passages of active documents that have all the words, or any; those that explain a name first.

        The best `MOST_RANKED` at most.
        """
        query = _ANY_WORD if any_word else _ALL_WORDS
        statement = text(
            f"WITH asked AS MATERIALIZED (SELECT {query} AS query), "  # noqa: S608 - constants
            f"likely AS (SELECT c.id, a.query FROM asked a CROSS JOIN LATERAL (SELECT c.id, c.searched "
            "FROM spyne.knowledge_chunks c JOIN spyne.knowledge_documents d ON d.id = c.document_id "
            "WHERE d.is_active AND c.searched @@ a.query LIMIT :compared) c "
            f"ORDER BY ts_rank({_WEIGHTS}, c.searched, a.query, {_BY_LENGTH}) DESC, c.id LIMIT :likely), "
            f"best AS (SELECT c.id, ts_rank_cd({_WEIGHTS}, c.searched, l.query, {_BY_LENGTH}) AS rank, l.query "
            "FROM likely l JOIN spyne.knowledge_chunks c ON c.id = l.id "
            "ORDER BY rank DESC, c.document_id, c.ordinal LIMIT :most) "
            f"SELECT {_PASSAGE}, b.rank, ts_headline('english', c.body, b.query, :headline) AS marked FROM best b "
            "JOIN spyne.knowledge_chunks c ON c.id = b.id JOIN spyne.knowledge_documents d ON d.id = c.document_id "
            "ORDER BY b.rank DESC, c.document_id, c.ordinal"
        )
        asked = {
            "words": terms.words,
            "plain": terms.plain,
            "most": min(most, MOST_RANKED),
            "compared": MOST_COMPARED,
            "likely": LIKELY,
            "headline": _HEADLINE,
        }
        return [
            FoundPassage(_passage(row), row.rank, row.marked) for row in await self.session.execute(statement, asked)
        ]


class KnowledgeWrites(KnowledgeReads):
    """Adds and changes documents."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock_content(self, sha256: str) -> None:
        """Nobody else makes a document of this content active before this transaction ends."""
        key = func.hashtextextended(f"spyne.knowledge:{sha256}", 0)
        await self.writer.execute(select(func.pg_advisory_xact_lock(key)))

    async def locked(self, document_id: UUID) -> KnowledgeDocument | None:
        """The document, which nobody else changes before this transaction ends; None when there is none."""
        row = (await self.writer.execute(select(*D).where(D.id == document_id).with_for_update())).one_or_none()
        return _document(row) if row else None

    async def add(self, values: Mapping[str, Any], passages: Sequence[ReadPassage]) -> KnowledgeDocument:
        """The document, active, with its passages."""
        row = (await self.writer.execute(insert(KnowledgeDocumentRow).values(**values).returning(*D))).one()
        title = values["title"]
        rows = [
            {
                "id": new_id(),
                "document_id": row.id,
                "ordinal": ordinal,
                "heading_path": passage.headings,
                "body": passage.text,
                "heading": "\n".join([title, *passage.headings]),
                "defined_names": " ".join(passage.defined),
                "mentioned_names": " ".join(passage.mentioned),
            }
            for ordinal, passage in enumerate(passages, 1)
        ]
        await self.writer.execute(insert(KnowledgeChunkRow), rows)
        return _document(row)

    async def change(self, document_id: UUID, at: datetime, **changed: Any) -> KnowledgeDocument:
        """The document with these values, its version counted on."""
        statement = (
            update(KnowledgeDocumentRow)
            .where(D.id == document_id)
            .values(version=D.version + 1, changed_at=at, **changed)
            .returning(*D)
        )
        return _document((await self.writer.execute(statement)).one())

    async def retitle_passages(self, document_id: UUID, title: str) -> None:
        """Let the passages be found by another title of their document."""
        statement = text(
            "UPDATE spyne.knowledge_chunks SET heading = array_to_string(ARRAY[CAST(:title AS text)] || "
            "ARRAY(SELECT jsonb_array_elements_text(heading_path)), E'\\n') WHERE document_id = :document_id"
        )
        await self.writer.execute(statement, {"title": title, "document_id": document_id})


_PLAIN: Final = [each.name for each in fields(KnowledgeDocument) if each.name not in {"kind", "extra_metadata"}]


def _document(row: Row[Any]) -> KnowledgeDocument:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return KnowledgeDocument(**plain, kind=DocumentKind(row.kind), extra_metadata=row.metadata)


def _passage(row: Row[Any]) -> Passage:
    kind = DocumentKind(row.kind)
    return Passage(row.id, row.document_id, row.title, row.source, kind, row.ordinal, row.heading_path, row.body)
