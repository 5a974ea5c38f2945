"""Names of tables and columns as words: without prefixes that many share, short forms spelt out, glued ones parted."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from app.catalog.joins.discovery.naming import shared_prefix, split
from app.catalog.joins.discovery.words import ABBREVIATIONS, GENERIC, MEASURES, NOISE, PROSE, SUFFIXES
from app.query.language.linking.dictionary import SHORT_FORMS, WORDS
from app.query.language.reading.stems import lemma
from app.query.language.vocabulary.model import Column, Table, Vocabulary

Words = tuple[str, ...]

_ENDS: Final = ("name", "date", "time", "code", "type", "status", "number", "amount", "price", "title", "count")
_SHORTEST_STEM: Final = 3
_KNOWN: Final = frozenset(WORDS) | GENERIC | MEASURES | PROSE | frozenset(SUFFIXES) | frozenset(ABBREVIATIONS)
_SHORTEST_PART: Final = 2
_LONGEST_PART: Final = 14


def table_words(vocabulary: Vocabulary) -> Mapping[str, Words]:
    """The words of each table's name: without what all names begin with, and without `tbl`, `dim` and the like."""
    names = {table.name: table.name.rpartition(".")[2] for table in vocabulary.tables}
    prefix = shared_prefix(list(names.values()))
    found = {}
    for name, bare in names.items():
        words = list(_parted(bare.removeprefix(prefix) or bare))
        while len(words) > 1 and words[0] in NOISE:
            words = words[1:]
        while len(words) > 1 and words[-1] in NOISE:
            words = words[:-1]
        found[name] = tuple(lemma(word) for word in words) or (bare,)
    return found


def words_of(table: Table, column: Column) -> Words:
    """The words of a column's name, in the singular, without what all columns of its table begin with."""
    return _column_words(column.name, _prefix(tuple(each.name for each in table.columns)))


@lru_cache(maxsize=4_096)
def _prefix(names: tuple[str, ...]) -> str:
    return shared_prefix(names)


@lru_cache(maxsize=16_384)
def _column_words(name: str, prefix: str) -> Words:
    bare = name[len(prefix) :] if prefix and name.startswith(prefix) and len(name) > len(prefix) + 1 else name
    return tuple(lemma(word) for word in _parted(bare)) or (name.lower(),)  # a name of signs alone


def parted_words(name: str) -> Words:
    """The words of the name of a table, glued ones parted, short ones spelt out, in the singular."""
    return tuple(lemma(word) for word in _parted(name.rpartition(".")[2]))


def _parted(name: str) -> Sequence[str]:
    """The words of a name, glued ones parted, short ones spelt out."""
    found: list[str] = []
    for part in split(name):
        for word in _unglued(part):
            long = SHORT_FORMS.get(word) or ABBREVIATIONS.get(word, word)
            found += long.split()
    return found


@lru_cache(maxsize=16_384)
def _unglued(word: str) -> Words:
    """The word parted into known words, the fewest that cover it; as it stands when it cannot be."""
    if word in _KNOWN or lemma(word) in _KNOWN or len(word) <= 4:  # noqa: PLR2004
        return (word,)
    best: list[Words | None] = [None] * (len(word) + 1)
    best[0] = ()
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_PART), end - _SHORTEST_PART + 1):
            before, part = best[start], word[start:end]
            if before is None or not (part in _KNOWN or lemma(part) in _KNOWN):
                continue
            candidate = (*before, part)
            current = best[end]
            if current is None or len(candidate) < len(current):
                best[end] = candidate
    return best[-1] or _ended(word)


def _ended(word: str) -> Words:
    """The word parted before an end that columns have, whatever is in front: `subname`, `cardno`; else as it stands."""
    ends = (end for end in _ENDS if word.endswith(end) and len(word) - len(end) >= _SHORTEST_STEM)
    end = max(ends, key=len, default="")
    return (word[: -len(end)], end) if end else (word,)
