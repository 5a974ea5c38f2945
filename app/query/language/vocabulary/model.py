"""What the engine knows when it reads a question: tables, joins, values, terms, and what time it is. Pure.

A vocabulary is a snapshot. Whoever makes one decides what the asker may see: a table, column or value that is not in
it cannot be named by any answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from app.catalog.glossary.terms import Term
from app.query.guard.relations import AcceptedJoin
from app.query.language.reading.stems import normalized, stem

FEW: Final = 60
"""Distinct values up to which a column is one of categories: the stems of its values mean something, too."""

MOST_HITS: Final = 40
"""Values of a column that one text finds: a text that finds more is too common to mean one of them."""

OF_STEMS: Final = 0.85
OF_A_WORD: Final = 0.6
"""Worth of a value that is found by its stems, or by one of its words."""

SHORTEST_WORD: Final = 3
"""Two letters are in everything."""


class Kind(StrEnum):
    """What can be done with the values of a column."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    """A day."""
    MOMENT = "moment"
    """A day and a time."""
    BOOLEAN = "boolean"
    OTHER = "other"


_KINDS: Final[Mapping[str, Kind]] = {
    "smallint": Kind.NUMBER, "integer": Kind.NUMBER, "bigint": Kind.NUMBER, "int": Kind.NUMBER, "int2": Kind.NUMBER,
    "int4": Kind.NUMBER, "int8": Kind.NUMBER, "real": Kind.NUMBER, "float4": Kind.NUMBER, "float8": Kind.NUMBER,
    "double precision": Kind.NUMBER, "numeric": Kind.NUMBER, "decimal": Kind.NUMBER, "money": Kind.NUMBER,
    "text": Kind.TEXT, "character varying": Kind.TEXT, "varchar": Kind.TEXT, "character": Kind.TEXT,
    "char": Kind.TEXT, "bpchar": Kind.TEXT, "citext": Kind.TEXT, "name": Kind.TEXT, "string": Kind.TEXT,
    "date": Kind.DATE, "timestamp": Kind.MOMENT, "timestamptz": Kind.MOMENT, "datetime": Kind.MOMENT,
    "timestamp without time zone": Kind.MOMENT, "timestamp with time zone": Kind.MOMENT,
    "boolean": Kind.BOOLEAN, "bool": Kind.BOOLEAN,
}  # fmt: skip


def kind_of(declared: str) -> Kind:
    """What the values of a declared type are: `numeric(10,2)` is a number."""
    bare = declared.lower().strip()
    if "(" in bare:
        head, _, rest = bare.partition("(")
        bare = f"{head.strip()}{rest.partition(')')[2]}".strip()
    return _KINDS.get(bare, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the asker may read."""

    name: str
    type: str
    """As PostgreSQL names it."""
    description: str | None = None
    labels: tuple[str, ...] = ()
    """Other names for it, of a specification or a glossary."""
    unique: bool = False
    """No two rows have the same value."""
    private: bool = False
    """Its values are never looked up or shown; it can still be counted."""

    @property
    def kind(self) -> Kind:
        """What can be done with its values."""
        return kind_of(self.type)

    @property
    def zoned(self) -> bool:
        """Whether its values are moments of the world, and not of a wall clock."""
        return self.type.lower() in {"timestamp with time zone", "timestamptz"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the asker may read."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """Columns that together name a row; empty when nothing is known to."""
    rows: int | None = None
    """About how many rows it has."""
    description: str | None = None
    labels: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class ValueHit:
    """A value that stands in the data."""

    table: str
    column: str
    value: str
    """As it is stored."""
    worth: float = 1.0
    """1 when the whole text is the value, less when it is another form of it or a part."""


class ValueIndex(Protocol):
    """Values of the columns that may be shown. Private columns are never in it."""

    def find(self, text: str) -> Sequence[ValueHit]:
        """Where a text of the question stands as a value; the surest first."""
        ...

    def distinct(self, table: str, column: str) -> Sequence[str] | None:
        """All values of a column of few values; None when it has many, or is not indexed."""
        ...


@dataclass(frozen=True, slots=True)
class ValueTerm:
    """A text that finds a value of a column."""

    term: str
    value: str
    """As it is stored; of a single word one of the values that hold it."""
    worth: float
    place: int
    """Counts the values of the column that the text finds, from 0: the surest first, then the first that was given."""


def value_terms(values: Sequence[str]) -> list[ValueTerm]:
    """The texts by which the distinct values of a column are found: whole values, stems of categories, single words.

    A word finds what holds it, whichever value that is (`name LIKE '%word%'`), so one value stands for all. A word of
    more than `MOST_HITS` values means none of them, and is left out.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    holders: dict[str, list[str]] = {}
    few = len(values) <= FEW
    for value in values:
        plain = normalized(value)
        words = plain.split()
        if not words:
            continue
        found.setdefault(plain, []).append((1.0, value))
        stems = " ".join(stem(word) for word in words) if few else plain
        if stems != plain:
            found.setdefault(stems, []).append((OF_STEMS, value))
        if len(words) > 1:
            for word in dict.fromkeys(words):
                if len(word) >= SHORTEST_WORD:
                    holders.setdefault(word, []).append(value)
    for word, held in holders.items():
        if len(held) <= MOST_HITS:
            found.setdefault(word, []).append((OF_A_WORD, held[0]))
    return [
        ValueTerm(term, value, worth, place)
        for term, hits in found.items()
        for place, (worth, value) in enumerate(sorted(hits, key=lambda hit: -hit[0])[:MOST_HITS])
    ]


class ValuesByTerm:
    """An index of values held in memory, by the terms of `value_terms`."""

    def __init__(self, hits: Iterable[tuple[str, ValueHit]], few: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Takes hits with the term that each is found by, and the columns of few values with all of them."""
        self._hits: dict[str, list[ValueHit]] = {}
        for term, hit in hits:
            self._hits.setdefault(term, []).append(hit)
        self._few = few

    def find(self, text: str) -> Sequence[ValueHit]:
        """Where the text stands as a value; the surest first.

        The stems of the text find whole values of columns of few values, and never a single word of a value.
        """
        plain = normalized(text)
        stems = " ".join(stem(word) for word in plain.split())
        hits = list(self._hits.get(plain, ()))
        if stems != plain:
            hits += [
                ValueHit(hit.table, hit.column, hit.value, OF_STEMS)
                for hit in self._hits.get(stems, ())
                if hit.worth >= OF_STEMS and (hit.table, hit.column) in self._few
            ]
        best: dict[tuple[str, str, str], ValueHit] = {}
        for hit in sorted(hits, key=lambda each: -each.worth):
            best.setdefault((hit.table, hit.column, hit.value), hit)
        return tuple(best.values())

    def distinct(self, table: str, column: str) -> Sequence[str] | None:
        """All values of a column of few values; None of every other column."""
        return self._few.get((table, column))


class ListedValues(ValuesByTerm):
    """An index of all values of some columns."""

    def __init__(self, values: Mapping[tuple[str, str], Iterable[str]]) -> None:
        listed = {place: tuple(dict.fromkeys(texts)) for place, texts in values.items()}
        hits = (
            (each.term, ValueHit(*place, each.value, each.worth))
            for place, texts in listed.items()
            for each in value_terms(texts)
        )
        super().__init__(hits, {place: texts for place, texts in listed.items() if len(texts) <= FEW})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that is known when a question is read."""

    tables: tuple[Table, ...]
    joins: tuple[AcceptedJoin, ...]
    values: ValueIndex
    now: datetime
    """Aware of its zone."""
    zone: ZoneInfo
    """Of days, weeks and months in the question."""
    glossary: tuple[Term, ...] = field(default=())

    def table(self, name: str) -> Table | None:
        """The table of that name."""
        return next((table for table in self.tables if table.name == name), None)
