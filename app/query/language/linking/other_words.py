"""Words of a question that no name has, replaced by words of names: by short forms and by synonyms. Pure."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, islice, product
from math import prod
from typing import Final

from app.catalog.joins.discovery.words import ABBREVIATIONS, SUFFIXES
from app.query.language.linking.dictionary import SHORT_FORMS, WORDS
from app.query.language.linking.shortening import LONGEST, named_by
from app.query.language.linking.synonyms import LIKE_WORDS
from app.query.language.reading.lexicon import FILLERS, LINKING_VERBS, PHRASES

_SYNONYM: Final = 0.82
"""What is left of the worth of a name that a synonym is said for."""
_MOST: Final = 12
"""Replacements of a span that are looked up."""
_SHORTEST: Final = 3
"""Letters of the shortest word of a question that a short form stands for, or a synonym."""

Replaced = tuple[tuple[str, ...], float, str]
"""Words, what is left of the worth of what they name, and why."""
_Option = tuple[str, float, str]


class OtherWords:
    """The words of the names of a schema, as they replace words that are in none of them."""

    def __init__(self, names: Collection[str], described: Collection[str] = ()) -> None:
        """Takes the single words of the names of tables and columns, and of what their comments call them."""
        self._names = frozenset(names)
        self._said = self._names | frozenset(described)
        self._shorts: dict[str, list[str]] = {}
        for name in sorted(filter(_is_short, self._names)):
            self._shorts.setdefault(name[0], []).append(name)

    def replaced(self, words: Sequence[str]) -> Iterator[Replaced]:
        """The words with those that no name has replaced by words that one has, in every way, the surest first."""
        yield from _every_way(words, [[*self._shorts_of(word), *self._synonyms_of(word)] for word in words])

    def shortened(self, words: Sequence[str]) -> Iterator[Replaced]:
        """The words with those that no name has replaced by short forms alone."""
        yield from _every_way(words, [self._shorts_of(word) for word in words])

    def _shorts_of(self, word: str) -> list[_Option]:
        if self._is_left(word):
            return []
        found = [(short, named_by(short, word)) for short in self._shorts.get(word[0], ())]
        return sorted(
            ((short, worth, f"{short} for {word}") for short, worth in found if worth), key=lambda each: -each[1]
        )

    def _synonyms_of(self, word: str) -> list[_Option]:
        likes = () if self._is_left(word) else LIKE_WORDS.get(word, ())
        return [(like, _SYNONYM, f"{like} for {word}") for like in likes if like in self._said]

    def _is_left(self, word: str) -> bool:
        return word in self._names or len(word) < _SHORTEST or word in PHRASES or word in FILLERS


def _every_way(words: Sequence[str], others: Sequence[Sequence[_Option]]) -> Iterator[Replaced]:
    """The words with others in their place, and what that is worth; never as they stand."""
    options = [[(word, 1.0, ""), *each] for word, each in zip(words, others, strict=True)]
    for chosen in islice(product(*options), 1, _MOST):
        yield (
            tuple(word for word, _ in groupby(word for word, _, _ in chosen)),  # subscription plan: a plan
            prod(worth for _, worth, _ in chosen),
            ", ".join(why for _, _, why in chosen if why),
        )


def _is_short(name: str) -> bool:
    """Whether the word of a name may be a short form: it is no word by itself."""
    if len(name) > LONGEST or not name.isalpha():
        return False
    known = name in SHORT_FORMS or name in ABBREVIATIONS or name in SUFFIXES
    return known or not (name in WORDS or name in LINKING_VERBS or name in FILLERS or name in PHRASES)
