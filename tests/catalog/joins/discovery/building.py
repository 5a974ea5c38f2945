"""Evidence of tables from plain Python rows, and exact measures of joins: the reference of what SQL has to fill."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.catalog.joins.discovery.discover import KeyQuestion, Pair
from app.catalog.joins.discovery.estimates import multiplicity
from app.warehouse.evidence.samples import (
    HASHES,
    SAMPLE_SIZE,
    ColumnEvidence,
    DeclaredForeignKey,
    Family,
    JoinMeasure,
    TableEvidence,
    ValueSample,
)

Columns = Mapping[str, Sequence[Any]]
Database = Mapping[str, Columns]

TYPES = {
    int: ("bigint", Family.NUMBER),
    float: ("double precision", Family.NUMBER),
    Decimal: ("numeric", Family.NUMBER),
    str: ("text", Family.TEXT),
    UUID: ("uuid", Family.UUID),
    date: ("date", Family.DATE),
}


def hashed(value: object) -> int:
    """The hash of the value: the same of values that are equal, 1 and 1.0."""
    if isinstance(value, (int, float, Decimal)):
        value = f"{Decimal(str(value)).normalize():f}"
    return int.from_bytes(hashlib.blake2b(str(value).encode(), digest_size=8).digest())


def sample(values: Sequence[Any], size: int = SAMPLE_SIZE) -> ValueSample:
    """The values with the lowest hashes, `size` of them at most."""
    counts: Counter[int] = Counter()
    for value, count in Counter(each for each in values if each is not None).items():
        counts[hashed(value)] += count
    hashes = sorted(counts)
    threshold = hashes[size] if len(hashes) > size else HASHES
    kept = [each for each in hashes if each < threshold]
    return ValueSample(threshold, array("Q", kept), array("Q", (counts[each] for each in kept)))


def column(name: str, values: Sequence[Any], spelled: str | None = None, size: int = SAMPLE_SIZE) -> ColumnEvidence:
    present = [value for value in values if value is not None]
    kind, family = TYPES[type(present[0])] if present and type(present[0]) in TYPES else ("text", Family.TEXT)
    if present and isinstance(present[0], datetime):
        zoned = present[0].tzinfo is not None
        kind, family = ("timestamp with time zone", Family.INSTANT) if zoned else ("timestamp", Family.DATE)
    low = high = None
    if present and family not in {Family.TEXT, Family.UUID}:
        numbers = [_number(value) for value in (min(present), max(present))]
        low, high = numbers
    return ColumnEvidence(name, spelled or kind, family, len(values) - len(present), low, high, sample(present, size))


def _number(value: Any) -> float:
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)


def table(
    name: str,
    columns: Columns,
    *,
    types: Mapping[str, str] | None = None,
    keys: tuple[tuple[str, ...], ...] = (),
    foreign_keys: tuple[DeclaredForeignKey, ...] = (),
    size: int = SAMPLE_SIZE,
) -> TableEvidence:
    """The evidence of a table that is given by the values of each column, None for null."""
    rows = max((len(values) for values in columns.values()), default=0)
    made = tuple(
        column(each, values, (types or {}).get(each), size)
        for each, values in columns.items()
        if not any(isinstance(value, bool) for value in values)
    )
    return TableEvidence(name, rows, made, keys, foreign_keys)


def is_unique(database: Database, question: KeyQuestion) -> bool:
    """The exact answer."""
    rows = list(zip(*(database[question.table][name] for name in question.columns), strict=True))
    return len(set(rows)) == len(rows) and not any(None in row for row in rows)


def exact(database: Database, pair: Pair) -> JoinMeasure:
    """The exact measure of the pair."""
    left, left_nulls, left_rows = _counted(database, pair.left_table, pair.left_columns)
    right, right_nulls, right_rows = _counted(database, pair.right_table, pair.right_columns)
    both = [value for value in left if value in right]
    return JoinMeasure(
        left_rows=left_rows,
        left_nulls=left_nulls,
        left_distinct=len(left),
        left_matched_distinct=len(both),
        left_orphans=sum(count for value, count in left.items() if value not in right),
        right_rows=right_rows,
        right_nulls=right_nulls,
        right_distinct=len(right),
        fan_out=multiplicity([left[value] for value in both]),
        multiplication=multiplicity([right[value] for value in both]),
        left_unique=all(count == 1 for count in left.values()),
        right_unique=all(count == 1 for count in right.values()),
        values=len(left),
        exact=True,
    )


def _counted(database: Database, name: str, columns: Sequence[str]) -> tuple[Counter[tuple[Any, ...]], int, int]:
    rows = list(zip(*(database[name][each] for each in columns), strict=True))
    present = Counter(row for row in rows if None not in row)
    return present, len(rows) - sum(present.values()), len(rows)
