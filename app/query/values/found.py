"""The values that the words of one question stand for: an index for the engine, fetched before the question is read."""

from typing import Final

from app.query.language.linking.value_links import looked_up_for
from app.query.language.reading.stems import normalized, stem
from app.query.language.vocabulary.model import ValuesByTerm

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


class FoundValues(ValuesByTerm):
    """What the index has of one question."""
