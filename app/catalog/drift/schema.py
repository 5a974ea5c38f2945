"""A schema as drift compares it, wherever it comes from: a contract, a batch, a live relation, another tool. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ValueProfile:
    """What is known of a column's values: the evidence for a rename that no catalog records."""

    rows: int
    """Rows that were looked at."""
    nulls: int
    """Rows without a value, or where the value was null."""
    sketch: frozenset[int] = frozenset()
    """The smallest 64-bit hashes of distinct values (a bottom-k sketch): equal values have equal hashes."""


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A column of a schema."""

    name: str
    type: str | None
    """As it was declared, in whatever spelling; None where nothing says what it is."""
    nullable: bool = True
    default: Any = None
    """The default as text; None when there is none."""
    number: int | None = None
    """`attnum` of a column of a live relation: stays with the column through every change of its name."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else was declared, by the standard's names: `pattern`, `enum`, `minimum`, `unique`, `primaryKey`,
    `description`, `tags`, `classification`, … Their values are JSON."""
    values: ValueProfile | None = None


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns in order, and what is declared of all of them together."""

    fields: tuple[SchemaField, ...]
    key: tuple[str, ...] | None = None
    """The idempotency key, or the primary key of a relation; None where that is not known."""
    semantics: Mapping[str, Any] | None = None
    """The six ingestion semantics as a contract writes them, with `dedupe_window_seconds`; None without any."""
    relation: int | None = None
    """`oid` of a live relation: with the same one, columns are told apart by their numbers."""

    def field_named(self, name: str) -> SchemaField | None:
        """The column of that name."""
        return next((each for each in self.fields if each.name == name), None)
