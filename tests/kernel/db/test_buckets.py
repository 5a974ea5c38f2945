"""Buckets of time against a plain Python reference: gaps, daylight saving, percentiles."""

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import ARRAY, DateTime, Float, column, func, literal, select

from app.kernel.db.buckets import MAX_BUCKETS, ORIGIN, Aggregate, Buckets, CalendarUnit, Fill, TooManyBuckets, series
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.kernel.problems import InvalidRequest
from app.settings import DatabaseSettings

Value = tuple[datetime, float | None]
WIDTHS: list[timedelta | CalendarUnit] = [
    timedelta(seconds=1),
    timedelta(minutes=5),
    timedelta(minutes=7, microseconds=1),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=7),
    *CalendarUnit,
]
ZONES = ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
CHANGES = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)]
"""Days on which clocks change in some of these zones."""


def begin_of(buckets: Buckets, moment: datetime) -> datetime:
    if isinstance(buckets.width, timedelta):
        return ORIGIN + (moment - ORIGIN) // buckets.width * buckets.width
    zone = ZoneInfo(buckets.zone)
    day = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if buckets.width is CalendarUnit.WEEK:
        day -= timedelta(days=day.weekday())
    if buckets.width is CalendarUnit.MONTH:
        day = day.replace(day=1)
    return day.astimezone(UTC)


def after(buckets: Buckets, begin: datetime) -> datetime:
    if isinstance(buckets.width, timedelta):
        return begin + buckets.width
    days = {CalendarUnit.DAY: 1, CalendarUnit.WEEK: 7, CalendarUnit.MONTH: 31}[buckets.width]
    noon = begin.astimezone(ZoneInfo(buckets.zone)).replace(hour=12)  # at which no clock changes
    return begin_of(buckets, (noon + timedelta(days=days)).astimezone(UTC))


def percentile(values: Sequence[float], share: float) -> float:
    ranked, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def aggregated(values: Sequence[float], aggregate: Aggregate) -> float | None:
    if aggregate is Aggregate.COUNT:
        return float(len(values))
    if not values:
        return None
    if aggregate.value.startswith("p"):
        return percentile(values, int(aggregate.value[1:]) / 100)
    return {"sum": sum, "avg": fmean, "min": min, "max": max}[aggregate.value](values)


def expected(buckets: Buckets, values: Sequence[Value], aggregate: Aggregate, fill: Fill) -> list[Value]:
    inside = [(at, value) for at, value in values if buckets.begin <= at < buckets.end and value is not None]
    found: list[Value] = []
    begin, previous = begin_of(buckets, buckets.begin), None
    while begin < buckets.end:
        those = [value for at, value in inside if begin_of(buckets, at) == begin and value is not None]
        value = aggregated(those, aggregate)
        if value is None:
            value = {Fill.NULL: None, Fill.ZERO: 0.0, Fill.PREVIOUS: previous}[fill]
        found.append((begin, value))
        begin, previous = after(buckets, begin), value
    return found


def drawn(chance: random.Random) -> tuple[Buckets, list[Value], Aggregate, Fill]:
    width = chance.choice(WIDTHS)
    length = width if isinstance(width, timedelta) else timedelta(days={"day": 1, "week": 7, "month": 30}[width.value])
    begin = chance.choice(CHANGES) - length * chance.uniform(0, 6)
    buckets = Buckets(begin, begin + length * chance.uniform(0.1, 12), width, chance.choice(ZONES))
    span = buckets.end - buckets.begin
    values: list[Value] = [
        (begin + span * chance.uniform(-0.2, 1.2), chance.choice([None, 0.0, -1.5, chance.uniform(-1e6, 1e6)]))
        for _ in range(chance.choice([0, 1, 3, 20]))
    ]
    values += [(each, 1.0) for each in (buckets.begin, buckets.end) if chance.random() < 0.3]
    return buckets, values, chance.choice(list(Aggregate)), chance.choice(list(Fill))


async def asked(database: Database, buckets: Buckets, values: Sequence[Value], aggregate: Aggregate, fill: Fill) -> Any:
    times = literal([at for at, _ in values], ARRAY(DateTime(timezone=True)))
    numbers = literal([value for _, value in values], ARRAY(Float))
    columns = column("at", DateTime(timezone=True)), column("value", Float)
    given = func.unnest(times, numbers).table_valued(*columns, name="given").render_derived()
    read = select(given.c.at, given.c.value).subquery()
    async with database.read() as session:
        rows = await session.execute(series(buckets, read.c.at, read.c.value, aggregate, fill=fill))
        return [(row.begin, row.value) for row in rows]


async def test_series_are_those_of_plain_python(urls: DatabaseUrls) -> None:
    database = Database(urls.app, DatabaseSettings())
    chance = random.Random(16)
    for _ in range(400):
        buckets, values, aggregate, fill = drawn(chance)
        found = await asked(database, buckets, values, aggregate, fill)
        wanted = expected(buckets, values, aggregate, fill)
        assert [begin for begin, _ in found] == [begin for begin, _ in wanted], buckets
        for (_, got), (_, want) in zip(found, wanted, strict=True):
            assert got == (want if want is None else pytest.approx(want, rel=1e-9, abs=1e-9)), (
                buckets,
                aggregate,
                fill,
            )
    await database.dispose()


async def test_a_day_in_spring_has_23_hours(urls: DatabaseUrls) -> None:
    database = Database(urls.app, DatabaseSettings())
    begin = datetime(2026, 3, 28, tzinfo=ZoneInfo("Europe/Vienna"))
    buckets = Buckets(begin, begin + timedelta(days=3), CalendarUnit.DAY, "Europe/Vienna")
    begins = [each for each, _ in await asked(database, buckets, [], Aggregate.COUNT, Fill.NULL)]
    assert [later - sooner for sooner, later in itertools.pairwise(begins)] == [
        timedelta(hours=24), timedelta(hours=23),
    ]  # fmt: skip
    await database.dispose()


@pytest.mark.parametrize(
    ("length", "width"),
    [
        (timedelta(seconds=MAX_BUCKETS + 1), timedelta(seconds=1)),
        (timedelta(days=1), timedelta(0)),
        (timedelta(days=1), timedelta(seconds=-1)),
        (timedelta(days=10_000), CalendarUnit.DAY),
    ],
)
def test_too_many_buckets_are_refused(length: timedelta, width: Any) -> None:
    with pytest.raises(TooManyBuckets) as refused:
        Buckets(CHANGES[0], CHANGES[0] + length, width)
    assert refused.value.faults[0].pointer == "query/bucket"


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=-1)])
def test_a_time_that_ends_before_it_begins_is_refused(length: timedelta) -> None:
    with pytest.raises(InvalidRequest):
        Buckets(CHANGES[0], CHANGES[0] + length, timedelta(hours=1))
