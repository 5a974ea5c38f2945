"""What is to be observed in rows, in plain Python: one row after another, nothing read twice, nothing in blocks."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.catalog.drift.sketches import SKETCH_SIZE, value_hash

Fits = Callable[[Any], bool]


@dataclass
class Expected:
    """Counts and values, as the observations of a batch must have them."""

    rows: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, list[Any]] = field(default_factory=dict)
    """By name: the values, None among them."""
    misfits: dict[str, list[Any]] = field(default_factory=dict)

    def sketch(self, name: str) -> frozenset[int]:
        """The smallest hashes of the values of an unknown field."""
        hashes = {value_hash(value) for value in self.unknown[name] if value is not None}
        return frozenset(sorted(hashes)[:SKETCH_SIZE])


def is_whole(low: int, high: int) -> Fits:
    """Whether a value is an integer between these."""
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and low <= value <= high
    )


def is_text(most: int | None = None) -> Fits:
    """Whether a value is a text of so many characters."""
    return lambda value: isinstance(value, str) and (most is None or len(value) <= most)


def is_numeric(below: Decimal) -> Fits:
    """Whether a value is a number whose size is below this."""
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(Decimal(str(value))) < below
    )


def expected(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Fits], ignored: str) -> Expected:
    """What is to be observed in the rows under columns that take what `columns` says; `ignored` is no column's."""
    found = Expected()
    for row in rows:
        found.rows += 1
        for name, fits in columns.items():
            if name not in row:
                found.absent[name] += 1
            elif row[name] is not None and not fits(row[name]):
                found.misfits.setdefault(name, []).append(row[name])
        for name, value in row.items():
            if name not in columns and name != ignored:
                found.unknown.setdefault(name, []).append(value)
    return found
