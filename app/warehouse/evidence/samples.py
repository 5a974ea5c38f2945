"""What is kept of a relation as evidence for joins: a coordinated sample of the values of every column. Pure.

Invariant: a sample holds *every* distinct value of its column whose hash lies below the sample's threshold, with the
number of rows that have the value. The hash is of the value, by one function for a family of types: so of two columns
the same values are in both samples, up to the lower threshold, and their overlap is that of the columns
(coordinated sampling: Broder 1997; Cohen and Kaplan 2007). Samples of pages cannot show that: two of 1 % have 0.01 % in
common.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HASHES: Final = 1 << 64
"""How many hashes there are: they are numbers from 0 to this, without it. A threshold of `HASHES` keeps every value."""

SAMPLE_SIZE: Final = 1_024
"""Values kept of a column at most: a share has a standard error of at most 1.6 percentage points (sqrt(0.25/n))."""


class Family(StrEnum):
    """Types whose values can be equal, and have the same hash when they are: 1 = 1.0, `'a'` as text or char(3)."""

    NUMBER = "number"
    TEXT = "text"
    UUID = "uuid"
    DATE = "date"
    """Dates and timestamps without a zone."""
    INSTANT = "instant"
    """Timestamps with a zone."""


@dataclass(frozen=True, slots=True)
class ValueSample:
    """Every distinct value of a column whose hash is below the threshold."""

    threshold: int
    """From 1 to `HASHES`. The share of distinct values that are in the sample is `threshold / HASHES`."""
    hashes: "array[int]"
    """Of typecode Q, ascending."""
    counts: "array[int]"
    """Of typecode Q: rows that have the value, in the order of `hashes`."""

    @classmethod
    def of(cls, values: Sequence[tuple[int, int]], threshold: int) -> "ValueSample":
        """The sample of values with a hash below the threshold, `(hash, rows)` ascending, cut to `SAMPLE_SIZE`.

        Where there are more, the hash of the first that is left out is the threshold.
        """
        if len(values) > SAMPLE_SIZE:
            threshold = values[SAMPLE_SIZE][0]
            values = values[:SAMPLE_SIZE]
        return cls(threshold, array("Q", (each for each, _ in values)), array("Q", (rows for _, rows in values)))

    @property
    def complete(self) -> bool:
        """Whether every value is there, so that whatever is counted is exact."""
        return self.threshold >= HASHES

    @property
    def distinct(self) -> int:
        """Distinct values of the column; estimated unless the sample is complete."""
        return round(len(self.hashes) * HASHES / self.threshold)

    def below(self, threshold: int) -> int:
        """How many of the sample's values have a hash below the threshold, which is at most its own."""
        return bisect_left(self.hashes, threshold) if threshold < HASHES else len(self.hashes)


@dataclass(frozen=True, slots=True)
class ColumnEvidence:
    """What one pass over a relation keeps of a column."""

    name: str
    type: str
    """As the catalogue spells it."""
    family: Family
    nulls: int
    """Rows without a value."""
    low: float | None
    """Smallest value: of dates and instants as seconds since 1970; None of texts, uuids, nothing."""
    high: float | None
    """Largest value, likewise."""
    sample: ValueSample


@dataclass(frozen=True, slots=True)
class DeclaredForeignKey:
    """A foreign key that PostgreSQL keeps: its target by the logical name of a table."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableEvidence:
    """What one pass over a relation keeps of a table."""

    table: str
    """Logical name."""
    rows: int
    """Counted."""
    columns: tuple[ColumnEvidence, ...]
    """Those of a family, in the order of the table; others join nothing."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Sets of columns that are unique for certain: of constraints and unique indexes (the primary key first), of a
    contract (its idempotency key, where one row has each key)."""
    foreign_keys: tuple[DeclaredForeignKey, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Multiplicity:
    """How many rows share a value: over the values that occur on both sides."""

    mean: float
    p99: float
    max: int


@dataclass(frozen=True, slots=True)
class JoinMeasure:
    """What a join of left and right on equal columns does. Rows with a null in a column of the join meet nothing."""

    left_rows: int
    left_nulls: int
    """Rows of the left with a null in a column of the join."""
    left_distinct: int
    """Distinct values (of all columns together) of the left, without nulls."""
    left_matched_distinct: int
    """Those of them that occur on the right."""
    left_orphans: int
    """Rows of the left with a value that does not occur on the right."""
    right_rows: int
    right_nulls: int
    right_distinct: int
    fan_out: Multiplicity | None
    """Rows of the left for a value that occurs on both sides; None when none does."""
    multiplication: Multiplicity | None
    """Rows of the right for a value that occurs on both sides: 1, 1, 1 where the right is unique."""
    left_unique: bool
    """Whether no two rows of the left have the same value, as far as this rests on."""
    right_unique: bool
    """Whether no two rows of the right have the same value, likewise."""
    values: int
    """Distinct values of the left that this rests on; `left_distinct` when exact."""
    exact: bool
    """Counted; otherwise estimated from samples."""

    @property
    def cardinality(self) -> str:
        """`1:1`, `n:1`, `1:n` or `n:m`, left to right: 1 stands for a side on which no value repeats."""
        if not self.left_unique and not self.right_unique:
            return "n:m"
        return f"{'1' if self.left_unique else 'n'}:{'1' if self.right_unique else 'n'}"

    @property
    def containment(self) -> float:
        """Share of the left's distinct values that occur on the right; 0 of nothing."""
        return self.left_matched_distinct / self.left_distinct if self.left_distinct else 0.0

    @property
    def coverage(self) -> float:
        """Share of the right's distinct values that occur on the left; 0 of nothing."""
        return self.left_matched_distinct / self.right_distinct if self.right_distinct else 0.0

    @property
    def orphan_rate(self) -> float:
        """Share of the left's rows with a value that find no row on the right; 0 of nothing."""
        present = self.left_rows - self.left_nulls
        return self.left_orphans / present if present else 0.0
