"""Use cases: passages are searched by words, by names of fields and by meaning; passages about names are cited."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.addons.knowledge.documents import FoundPassage, Passage
from app.addons.knowledge.embedding import Embeddings
from app.addons.knowledge.repository import KnowledgeReads
from app.addons.knowledge.searching.fusion import fused
from app.addons.knowledge.searching.highlighting import beginning, snippet
from app.addons.knowledge.searching.terms import SearchTerms, search_terms, terms_of_names
from app.addons.knowledge.vectors.index import Match
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.kernel.db.database import Units
from app.settings import Settings

RANKED: Final = 50
"""Passages of either ranking that are joined."""
MIN_SCORE: Final = 0.2
"""Cosine below which a passage is about something else; unrelated texts have some 0.0 to 0.2 in common models."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and by what."""

    passage: Passage
    rank: float
    """Within this search alone: higher is better."""
    snippet: str
    """HTML: the text escaped, and what was found within `<mark>`."""
    by_words: bool
    by_meaning: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found."""

    hits: Sequence[Hit]
    any_word: bool
    """Whether no passage has all the words, and these have some."""
    no_vectors: NoVectors | None
    """Why nothing was searched by meaning."""


class KnowledgeSearch:
    """Searches passages of active documents. Holds no session while a model or an index is asked."""

    def __init__(self, units: Units, settings: Settings) -> None:
        self._units, self._embeddings = units, Embeddings(units, settings)

    async def search(self, query: str, limit: int) -> Found:
        """The best passages for what a person asks."""
        terms = search_terms(query)
        near = await self._near(query)
        matches = [] if isinstance(near, NoVectors) else [match for match in near if match.score >= MIN_SCORE]
        async with self._units.read() as session:
            reads = KnowledgeReads(session)
            found, any_word = await _by_words(reads, terms)
            passages = await reads.by_ids([match.id for match in matches])
        near_ids = [match.id for match in matches if match.id in passages]
        hits = _hits(found, near_ids, passages, terms.names)
        return Found(hits[:limit], any_word, near if isinstance(near, NoVectors) else None)

    async def _near(self, query: str) -> Sequence[Match] | NoVectors:
        try:
            async with asyncio.timeout(self._embeddings.search_seconds):
                return await self._embeddings.nearest(query, RANKED)
        except TimeoutError:
            return NoVectors(Obstacle.TIMEOUT)

    async def passages_for(self, names: Sequence[str], limit: int = 20) -> Sequence[Passage]:
        """Passages about any of the names of fields, products or models; those that explain one come first.

        The same names and documents give the same passages: words alone are compared, and no model is asked.
        """
        terms = terms_of_names(names)
        if not terms.words:
            return []
        async with self._units.read() as session:
            found = await KnowledgeReads(session).search(terms, limit, any_word=False)
        return [each.passage for each in found]


async def _by_words(reads: KnowledgeReads, terms: SearchTerms) -> tuple[Sequence[FoundPassage], bool]:
    """Passages with all the words; where there is none, with any of them, and that this is so."""
    found = await reads.search(terms, RANKED, any_word=False)
    if found or not terms.is_plain:
        return found, False
    some = await reads.search(terms, RANKED, any_word=True)
    return some, bool(some)


def _hits(
    found: Sequence[FoundPassage], near: Sequence[UUID], passages: Mapping[UUID, Passage], names: Collection[str]
) -> list[Hit]:
    by_words = {each.passage.id: each for each in found}
    if not near:
        return [Hit(each.passage, each.rank, _snippet(each, names), by_words=True, by_meaning=False) for each in found]
    hits, by_meaning = [], set(near)
    for passage_id, score in fused(list(by_words), near):
        worded = by_words.get(passage_id)
        passage = worded.passage if worded is not None else passages[passage_id]
        shown = _snippet(worded, names) if worded is not None else beginning(passage.text)
        hits.append(Hit(passage, score, shown, by_words=worded is not None, by_meaning=passage_id in by_meaning))
    return hits


def _snippet(found: FoundPassage, names: Collection[str]) -> str:
    return snippet(found.marked, found.passage.text, names)
