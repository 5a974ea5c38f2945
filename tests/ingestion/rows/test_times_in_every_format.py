"""Times are stored as PostgreSQL would store them, or their row is refused: the same in every format."""

import json
from collections.abc import Callable, Sequence

import asyncpg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.tables import csv_chunks
from tests.ingestion.bodies import Reader, column, plan_of, read, staged
from tests.ingestion.files import parquet_file

AT = "2026-01-01T00:00:00Z"
Outcome = dict[int, str]
"""What became of each text: the stored value as text, or the code of the refusal."""


def as_objects(texts: Sequence[str]) -> list[str]:
    return [json.dumps({"id": number, "at": AT, "v": text}) for number, text in enumerate(texts)]


def as_parquet(texts: Sequence[str]) -> bytes:
    rows = len(texts)
    return parquet_file(pa.table({"id": range(rows), "at": [AT] * rows, "v": pa.array(texts, pa.string())}))


def as_csv(texts: Sequence[str]) -> bytes:
    return "".join(["id,at,v\n", *(f"{number},{AT},{text}\n" for number, text in enumerate(texts))]).encode()


FORMATS: dict[str, tuple[Reader, Callable[[Sequence[str]], bytes]]] = {
    "ndjson": (ndjson_chunks, lambda texts: "\n".join(as_objects(texts)).encode()),
    "json": (array_chunks, lambda texts: f"[{','.join(as_objects(texts))}]".encode()),
    "csv": (csv_chunks, as_csv),
    "parquet": (parquet_chunks, as_parquet),
}

EXTREMES = {
    "date": ["0001-01-01", "9999-12-31", "2024-02-29", "10000-01-01", "0000-01-01", "infinity", "-infinity",
             "2026-02-30", "0044-03-15 BC", "20260101", "2026-01-01T00:00:00", "1700000000"],
    "time": ["00:00:00", "23:59:59.999999", "23:59:59.9999994", "23:59:59.9999995", "23:59:59.9999999", "24:00:00",
             "12:00:00.0000005", "12:00:00.0000015", "12:00:00.123456500", "12:00:00+02", "12:00", "25:00:00"],
    "timestamp": ["0001-01-01 00:00:00", "9999-12-31T23:59:59.999999", "9999-12-31 23:59:59.9999999", "infinity",
                  "10000-01-01 00:00:00", "2026-01-01T00:00:00.1234565", "2026-01-01T00:00:00.1234575", "2026-01-01",
                  "2026-01-01T23:59:59.9999999", "2026-01-01T00:00:00Z", "2026-01-01T24:00:00", "2026-06-30T23:59:60"],
    "timestamptz": ["0001-01-01T00:00:00Z", "9999-12-31 23:59:59.999999+00", "0001-01-01T00:00:00+00:01", "infinity",
                    "9999-12-31T23:59:59-00:01", "2026-01-01T00:00:00.123456500Z", "2026-01-01T00:00:00.123457500+02",
                    "2026-01-01T23:59:59.9999999Z", "2026-01-01T00:00:00+15:59", "2026-01-01T00:00:00-23:59",
                    "2026-01-01 00:00:00+05:30:15", "2026-01-01T00:00:00", "2026-01-01T00:00:00 Europe/Berlin",
                    "1700000000", "10000-01-01 00:00:00+00", "2026-01-01T00:00:00.12345649999999999999Z"],
}  # fmt: skip
BEYOND_POSTGRESQL = {"2026-01-01T00:00:00-23:59"}
"""An offset that it does not read, of an instant that it stores."""
DAYS_END = {"23:59:59.9999995", "23:59:59.9999999", "24:00:00"}
"""What PostgreSQL has as 24:00:00."""


async def outcome(store: asyncpg.Connection, type_: str, form: str, texts: Sequence[str]) -> Outcome:
    reader, body = FORMATS[form]
    plan = plan_of(column("v", type_))
    payload, refused, _ = await read(reader, body(texts), plan)
    found = {row.line - (2 if form == "csv" else 1): row.code.value for row in refused}
    return found | {row["id"]: row["v"] for row in await staged(store, plan, payload, "id, v::text AS v")}


@pytest.mark.parametrize("type_", EXTREMES)
async def test_extremes_have_one_outcome_in_every_format_alone_and_together(
    store: asyncpg.Connection, type_: str
) -> None:
    texts = EXTREMES[type_]
    await store.execute("SET timezone = 'UTC'")
    together = {form: await outcome(store, type_, form, texts) for form in FORMATS}
    for form in FORMATS:
        assert together[form] == together["ndjson"], form
        alone = [(await outcome(store, type_, form, [text]))[0] for text in texts]
        assert dict(enumerate(alone)) == together[form], form
    for number, text in enumerate(texts):
        value = together["ndjson"][number]
        if value not in {"wrong-type", "out-of-range"} and text not in BEYOND_POSTGRESQL:
            assert value == await store.fetchval(f"SELECT '{text}'::{type_}::text"), text
    assert {texts[number] for number, value in together["ndjson"].items() if value == "24:00:00"} == set()
    assert DAYS_END.isdisjoint(texts) or all(together["csv"][texts.index(text)] == "out-of-range" for text in DAYS_END)


rests = st.sampled_from(["", "5", "50", "500", "5001", "4999", "49999999999", "50000000001", "9", "0000"])
fractions = st.builds(lambda whole, rest: f"{whole:06}{rest}", st.integers(0, 999_999), rests)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fractions=st.lists(fractions, min_size=1, max_size=20))
async def test_fractions_are_rounded_as_postgresql_does_in_every_format(
    store: asyncpg.Connection, fractions: list[str]
) -> None:
    texts = [f"2026-01-01T00:00:00.{fraction}" for fraction in fractions]
    stored = await store.fetch(
        "SELECT t::timestamp::text AS v FROM unnest($1::text[]) WITH ORDINALITY f(t, n) ORDER BY n", texts
    )
    wanted = dict(enumerate(row["v"] for row in stored))
    for form in FORMATS:
        assert await outcome(store, "timestamp", form, texts) == wanted, form
