"""Times as PostgreSQL would store them: held against the server."""

import random
from datetime import UTC, date, datetime, time, timedelta, timezone

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.rows import temporal
from app.ingestion.rows.temporal import NotStorableError

digits = st.one_of(
    st.text("0123456789", min_size=1, max_size=12),
    st.integers(0, 999_999).map(lambda number: f"{number:06}5"),
    st.sampled_from(["0000005", "0000015", "9999995", "9999994", "999999499999", "5", "123456500000001"]),
)


@settings(max_examples=20)
@given(fractions=st.lists(digits, min_size=1, max_size=50))
async def test_fractions_of_a_second_are_rounded_as_postgresql_rounds_them(
    store: asyncpg.Connection, fractions: list[str]
) -> None:
    texts = [f"2026-01-01 23:59:59.{fraction}+00" for fraction in fractions]
    stored = await store.fetch("SELECT text::timestamptz AS at FROM unnest($1::text[]) AS text", texts)
    assert [temporal.read_instant(text) for text in texts] == [row["at"] for row in stored]


async def test_nanoseconds_are_rounded_as_the_same_time_in_text(store: asyncpg.Connection) -> None:
    dice = random.Random(1)
    halves = [dice.randrange(10**6) * 1000 + 500 for _ in range(2000)]
    rests = [*halves, *(dice.randrange(10**9) for _ in range(2000)), 0, 1, 499, 500, 501, 999_999_999]
    for second in (0, -1, 1_767_225_600, -(2**33)):
        texts = [f"0.{rest:09}" for rest in rests]
        base = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
        stored = await store.fetch(
            "SELECT ($2 || substr(text, 2) || '+00')::timestamptz AS at FROM unnest($1::text[]) AS text",
            texts, base.strftime("%Y-%m-%d %H:%M:%S"),
        )  # fmt: skip
        found = [temporal.rounded_nanoseconds(second * 10**9 + rest) for rest in rests]
        assert [temporal.instant_of(count, UTC) for count in found] == [row["at"] for row in stored]


SAME = [
    "2026-01-01 00:00:00+00",
    "2026-01-01 00:00:00.5-05:30",
    "1890-01-01 00:00:00+00:53:28",
    "2026-01-01T00:00:00Z",
    "2026-01-01t00:00:00z",
    "2026-01-01 00:00:00+0530",
    "2026-01-01 23:59:59.9999999+15:59",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00",
    "2024-02-29 12:00:00-15:59:59",
]


@pytest.mark.parametrize("text", SAME)
async def test_instants_are_those_of_postgresql(store: asyncpg.Connection, text: str) -> None:
    assert temporal.read_instant(text) == await store.fetchval(f"SELECT '{text}'::timestamptz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("infinity", "is infinite"),
        ("-infinity", "is infinite"),
        ("0001-01-01 00:00:00+05", "before year 1"),
        ("9999-12-31 23:00:00-05", "after year 9999"),
        ("9999-12-31 23:59:59.9999999Z", "after year 9999"),
        ("10000-01-01 00:00:00+00", "after year 9999"),
        ("0044-03-15 00:00:00+00 BC", "before year 1"),
        ("0000-01-01 00:00:00+00", "before year 1"),
    ],
)
def test_what_is_beyond_is_not_stored(text: str, said: str) -> None:
    with pytest.raises(NotStorableError, match=said):
        temporal.read_instant(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-01", "2026-02-30 00:00:00Z", "1700000000", "2026-01-01 24:00:00Z", "2026-01-01 00:00:60Z",
     "2026-01-01 00:00Z", "2026-01-01 00:00:00 +00", "2026-01-01T00:00:00+25", "٢٠٢٦-01-01 00:00:00Z", "now",
     "2026-01-01 00:00:00,5Z", "2026-01-01 00:00:00 Europe/Berlin"],
)  # fmt: skip
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        temporal.read_instant(text)
    assert not isinstance(error.value, NotStorableError)


def test_an_offset_is_kept_and_none_is_invented() -> None:
    assert temporal.read_instant("2026-01-01 00:00:00").tzinfo is None
    assert temporal.read_instant("2026-01-01 00:00:00+02").tzinfo == timezone(timedelta(hours=2))


def test_times_of_day() -> None:
    assert temporal.read_clock("23:59:59.9999994") == time(23, 59, 59, 999_999)
    assert temporal.read_clock("00:00:00") == time(0)
    for text in ("23:59:59.9999995", "24:00:00", "24:00:00.000"):
        with pytest.raises(NotStorableError):
            temporal.read_clock(text)
    for text in ("24:00:01", "10:00", "10:00:60", "10:00:00Z", "10:00:00+02"):
        with pytest.raises(ValueError, match=r".") as error:
            temporal.read_clock(text)
        assert not isinstance(error.value, NotStorableError), text


def test_dates() -> None:
    assert temporal.read_date("2024-02-29") == date(2024, 2, 29)
    for text in ("10000-01-01", "0000-01-01", "0001-01-01 BC", "infinity"):
        with pytest.raises(NotStorableError):
            temporal.read_date(text)
    for text in ("20260101", "2026-W01-1", "2026-1-1", "2026-02-30", "2026-01-01T00:00:00"):
        with pytest.raises(ValueError, match=r"."):
            temporal.read_date(text)


@given(days=st.integers(-(2**31), 2**31 - 1))
def test_a_date_has_a_text_in_any_year(days: int) -> None:
    text = temporal.day_text(days)
    if temporal.FIRST_DAY <= days <= temporal.LAST_DAY:
        assert text == temporal.date_of(days).isoformat()
    year, month, day = text.rsplit("-", 2)
    within = date((int(year) - 1) % 400 + 1, int(month), int(day))
    cycles = (int(year) - 1) // 400
    assert within.toordinal() - temporal.EPOCH_DAY + cycles * 146_097 == days


def test_instants_beyond_have_a_text_too() -> None:
    assert temporal.instant_text((temporal.LAST_DAY + 1) * temporal.DAY) == "10000-01-01T00:00:00"
    assert temporal.instant_text(temporal.FIRST_INSTANT - 1) == "0000-12-31T23:59:59.999999"
