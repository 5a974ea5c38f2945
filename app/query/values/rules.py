"""Which columns are indexed, how much of them, and what is written of each. Pure.

By which texts a value is found says `value_terms` in `app/query/language/vocabulary/model.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.catalog.joins.discovery.naming import split
from app.catalog.joins.discovery.words import LABELS
from app.catalog.vocabulary.words import ColumnName
from app.query.language.reading.stems import normalized, stem
from app.query.language.vocabulary.model import FEW, Kind, ValueTerm, kind_of, value_terms

FORMAT: Final = 2
"""Counts the rules by which the index is made; raised with them, so that every table is indexed anew."""

MOST_CHARACTERS: Final = 120
"""Of a value that is indexed: longer texts are prose, which no question quotes."""

MOST_VALUES: Final = 5_000
"""Distinct values up to which a column that names nothing is indexed; with more it is not."""

MOST_NAMES: Final = 50_000
"""Values of a column of names (`title`, `customer_name`) that are indexed: the most frequent ones of more."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a table may still be written."""

    terms: int
    bytes: int

    def without(self, terms: int, size: int) -> "Room":
        """What is left when so much more was written."""
        return Room(max(0, self.terms - terms), max(0, self.bytes - size))


OF_A_TABLE: Final = Room(terms=500_000, bytes=32 * 1024 * 1024)
"""Terms of a table, and UTF-8 bytes of terms and values: some 80 MB in PostgreSQL with their indexes, so that one table
cannot fill the disk. Its columns take what they need in their order; of one that finds too little room the most
frequent values are kept."""


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """What is written of a column."""

    few: tuple[str, ...] | None
    """All values, where there are few."""
    terms: tuple[ValueTerm, ...]
    bytes: int
    """UTF-8 bytes of terms and values."""
    digest: str
    """Of values and terms, whatever the order of the values: the same, and nothing need be written."""


def indexable(columns: Sequence[ColumnName]) -> list[str]:
    """The columns whose values may be indexed: texts that are not private."""
    return [column.name for column in columns if not column.private and kind_of(column.type) is Kind.TEXT]


def names_things(column: str) -> bool:
    """Whether the values of a column are names, so that the most frequent are of use without the others."""
    return normalized(column.replace("_", " ")).split(" ")[-1] in LABELS


def most_values(column: str) -> int:
    """How many values of a column are indexed."""
    return MOST_NAMES if names_things(column) else MOST_VALUES


def name_stems(name: str) -> list[str]:
    """The stems of the words of a name, by which a question that names a table or column is known."""
    return sorted({stem(word.lower()) for word in split(name)})


def indexed_column(values: Sequence[str], room: Room) -> IndexedColumn:
    """What is written of a column with these distinct values, the most frequent first, as far as there is room."""
    place = {value: number for number, value in enumerate(values)}
    kept: list[ValueTerm] = []
    size = 0
    for each in sorted(value_terms(values), key=lambda term: place[term.value]):
        more = len(each.term.encode()) + len(each.value.encode())
        if len(kept) == room.terms or size + more > room.bytes:
            break
        kept.append(each)
        size += more
    few = tuple(values) if len(values) <= FEW else None
    return IndexedColumn(few, tuple(kept), size, _digest(values, kept))


def _digest(values: Sequence[str], terms: Sequence[ValueTerm]) -> str:
    """Of what is found by which texts; the order of values, which every batch changes, is left out."""
    said = repr((FORMAT, sorted(values), sorted((each.term, each.worth) for each in terms)))
    return hashlib.sha256(said.encode()).hexdigest()
