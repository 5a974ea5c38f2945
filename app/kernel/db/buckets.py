"""Values over time: aggregated by buckets of time, with the gaps filled, as one statement.

Buckets of a fixed width are cut by `date_bin` from the year 2000 in UTC; those of a calendar by `date_trunc` in a zone,
where a day has 23 or 25 hours when clocks change (manual 9.9.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Float, Interval, Select, Text, cast, column, func, literal, select, text

from app.kernel.problems import Fault, InvalidRequest

ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
MAX_BUCKETS: Final = 10_000
_TIME: Final = DateTime(timezone=True)


class TooManyBuckets(InvalidRequest):
    """The width makes more buckets of the time than are answered."""

    code, title = "too-many-buckets", "These are too many buckets"


class Aggregate(StrEnum):
    """What is said of the values of a bucket or a group."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"

    def of(self, values: ColumnElement[Any]) -> ColumnElement[float]:
        """The aggregate of the values that are not NULL; NULL of none, but for the count.

        Percentiles are `percentile_cont`: between two values, in proportion.
        """
        if self in _SHARES:
            share = literal(_SHARES[self], Float)
            return cast(func.percentile_cont(share).within_group(cast(values, Float)), Float)
        if self is Aggregate.COUNT:
            return cast(func.count(values), Float)
        return cast(getattr(func, self.value)(cast(values, Float)), Float)


_SHARES: Final = {Aggregate.P50: 0.50, Aggregate.P95: 0.95, Aggregate.P99: 0.99}


class Fill(StrEnum):
    """What stands in a bucket without values. The count of one is 0 in any case."""

    NULL = "null"
    ZERO = "zero"
    PREVIOUS = "previous"
    """The last value before; NULL where there is none."""


class CalendarUnit(StrEnum):
    """Widths whose length the calendar decides."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Buckets:
    """The time from `begin` to `end` (aware, the end not included), cut. Raises `TooManyBuckets` when it is made."""

    begin: datetime
    end: datetime
    width: timedelta | CalendarUnit
    zone: str = "UTC"
    """Of the calendar, by its name in the tz database."""

    def __post_init__(self) -> None:
        if not self.begin < self.end:
            raise InvalidRequest(
                faults=[Fault(pointer="query/end", code="empty-time", message="The end comes after the begin.")]
            )
        shortest = self.width if isinstance(self.width, timedelta) else timedelta(hours=23)
        if shortest <= timedelta(0) or (self.end - self.begin) / shortest > MAX_BUCKETS:
            message = f"At most {MAX_BUCKETS} buckets are answered: ask for wider ones, or for less time."
            raise TooManyBuckets(faults=[Fault(pointer="query/bucket", code=TooManyBuckets.code, message=message)])

    def begin_of(self, time: ColumnElement[datetime]) -> ColumnElement[datetime]:
        """The begin of the bucket in which the time is."""
        if isinstance(self.width, timedelta):
            return func.date_bin(literal(self.width, Interval), time, literal(ORIGIN, _TIME), type_=_TIME)
        return func.date_trunc(literal(self.width.value, Text), time, literal(self.zone, Text), type_=_TIME)

    def begins(self) -> Select[datetime]:
        """The begin of every bucket, in order."""
        last = literal(self.end - timedelta(microseconds=1), _TIME)
        first = self.begin_of(literal(self.begin, _TIME))
        if isinstance(self.width, timedelta):
            found = func.generate_series(first, last, literal(self.width, Interval))
        else:
            step = cast(literal(f"1 {self.width.value}", Text), Interval)
            found = func.generate_series(first, last, step, literal(self.zone, Text))
        return select(found.table_valued(column("begin", _TIME), name="every").render_derived().c.begin)


def series(
    buckets: Buckets,
    time: ColumnElement[datetime],
    value: ColumnElement[Any],
    aggregate: Aggregate,
    conditions: Sequence[ColumnElement[bool]] = (),
    fill: Fill = Fill.NULL,
) -> Select[*tuple[Any, ...]]:
    """The statement of `begin` and `value` of every bucket, in the order of time.

    Args:
        buckets: the time, and how it is cut.
        time: when a value was; a column of the relation that is read.
        value: a number; a column of the same relation.
        aggregate: what is said of the values of a bucket.
        conditions: on the rows of the relation.
        fill: what stands in buckets without values.
    """
    found = (
        select(buckets.begin_of(time).label("begin"), aggregate.of(value).label("value"))
        .where(time >= literal(buckets.begin, _TIME), time < literal(buckets.end, _TIME), *conditions)
        .group_by(text("1"))  # by the first column: its expression has parameters, which are others each time
        .subquery("found")
    )
    every = buckets.begins().subquery("every_begin")
    joined = select(every.c.begin, found.c.value).select_from(every.outerjoin(found, found.c.begin == every.c.begin))
    if aggregate is Aggregate.COUNT or fill is Fill.ZERO:
        filled = joined.subquery("joined")
        return select(filled.c.begin, func.coalesce(filled.c.value, 0.0).label("value")).order_by(filled.c.begin)
    if fill is Fill.NULL:
        return joined.order_by(every.c.begin)
    joined = joined.add_columns(func.count(found.c.value).over(order_by=every.c.begin).label("values_until_here"))
    filled = joined.subquery("joined")
    before = func.max(filled.c.value).over(partition_by=filled.c.values_until_here)  # one of them is not NULL
    return select(filled.c.begin, before.label("value")).order_by(filled.c.begin)
