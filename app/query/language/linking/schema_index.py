"""Phrases by which tables and columns may be called, with what each is worth. Made once of a vocabulary. Pure."""

import re
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final

from app.catalog.glossary.terms import Meaning, Term
from app.catalog.joins.discovery.naming import split
from app.query.language.linking.codes import Coded, coded_words
from app.query.language.linking.dictionary import SYNONYMS
from app.query.language.linking.keys import shown_columns
from app.query.language.linking.names import Words, table_words, words_of
from app.query.language.linking.other_words import OtherWords
from app.query.language.reading.lexicon import PHRASES
from app.query.language.reading.stems import lemma, normalized, stem
from app.query.language.vocabulary.model import Column, Kind, Table, Vocabulary

_QUALIFIERS: Final = frozenset(
    ("daily", "weekly", "monthly", "yearly", "snapshot", "history", "log", "record", "entry", "list", "info", "detail")
)
_DROPPED: Final = {
    "name": 0.88, "type": 0.8, "number": 0.85, "count": 0.85, "text": 0.85, "string": 0.9, "code": 0.7, "title": 0.7,
    "rate": 0.7, "amount": 0.75, "flag": 0.9, "value": 0.75, "time": 0.8, "timestamp": 0.9, "at": 0.9, "on": 0.9,
    "date": 0.75,
}  # fmt: skip
"""Last words of columns that may be left out, and what is left of the worth then."""
_UNITS: Final = frozenset(
    """
    second minute hour ms day km kilometer meter metre mile ft foot cm mm inch kg kilogram gram mg lb pound liter litre
    gb mb kb usd eur gbp dollar euro percent pct celsius fahrenheit kwh kw watt mph kmh
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
"""Last words of columns of numbers that say in what they are measured: `delay_minutes` is the delay."""
_MEASURED: Final = 0.85
_COUNTED: Final = frozenset(("number", "count", "total", "num"))
_KEYS: Final = frozenset(("id", "key", "code", "number"))

_MORE: Final = re.compile(r"[,;.:(\[]|\s(?:of|in|for|from|at|on|by|per|when|where|that|which|as|is|-)\s", re.IGNORECASE)
_LISTED: Final = re.compile(r"[\w'-]+(?: [\w'-]+)?(?:\s*[,/|]\s*[\w'-]+(?: [\w'-]+)?)*(?:,? or |, [\w'-]+, )[\w'-]+")
"""A description that begins with a list of values, `active, pending or sold`, and calls the column nothing."""
_QUANTITIES: Final = frozenset(
    ("revenue", "income", "turnover", "spend", "spending", "cost", "amount", "value", "volume")
)
_ARTICLES: Final = frozenset(("the", "a", "an"))


@dataclass(frozen=True, slots=True)
class Named:
    """A table, or a column of it, that a phrase may mean."""

    table: str
    column: str | None
    worth: float
    evidence: str


_FORMED: Final = 0.88
"""What is left of the worth of a word in another form."""

Places = dict[tuple[str, str | None], Named]
"""By table and column, how sure it is that they are meant."""


class Phrases:
    """Phrases to what they may name, by words in order, glued, in any order, and by stems."""

    def __init__(self) -> None:
        self.exact: dict[str, Places] = {}
        self.bags: dict[Words, Places] = {}
        self.stems: dict[str, Places] = {}
        self.formed: dict[str, Places] = {}
        self.codes: dict[str, list[Coded]] = {}
        self.coded_stems: dict[str, list[Coded]] = {}

    def add(self, words: Words, named: Named) -> None:
        """Let the words name a table or column, also in other forms and, for less, in another order."""
        place = (named.table, named.column)
        for key in {" ".join(words), "".join(words)}:
            _keep(self.exact.setdefault(key, {}), place, named)
        if len(words) > 1:
            formed = Named(named.table, named.column, named.worth * _FORMED, f"{named.evidence}, in other forms")
            _keep(self.formed.setdefault(" ".join(stem(word) for word in words), {}), place, formed)
        if 2 <= len(words) <= 4:  # noqa: PLR2004
            weaker = Named(named.table, named.column, named.worth * 0.92, f"{named.evidence}, in another order")
            _keep(self.bags.setdefault(tuple(sorted(words)), {}), place, weaker)

    def add_stem(self, word: str, named: Named) -> None:
        """Let any form of the word name a table or column."""
        _keep(self.stems.setdefault(stem(word), {}), (named.table, named.column), named)

    def add_code(self, word: str, coded: Coded) -> None:
        """Let the words stand for a code in a column."""
        self.codes.setdefault(word, []).append(coded)
        stems = " ".join(stem(each) for each in word.split())
        formed = replace(coded, worth=coded.worth * _FORMED, evidence=f"a form of {coded.evidence}")
        if formed not in (others := self.coded_stems.setdefault(stems, [])):
            others.append(formed)

    def sources(self, words: Sequence[str]) -> Iterator[Places | None]:
        """What the words, in the singular, may name, by each way of looking them up."""
        yield self.exact.get(" ".join(words))
        if len(words) > 1:
            yield self.exact.get(lemma("".join(words)))
            yield self.bags.get(tuple(sorted(words)))
            yield self.formed.get(" ".join(stem(word) for word in words))
        elif len(words[0]) > 3:  # noqa: PLR2004
            yield self.exact.get(lemma(words[0]))
            yield self.stems.get(stem(words[0]))


class SchemaIndex:
    """The phrases of the names of tables and columns, and those of terms."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.phrases = Phrases()
        self.tables = {table.name: table for table in vocabulary.tables}
        self.words = table_words(vocabulary)
        self.key_columns = {(table.name, name) for table in vocabulary.tables for name in table.key}
        self._shown: dict[str, tuple[Column, ...]] = {}
        self._whole_names = set(self.words.values())
        for table in vocabulary.tables:
            self._index_table(table)
            for column in table.columns:
                self._index_column(table, column)
        self.terms = self._terms(vocabulary.glossary)
        columns = [column for table in vocabulary.tables for column in table.columns]
        described = [word for column in columns for word in _headline(column.description or "")]
        self.other_words = OtherWords(self.names, described)
        """The words of names, as they replace words that are in none of them; made once, and kept when told more."""

    def _terms(self, glossary: Sequence[Term]) -> Phrases:
        phrases = Phrases()
        for entry in glossary:
            self._index_term(phrases, entry)
        return phrases

    def _index_term(self, phrases: Phrases, entry: Term) -> None:
        table = self.tables.get(entry.table or "")
        if table is None or (entry.column is not None and table.column(entry.column) is None):
            return
        words = _lemmas(entry.term)
        if entry.meaning in {Meaning.TABLE, Meaning.COLUMN}:
            column = entry.column if entry.meaning is Meaning.COLUMN else None
            phrases.add(words, Named(table.name, column, 1.0, "a term of the glossary"))
        elif entry.meaning is Meaning.VALUE and entry.column is not None and entry.value is not None:
            coded = Coded(table.name, entry.column, entry.value, 0.99, "a term of the glossary")
            phrases.add_code(" ".join(words), coded)

    @cached_property
    def names(self) -> frozenset[str]:
        """The single words of which the names of tables and columns are made, as they are spelt there and as read."""
        tables = self.vocabulary.tables
        spelt = (split(name) for table in tables for name in (table.name, *(column.name for column in table.columns)))
        of_columns = (words_of(table, column) for table in tables for column in table.columns)
        return frozenset(word.lower() for words in (*spelt, *self.words.values(), *of_columns) for word in words)

    def told(self, vocabulary: Vocabulary) -> "SchemaIndex":
        """The phrases of the same tables, with the terms of a vocabulary."""
        found = copy(self)
        found.vocabulary, found.terms = vocabulary, self._terms(vocabulary.glossary)
        return found

    def _index_table(self, table: Table) -> None:
        for words, worth, evidence in self._table_phrases(table):
            if words:
                self.phrases.add(words, Named(table.name, None, worth, evidence))
        words = self.words[table.name]
        if len(words) == 1:
            self.phrases.add_stem(words[0], Named(table.name, None, 0.6, "a form of the table's name"))

    def _table_phrases(self, table: Table) -> Iterator[tuple[Words, float, str]]:
        words = self.words[table.name]
        yield words, 1.0, "the table's name"
        yield (lemma(table.name),), 1.0, "the table's name"
        core = _core(words)
        if core != words:
            yield core, 0.97, "the table's name"
        for begin in range(1, len(core)):
            suffix = core[begin:]
            if suffix not in self._whole_names and not (len(suffix) == 1 and suffix[0] in _KEYS):
                yield suffix, 0.85, "the end of the table's name"
        for word in core[:-1]:
            if (word,) not in self._whole_names and word not in _KEYS:
                yield (word,), 0.5, "a part of the table's name"
        for place, word in enumerate(core):
            for other in SYNONYMS.get(word, ()):
                yield (*core[:place], other, *core[place + 1 :]), 0.8, f"{other} for {word}"
        for label in table.labels:
            yield _said(label), 0.97, "a label"
        described = _said(table.description or "")
        for begin in range(len(described) if len(described) <= 4 else 0):  # noqa: PLR2004 - a name, not a text
            yield described[begin:], 0.78 if begin else 0.85, "the description"

    def _index_column(self, table: Table, column: Column) -> None:
        words = words_of(table, column)
        owner = _core(self.words[table.name])
        for phrase, worth, evidence in self._column_phrases(table, column, words):
            if not phrase:
                continue
            self.phrases.add(phrase, Named(table.name, column.name, worth, evidence))
            flagged = words[-1] == "flag" and phrase == words[:-1]  # active customers are not their active flag
            if phrase[: len(owner)] != owner and phrase[-1:] != owner[-1:] and not flagged:
                said = f"{evidence} of the table"
                for begin in range(len(owner)):
                    self.phrases.add((*owner[begin:], *phrase), Named(table.name, column.name, worth, said))
                self.phrases.add((*phrase, "of", owner[-1]), Named(table.name, column.name, worth * 0.95, said))
                self.phrases.add((*phrase, owner[-1]), Named(table.name, column.name, worth * 0.85, said))
        if len(words) == 1 or (len(words) == 2 and words[1] in _DROPPED):  # noqa: PLR2004
            self.phrases.add_stem(words[0], Named(table.name, column.name, 0.6, "a form of the column's name"))
        for said, coded in coded_words(table, self.words[table.name], column):
            self.phrases.add_code(said, coded)

    def _column_phrases(self, table: Table, column: Column, words: Words) -> Iterator[tuple[Words, float, str]]:
        yield words, 1.0, "the column's name"
        plain = tuple(lemma(word) for word in split(column.name))
        if plain != words:
            yield plain, 0.95, "the column's name"
        yield (lemma(column.name),), 1.0, "the column's name"
        yield from self._of_rows(table, column)
        if len(words) > 1:
            yield from self._in_part(words, column)
        yield from _synonymous(words)
        if column.kind is Kind.TEXT and words[-1] not in _DROPPED:
            yield (*words, "name"), 0.85, "the column's name with name"
        for label in column.labels:
            yield _said(label), 0.97, "a label"
        if said := _headline(column.description or ""):
            yield said, 0.85 if len(said) == len((column.description or "").split()) else 0.78, "the description"

    def _of_rows(self, table: Table, column: Column) -> Iterator[tuple[Words, float, str]]:
        """What the column is called as the key of the table, or as what shows its rows."""
        if (table.name, column.name) in self.key_columns and len(table.key) == 1:
            yield (*self.words[table.name], "id"), 0.97, "the key of the table"
            yield (self.words[table.name][-1], "id"), 0.95, "the key of the table"
            yield ("id",), 0.6, "the key of a table"
        if column in self._shown_of(table)[:1]:
            yield (*self.words[table.name], "name"), 0.9, "what the table's rows are called"
            yield ("name",), 0.7, "what the table's rows are called"

    def _shown_of(self, table: Table) -> tuple[Column, ...]:
        if table.name not in self._shown:
            self._shown[table.name] = shown_columns(table)
        return self._shown[table.name]

    def _in_part(self, words: Words, column: Column) -> Iterator[tuple[Words, float, str]]:
        first, last = words[0], words[-1]
        if last in _DROPPED and words[:-1] not in self._whole_names - {()}:
            yield words[:-1], _DROPPED[last], "the column's name in short"
        elif last in _DROPPED:
            yield words[:-1], 0.55, "the column's name in short"
        if last == "amount" and len(words) > 2:  # noqa: PLR2004 - the cost, of `unit_cost_amt`
            yield words[1:-1], 0.65, "a part of the column's name"
        if column.kind is Kind.NUMBER and last in _UNITS and words[:-1] not in self._whole_names:
            yield words[:-1], _MEASURED, "the column's name without its unit"
        if column.kind is Kind.NUMBER and (last in _COUNTED or first in _COUNTED):
            rest = words[:-1] if last in _COUNTED else words[1:]
            for form in (("number", "of", *rest), ("count", "of", *rest), (*rest, "count")):
                yield form, 0.97, "the column's name turned round"
        if len(words) == 2:  # noqa: PLR2004
            yield (last, "of", first), 0.95, "the column's name turned round"
            yield (last, "of", "the", first), 0.95, "the column's name turned round"
        if last not in _KEYS and first != "is":
            for begin in range(1, len(words)):
                yield words[begin:], 0.75 if begin == 1 else 0.65, "the end of the column's name"

    def termed(self, words: str) -> list[Named]:
        """The tables or columns for which the words, in the singular, are a term."""
        return list(self.terms.exact.get(words, {}).values())

    def is_name(self, text: str) -> bool:
        """Whether the words are the whole name of a column or table, in the singular or plural."""
        found = self.phrases.exact.get(" ".join(_lemmas(text)), {})
        return any(each.evidence in {"the column's name", "the table's name"} for each in found.values())

    def find(self, words: Sequence[str], *, others: bool = False) -> list[Named]:
        """What the words, in the singular, may name, the surest first; with `others` by short forms and synonyms."""
        found = self._found(words)
        if others:
            for place, named in self._in_other_words(words).items():
                _keep(found, place, named)
        return sorted(found.values(), key=lambda each: (-each.worth, each.table, each.column or ""))

    def _in_other_words(self, words: Sequence[str]) -> Places:
        """What short forms and synonyms of the words may name: a table rather than a column that names it in part."""
        found: Places = {}
        quantity = not _QUANTITIES.isdisjoint(words)
        for other, worth, why in self.other_words.replaced(words):
            for place, named in self._found(other).items():
                if quantity and named.column is None:
                    continue  # revenue is what sales bring, and no sale
                _keep(found, place, Named(named.table, named.column, named.worth * worth, f"{named.evidence}: {why}"))
        surest = max((named.worth for named in found.values() if named.column is None), default=0.0)
        return {place: named for place, named in found.items() if named.column is None or named.worth >= surest}

    def _found(self, words: Sequence[str]) -> Places:
        found: Places = {}
        for phrases in (self.phrases, self.terms):
            for source in phrases.sources(words):
                for place, named in (source or {}).items():
                    _keep(found, place, named)
        return found


def _said(text: str) -> Words:
    """The words of a label or description, in the singular; none where questions are asked by them: `how many`."""
    words = _lemmas(text)
    return () if len(words) > 1 and normalized(text) in PHRASES else words


def _headline(description: str) -> Words:
    """What a description calls the thing it describes, before it says more: `Revenue of the order, in euro`."""
    head = "" if _LISTED.match(description) else _MORE.split(description, maxsplit=1)[0]
    words = tuple(word for word in _said(head) if word not in _ARTICLES)
    return words if len(words) <= 3 else ()  # noqa: PLR2004 - longer, and it is a text


def _synonymous(words: Words) -> Iterator[tuple[Words, float, str]]:
    """The words with one replaced by one that means the same, and without a last word that says little."""
    short = words[:-1] if len(words) > 1 and words[-1] in _DROPPED else words
    for form in {words, short}:
        for place, word in enumerate(form):
            for other in SYNONYMS.get(word, ()):
                worth = 0.8 if form == words else 0.7
                yield (*form[:place], other, *form[place + 1 :]), worth, f"{other} for {word}"


def _core(words: Words) -> Words:
    """The words of a table's name without what says how often it is written."""
    while len(words) > 1 and words[-1] in _QUALIFIERS:
        words = words[:-1]
    return words


def _keep(kept: Places, place: tuple[str, str | None], named: Named) -> None:
    if place not in kept or kept[place].worth < named.worth:
        kept[place] = named


@lru_cache(maxsize=4_096)
def _lemmas(text: str) -> Words:
    return tuple(lemma(word) for word in normalized(text).split())
