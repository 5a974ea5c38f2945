"""The relations that the caller may read, as the guard knows them.

Invariant: the guard knows no relation and no column beyond these; hidden `_spyne_*` columns are never among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from heapq import nlargest
from typing import Final
from uuid import UUID

HIDDEN_PREFIX: Final = "_spyne_"
NAMES_SHOWN: Final = 3
NAMES_COMPARED: Final = 50


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A visible column and its declared type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class RelationView:
    """A version of a logical table, already resolved by role and state, and where its rows are."""

    table_id: UUID | str
    logical_name: str
    version: int
    state: str
    schema: str
    relation: str
    columns: tuple[ColumnView, ...]


@dataclass(frozen=True, slots=True)
class FanOut:
    """How many rows of one side of a join share a value that occurs on both sides."""

    mean: float
    p99: float
    max: int

    @property
    def multiplies(self) -> bool:
        """Whether some row of the other side meets several."""
        return self.max > 1


ONE: Final = FanOut(1.0, 1.0, 1)


@dataclass(frozen=True, slots=True)
class AcceptedJoin:
    """A join of two logical tables that an administrator has accepted: column i of one equals column i of the other.

    The numbers are those of the last exact measurement. In most joins the left refers to the right (n:1).
    """

    join_id: UUID | str
    left_table: str
    left_columns: tuple[str, ...]
    right_table: str
    right_columns: tuple[str, ...]
    version: int = 1
    left_rows: FanOut | None = None
    """Rows of the left that a matched row of the right meets; None when nothing is known."""
    right_rows: FanOut | None = None
    """Rows of the right that a matched row of the left meets: `ONE` of an n:1 join."""
    orphan_rate: float | None = None
    """Share of the left's rows with a value that meet no row of the right."""
    decayed: str | None = None
    """Why the join does not hold any more as it was accepted; None while it does."""
    cardinality: str | None = None
    """`1:1`, `n:1`, `1:n` or `n:m`, of left to right, as it was measured; None when nothing is known."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The relations that the caller may read, by logical name, and the accepted joins between them."""

    relations: Mapping[str, RelationView]
    joins: tuple[AcceptedJoin, ...] = field(default=())

    @classmethod
    def of(cls, relations: Iterable[RelationView], joins: Iterable[AcceptedJoin] = ()) -> "Catalog":
        """The catalog of these relations; a later one replaces an earlier one of the same logical name."""
        return cls({relation.logical_name: relation for relation in relations}, tuple(joins))


def nearest_names(name: str, names: Iterable[str]) -> str | None:
    """Up to three of `names` most like `name`; without any likeness the first three; None if there are none."""
    known = sorted(set(names))
    if len(known) > NAMES_COMPARED:  # those which share most of its letters; comparing takes a time of its own
        letters = set(name)
        known = sorted(nlargest(NAMES_COMPARED, known, key=lambda other: len(letters.intersection(other)) - len(other)))
    close = get_close_matches(name, known, n=NAMES_SHOWN, cutoff=0.5) or known[:NAMES_SHOWN]
    return ", ".join(close) or None
