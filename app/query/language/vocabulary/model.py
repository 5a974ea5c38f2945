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
"""Distinct values up to which a column is one of categories: single words of its values mean something, too."""


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


class ListedValues:
    """An index of values held in memory: a value is found by itself, by its stem, and in categories by a word."""

    def __init__(self, values: Mapping[tuple[str, str], Iterable[str]]) -> None:
        self._distinct = {place: tuple(dict.fromkeys(texts)) for place, texts in values.items()}
        self._whole: dict[str, list[ValueHit]] = {}
        self._stems: dict[str, list[ValueHit]] = {}
        self._words: dict[str, list[ValueHit]] = {}
        for (table, column), texts in self._distinct.items():
            few = len(texts) <= FEW
            for text in texts:
                self._add(table, column, text, few=few)

    def _add(self, table: str, column: str, text: str, *, few: bool) -> None:
        plain = normalized(text)
        if not plain:
            return
        self._whole.setdefault(plain, []).append(ValueHit(table, column, text))
        words = plain.split()
        if few:
            stems = " ".join(stem(word) for word in words)
            self._stems.setdefault(stems, []).append(ValueHit(table, column, text, 0.85))
        if len(words) > 1:
            for word in dict.fromkeys(words):
                if len(word) > 2:  # noqa: PLR2004 - two letters are in everything
                    self._words.setdefault(word, []).append(ValueHit(table, column, text, 0.6))

    def find(self, text: str) -> Sequence[ValueHit]:
        """Where the text stands as a value; the surest first."""
        plain = normalized(text)
        stems = " ".join(stem(word) for word in plain.split())
        found = [*self._whole.get(plain, ()), *self._stems.get(stems, ()), *self._words.get(plain, ())]
        best: dict[tuple[str, str, str], ValueHit] = {}
        for hit in found:
            best.setdefault((hit.table, hit.column, hit.value), hit)
        return tuple(best.values())

    def distinct(self, table: str, column: str) -> Sequence[str] | None:
        """All values of the column, if they are few."""
        values = self._distinct.get((table, column))
        return values if values is not None and len(values) <= FEW else None


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
