"""What two samples say of a join, and whether they say enough. Pure.

Both samples hold every value below their threshold, so below the lower of the two both are complete: what is counted
there are shares of a random part of the values, of which each value is in the part with the same probability.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from app.warehouse.evidence.samples import ColumnEvidence, JoinMeasure, Multiplicity, ValueSample

ENOUGH: Final = 30
"""Values of the left below both thresholds from which a share is told: its standard error is 9 points at most."""

SCREENED: Final = 16
"""Lowest hashes of the left that are looked up before all are."""

MOSTLY: Final = 0.9
"""Least share of which four values that are all missing are enough to reject a pair."""

NEARLY_UNIQUE: Final = 0.9
"""Share of the values with one row, and of the rows with a value, from which a column was probably meant as a key."""

PERCENTILE: Final = 0.99


def measure(left: ColumnEvidence, left_rows: int, right: ColumnEvidence, right_rows: int) -> JoinMeasure:
    """The join of left to right as the samples estimate it; exact when both are complete.

    Shares are taken among the left's values below both thresholds, and scaled to all its values and rows.
    """
    threshold = min(left.sample.threshold, right.sample.threshold)
    values = left.sample.below(threshold)
    exact = left.sample.complete and right.sample.complete
    rows_here, rows_there, seen, orphaned = [], [], 0, 0
    for index, place in _places(left.sample, right.sample, values):
        count = left.sample.counts[index]
        seen += count
        if place is None:
            orphaned += count
        else:
            rows_here.append(count)
            rows_there.append(right.sample.counts[place])
    present = left_rows - left.nulls
    distinct = left.sample.distinct
    return JoinMeasure(
        left_rows=left_rows,
        left_nulls=left.nulls,
        left_distinct=distinct,
        left_matched_distinct=round(distinct * len(rows_here) / values) if values else 0,
        left_orphans=round(present * orphaned / seen) if seen else 0,
        right_rows=right_rows,
        right_nulls=right.nulls,
        right_distinct=right.sample.distinct,
        fan_out=multiplicity(rows_here),
        multiplication=multiplicity(rows_there),
        left_unique=is_unique(left.sample),
        right_unique=is_unique(right.sample),
        values=values,
        exact=exact,
    )


def _places(left: ValueSample, right: ValueSample, values: int) -> Iterator[tuple[int, int | None]]:
    """For each of the left's first values its index, and the place of the same value on the right, or None."""
    place, end = 0, len(right.hashes)
    for index in range(values):
        wanted = left.hashes[index]
        place = bisect_left(right.hashes, wanted, place)
        yield index, place if place < end and right.hashes[place] == wanted else None


def multiplicity(counts: Sequence[int]) -> Multiplicity | None:
    """How many rows share a value, of the rows that each value has; None of no values."""
    if not counts:
        return None
    ranked = sorted(counts)
    return Multiplicity(
        mean=sum(ranked) / len(ranked), p99=float(ranked[math.ceil(PERCENTILE * len(ranked)) - 1]), max=ranked[-1]
    )


def is_unique(sample: ValueSample) -> bool:
    """Whether no value of the sample has a second row; of an empty sample, too."""
    return max(sample.counts, default=1) == 1


def is_nearly_unique(column: ColumnEvidence, rows: int) -> bool:
    """Whether at most one value in ten has a second row, and at most one row in ten has no value."""
    counts = column.sample.counts
    alone = sum(1 for each in counts if each == 1)
    return alone >= NEARLY_UNIQUE * len(counts) and column.nulls <= (1 - NEARLY_UNIQUE) * rows


def standard_error(measured: JoinMeasure) -> float:
    """By how much the containment may be off, as a share: sqrt(c(1-c)/n); 0 of what was counted, 1 of no values."""
    if measured.exact:
        return 0.0
    if not measured.values:
        return 1.0
    return math.sqrt(max(0.0, measured.containment * (1 - measured.containment)) / measured.values)


def suffices(left: ColumnEvidence, right: ColumnEvidence) -> bool:
    """Whether the samples tell the containment of left in right.

    They do not where few values of the left lie below the threshold of a large right: that needs an exact question.
    """
    values = left.sample.below(min(left.sample.threshold, right.sample.threshold))
    return values >= ENOUGH or (left.sample.complete and values == len(left.sample.hashes))


def outside(left: ColumnEvidence, right: ColumnEvidence) -> bool:
    """Whether the ranges of the two have no value in common, so that nothing else has to be compared."""
    if left.low is None or left.high is None or right.low is None or right.high is None:
        return False
    return left.low > right.high or left.high < right.low


def screened(left: ColumnEvidence, right: ColumnEvidence, least: float) -> bool:
    """Whether the lowest hashes leave it possible that at least such a share of the left occurs on the right.

    Of sixteen values half of the least share must occur. Where nine in ten should, four are looked up first: all of
    them are missing once in ten thousand times.
    """
    values = min(SCREENED, left.sample.below(min(left.sample.threshold, right.sample.threshold)))
    found = 0
    for index in range(values):
        place = bisect_left(right.sample.hashes, left.sample.hashes[index])
        found += place < len(right.sample.hashes) and right.sample.hashes[place] == left.sample.hashes[index]
        if index == 3 and not found and least >= MOSTLY:  # noqa: PLR2004 - four were looked up
            return False
    return found >= values * least / 2
