"""The values that the words of one question stand for: an index for the engine, fetched before the question is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.query.language.linking.value_links import looked_up_for
from app.query.language.reading.stems import normalized, stem
from app.query.language.vocabulary.model import ValueHit

LONGEST: Final = 8
"""Words of a value that a question may quote."""

MOST_WORDS: Final = 400
"""Words of a question that are looked up: the longest question has 2,000 characters."""


def texts_of(question: str) -> set[str]:
    """Every text under which a value may be looked up: runs of words, as they are, by their stems and as codes."""
    words = normalized(question).split()[:MOST_WORDS]
    stems = [stem(word) for word in words]
    runs = [
        (start, end) for start in range(len(words)) for end in range(start + 1, min(len(words), start + LONGEST) + 1)
    ]
    texts = {" ".join(each[start:end]) for each in (words, stems) for start, end in runs}
    return texts | {normalized(other) for text in texts for other in looked_up_for(text)}


class FoundValues:
    """What the index has of one question."""

    def __init__(self, hits: Iterable[tuple[str, ValueHit]], few: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Takes hits with the term that each was found by, and the columns of few values with all of them."""
        self._hits: dict[str, list[ValueHit]] = {}
        for term, hit in hits:
            self._hits.setdefault(term, []).append(hit)
        self._few = few

    def find(self, text: str) -> Sequence[ValueHit]:
        """Where the text stands as a value; the surest first."""
        plain = normalized(text)
        stems = " ".join(stem(word) for word in plain.split())
        best: dict[tuple[str, str, str], ValueHit] = {}
        for hit in sorted((*self._hits.get(plain, ()), *self._hits.get(stems, ())), key=lambda each: -each.worth):
            best.setdefault((hit.table, hit.column, hit.value), hit)
        return tuple(best.values())

    def distinct(self, table: str, column: str) -> Sequence[str] | None:
        """All values of a column of few values; None of every other column."""
        return self._few.get((table, column))
