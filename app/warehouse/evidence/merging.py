"""Samples from rows of the pass, and samples as batches changed them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from app.warehouse.evidence.hashing import unsigned
from app.warehouse.evidence.samples import SAMPLE_SIZE, ColumnEvidence, ValueSample

FEWEST: Final = SAMPLE_SIZE // 4
"""Values that a sample which is not complete must keep: with fewer its errors are twice those of a full one."""


def sampled(rows: Iterable[Any], thresholds: Sequence[int]) -> list[tuple[int, ValueSample]]:
    """The nulls and the sample of each column, from rows `(c, h, times)` in the order of columns and hashes."""
    nulls, values = _by_column(rows, len(thresholds))
    return [(nulls[number], ValueSample.of(values[number], threshold)) for number, threshold in enumerate(thresholds)]


def merged(
    before: Sequence[ColumnEvidence], changes: Iterable[Any], ranges: Sequence[tuple[float | None, float | None]]
) -> tuple[ColumnEvidence, ...] | None:
    """The evidence after changes, rows `(c, h, times)` where times is what came less what went.

    None when too little of a sample is left. A range only grows: what went may have been its end.
    """
    nulls, values = _by_column(changes, len(before))
    found: list[ColumnEvidence] = []
    for number, column in enumerate(before):
        counts = dict(zip(column.sample.hashes, column.sample.counts, strict=True))
        if len(values[number]) > SAMPLE_SIZE:
            return None  # more values changed than are shown
        for value, times in values[number]:
            counts[value] = counts.get(value, 0) + times
        if any(times < 0 for times in counts.values()) or column.nulls + nulls[number] < 0:
            return None
        left = sorted((value, times) for value, times in counts.items() if times)
        if len(left) < FEWEST and not column.sample.complete:
            return None
        low, high = ranges[number]
        sample = ValueSample.of(left, column.sample.threshold)
        lows, highs = ([each for each in pair if each is not None] for pair in ((column.low, low), (column.high, high)))
        found.append(
            replace(
                column,
                nulls=column.nulls + nulls[number],
                low=min(lows, default=None),
                high=max(highs, default=None),
                sample=sample,
            )
        )
    return tuple(found)


def _by_column(rows: Iterable[Any], columns: int) -> tuple[list[int], list[list[tuple[int, int]]]]:
    nulls = [0] * columns
    values: list[list[tuple[int, int]]] = [[] for _ in range(columns)]
    for number, signed, times in rows:
        if signed is None:
            nulls[number] = times
        else:
            values[number].append((unsigned(signed), times))
    return nulls, values
