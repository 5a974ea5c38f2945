"""The words of a table: names, descriptions, labels, keys, and which columns are private. Pure records."""

from dataclasses import dataclass
from uuid import UUID

from app.catalog.tables.lifecycle import TableState
from app.warehouse.naming import RelationName


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column, and what is said of it."""

    name: str
    type: str
    description: str | None
    labels: tuple[str, ...]
    private: bool
    """Its values are never indexed, shown in explanations, or logged."""


@dataclass(frozen=True, slots=True, eq=False)
class TableWords:
    """The version that a name stands for in queries, and what is said of it.

    Compared as an object: as long as nothing else is said of a table the same object is answered, so that what is made
    of it can be kept beside it.
    """

    table_id: UUID
    name: str
    version: int
    state: TableState
    relation: RelationName
    schema_version: int
    governed: bool
    description: str | None
    columns: tuple[ColumnName, ...]
    key: tuple[str, ...]
    """Columns that together identify a row: declared, else as far as the data says; empty when nothing does."""
    unique: frozenset[str]
    """Single columns in which no value occurs twice: declared, or as far as the data says."""
