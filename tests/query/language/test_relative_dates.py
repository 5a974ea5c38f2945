"""Relative dates under a fixed clock: ends of months, leap years, weeks over new year, days of 23 and 25 hours."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.query.language.engine import interpret
from app.query.language.outcome import Interpretation
from app.query.language.reading.dates import dates_in
from tests.query.language.shop import SHOP

D, NEW_YORK = date, "America/New_York"


@pytest.mark.parametrize(
    ("today", "text", "low", "high"),
    [
        (D(2025, 3, 31), "last month", D(2025, 2, 1), D(2025, 3, 1)),
        (D(2025, 3, 31), "past month", D(2025, 2, 28), None),
        (D(2024, 3, 31), "past month", D(2024, 2, 29), None),
        (D(2025, 3, 31), "a month ago", D(2025, 2, 28), D(2025, 3, 1)),
        (D(2025, 5, 31), "since 3 months ago", D(2025, 2, 28), None),
        (D(2025, 12, 31), "2 months ago", D(2025, 10, 31), D(2025, 11, 1)),
        (D(2025, 8, 31), "in the last 6 months", D(2025, 2, 28), None),
        (D(2025, 1, 31), "next month", D(2025, 2, 1), D(2025, 3, 1)),
        (D(2024, 2, 29), "a year ago", D(2023, 2, 28), D(2023, 3, 1)),
        (D(2024, 2, 29), "last year", D(2023, 1, 1), D(2024, 1, 1)),
        (D(2024, 3, 1), "yesterday", D(2024, 2, 29), D(2024, 3, 1)),
        (D(2023, 3, 1), "yesterday", D(2023, 2, 28), D(2023, 3, 1)),
        (D(2024, 2, 28), "tomorrow", D(2024, 2, 29), D(2024, 3, 1)),
        (D(2024, 2, 15), "this month", D(2024, 2, 1), D(2024, 3, 1)),
        (D(2025, 1, 1), "last month", D(2024, 12, 1), D(2025, 1, 1)),
        (D(2025, 1, 1), "last quarter", D(2024, 10, 1), D(2025, 1, 1)),
        (D(2025, 1, 1), "yesterday", D(2024, 12, 31), D(2025, 1, 1)),
        (D(2025, 12, 31), "next quarter", D(2026, 1, 1), D(2026, 4, 1)),
        (D(2025, 12, 31), "this year", D(2025, 1, 1), D(2026, 1, 1)),
        (D(2025, 12, 31), "in the next 3 days", D(2025, 12, 31), D(2026, 1, 3)),
        (D(2025, 1, 1), "this week", D(2024, 12, 30), D(2025, 1, 6)),
        (D(2025, 1, 5), "last week", D(2024, 12, 23), D(2024, 12, 30)),
        (D(2025, 1, 6), "last week", D(2024, 12, 30), D(2025, 1, 6)),
        (D(2024, 12, 30), "next week", D(2025, 1, 6), D(2025, 1, 13)),
        (D(2025, 1, 3), "in the last 2 weeks excluding the current week", D(2024, 12, 16), D(2024, 12, 30)),
        (D(2025, 3, 31), "since last month", D(2025, 2, 1), None),
        (D(2025, 3, 31), "before this year", None, D(2025, 1, 1)),
        (D(2025, 3, 31), "until last week", None, D(2025, 3, 31)),
        (D(2025, 3, 31), "after last quarter", D(2025, 1, 1), None),
        (D(2025, 1, 10), "in December", D(2024, 12, 1), D(2025, 1, 1)),
        (D(2025, 1, 10), "year to date", D(2025, 1, 1), D(2025, 1, 11)),
    ],
)
def test_calendars(today: date, text: str, low: date | None, high: date | None) -> None:
    (found,) = dates_in(f"orders {text}", today)
    assert (found.low, found.high, found.relative) == (low, high, True)


@pytest.mark.parametrize(
    ("now", "zone", "text", "bounds"),
    [
        # Berlin: a day of 23 hours, and one of 25
        ("2025-03-30T22:30", "Europe/Berlin", "yesterday", ("2025-03-30 00:00:00+01:00", "2025-03-31 00:00:00+02:00")),
        ("2025-03-30T21:30", "Europe/Berlin", "today", ("2025-03-30 00:00:00+01:00", "2025-03-31 00:00:00+02:00")),
        ("2025-10-26T23:30", "Europe/Berlin", "yesterday", ("2025-10-26 00:00:00+02:00", "2025-10-27 00:00:00+01:00")),
        ("2025-04-02T10:00", "Europe/Berlin", "last month", ("2025-03-01 00:00:00+01:00", "2025-04-01 00:00:00+02:00")),
        # New York
        ("2025-03-10T05:00", NEW_YORK, "yesterday", ("2025-03-09 00:00:00-05:00", "2025-03-10 00:00:00-04:00")),
        ("2025-11-03T05:30", NEW_YORK, "yesterday", ("2025-11-02 00:00:00-04:00", "2025-11-03 00:00:00-05:00")),
        ("2025-01-01T03:00", NEW_YORK, "this year", ("2024-01-01 00:00:00-05:00", "2025-01-01 00:00:00-05:00")),
    ],
)  # fmt: skip
def test_days_of_the_zone(now: str, zone: str, text: str, bounds: tuple[str, str]) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    vocabulary = replace(SHOP, now=moment, zone=ZoneInfo(zone))
    zoned = interpret(f"customers created {text}", vocabulary)
    plain = interpret(f"visits {text}", vocabulary)
    assert isinstance(zoned, Interpretation)
    assert isinstance(plain, Interpretation)
    assert all(f"CAST('{bound}' AS TIMESTAMPTZ)" in zoned.sql for bound in bounds)
    assert all(f"CAST('{bound[:10]}' AS TIMESTAMP)" in plain.sql for bound in bounds)
