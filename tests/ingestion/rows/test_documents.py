"""Nested values have one JSON form, which is that of PostgreSQL's to_jsonb."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.ingestion.rows.arrow_values import Unfit
from app.ingestion.rows.documents import UnfitPart, json_text
from app.warehouse.rejections import RejectionCode

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

FORMS: list[tuple[Any, str, str | None]] = [
    (None, "null", None),
    (True, "true", "true"),
    (12, "12", "12"),
    (2**64 - 1, "18446744073709551615", "18446744073709551615"),
    (1.5, "1.5", "1.5::float8"),
    (0.1, "0.1", "0.1::float8"),
    (float("nan"), '"NaN"', "'NaN'::float8"),
    (float("-inf"), '"-Infinity"', "'-Infinity'::float8"),
    (Decimal("12345678901234567890.10"), "12345678901234567890.10", "12345678901234567890.10"),
    (Decimal("NaN"), '"NaN"', "'NaN'::numeric"),
    ('é\n"', '"é\\n\\""', "E'é\\n\"'::text"),
    (b"hi\x00\xff", '"\\\\x686900ff"', "'\\x686900ff'::bytea"),
    (date(2026, 1, 2), '"2026-01-02"', "date '2026-01-02'"),
    (time(10, 0, 0, 500_000), '"10:00:00.5"', "time '10:00:00.5'"),
    (datetime(2026, 1, 2, 10), '"2026-01-02T10:00:00"', "timestamp '2026-01-02 10:00:00'"),  # noqa: DTZ001 - the case
    (NOON, '"2026-01-02T12:00:00+00:00"', "timestamptz '2026-01-02 12:00:00+00'"),
    (NOON + timedelta(microseconds=10), '"2026-01-02T12:00:00.00001+00:00"',
     "timestamptz '2026-01-02 12:00:00.00001+00'"),
    (UUID(int=7), '"00000000-0000-0000-0000-000000000007"', "'00000000-0000-0000-0000-000000000007'::uuid"),
    (timedelta(seconds=1.5), '"PT1.5S"', None),
    ([1, None, [2]], "[1,null,[2]]", None),
    ({"a": {"b": [b"x", date(2026, 1, 2)]}}, '{"a":{"b":["\\\\x78","2026-01-02"]}}', None),
    ([{"key": 1, "value": "x"}], '[{"key":1,"value":"x"}]', None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text", "sql"), FORMS)
async def test_the_json_text_of_a_value_is_that_of_postgresql(
    store: asyncpg.Connection, value: Any, text: str, sql: str | None
) -> None:
    assert json_text(value) == text
    await store.execute("SET timezone = 'UTC'")
    assert json.loads(json_text([value])) == json.loads(f"[{text}]")
    if sql is not None:
        assert await store.fetchval("SELECT $1::jsonb = to_jsonb(" + sql + ")", text), "the same value"


def test_what_cannot_be_stored_is_found_in_any_depth_and_never_written_as_python_does() -> None:
    beyond = Unfit("10000-01-01", RejectionCode.OUT_OF_RANGE, "is after year 9999")
    with pytest.raises(UnfitPart) as refusal:
        json_text({"a": [{"b": beyond}]})
    assert refusal.value.part is beyond
    for value in (object(), UTC, 1j, range(3)):
        with pytest.raises(TypeError):
            json_text([value])
