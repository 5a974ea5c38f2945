"""Inference: independent of order and cuts, and never narrower than what it was inferred from."""

import json
import random
from datetime import timedelta
from typing import Any

import asyncpg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.objects import array_objects, csv_objects, ndjson_objects, parquet_objects
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.inference import Summary, infer_columns, summarise
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import parse_type
from tests.ingestion.bodies import pieces, read
from tests.ingestion.files import parquet_file

AT = "2026-01-01T00:00:00Z"
texts = st.one_of(
    st.sampled_from(
        [
            "2026-01-01",
            AT,
            "2026-01-01T00:00:00",
            "2026-13-01",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "x",
            "true",
            "007",
            "1.5",
            "12",
            "1e5",
            "-0",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters='\x00\r\n,"'), min_size=1, max_size=5),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.lists(st.integers(0, 3), max_size=2),
)
rows = st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), min_size=1, max_size=8)


def types(summary: Summary, *, textual: bool = False) -> dict[str, tuple[str, bool]]:
    return {c.name: (c.type.sql, c.nullable) for c in infer_columns(summary, textual=textual)}


def plan_with(columns: tuple[Column, ...]) -> RelationPlan:
    times = (
        Column("id", parse_type("bigint")),
        Column("at", parse_type("timestamptz")),
        Column("got", parse_type("timestamptz")),
    )
    return RelationPlan(
        governed_relation("t", 1),
        (*times, *columns),
        ("id",),
        "at",
        "got",
        Mode.UPSERT,
        Resolution.LATEST_WINS,
        timedelta(1),
    )


CASES: list[tuple[list[Any], str]] = [
    ([None], "text"),
    ([True, False], "boolean"),
    ([1, 2], "bigint"),
    ([1, 2.5], "double precision"),
    ([2**60, 2.5], "numeric"),
    ([2**70], "numeric"),
    ([2**53, 2.5], "double precision"),
    ([-(2**53), 2.5], "double precision"),
    ([2**53 + 1, 2.5], "numeric"),
    ([-(2**53) - 1, 2.5], "numeric"),
    ([2**63 - 1, -(2**63)], "bigint"),
    ([2**63], "numeric"),
    ([-(2**63) - 1], "numeric"),
    ([10**1000 - 1], "numeric"),
    ([10**1000], "jsonb"),
    ([1 - 10**1000, 1], "numeric"),
    ([-(10**1000)], "jsonb"),
    ([1, True], "jsonb"),
    ([1, "1"], "jsonb"),
    (["2026-01-01", "2026-01-02"], "date"),
    (["2026-01-01", "soon"], "text"),
    (["2026-01-01T10:00:00+02:00"], "timestamptz"),
    (["2026-01-01T10:00:00"], "timestamp"),
    ([AT, "2026-01-01T10:00:00"], "text"),
    (["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "uuid"),
    ([{"a": 1}, [1]], "jsonb"),
]


@pytest.mark.parametrize(("column", "expected"), CASES)
def test_types_of_json_values(column: list[Any], expected: str) -> None:
    assert types(summarise([{"c": value} for value in column]))["c"][0] == expected


TEXTUAL = [
    (["1", "2"], "bigint"),
    (["1", "2.50"], "numeric"),
    (["007"], "text"),
    (["9" * 1000], "numeric"),
    (["9" * 1001], "text"),
    ([f"{'9' * 500}.{'9' * 499}"], "numeric"),
    ([f"{'9' * 501}.9"], "text"),
    ([f"9.{'9' * 500}"], "text"),
    (["1e5", "1"], "text"),
    (["1E5", "2E10"], "text"),
    (["1e-07", "1"], "double precision"),
    (["1e-07", "0.25", "1e+20"], "double precision"),
    (["1e-07", "0.50"], "text"),
    (["1e-07", str(2**60)], "text"),
    (["1e-07", "1000000000000000"], "text"),
    (["1.5e-7"], "text"),
    (["-0"], "text"),
    (["-0.0"], "text"),
    (["-0.10"], "numeric"),
    (["+1"], "text"),
    (["1_0"], "text"),
    ([" 1"], "text"),
    (["0x1F"], "text"),
    (["00"], "text"),
    (["1."], "text"),
    ([".5"], "text"),
    (["NaN"], "text"),
    (["nan", "1.5"], "text"),
    (["Infinity"], "text"),
    (["\uff11\uff12"], "text"),
    (["1234567890123456789012"], "numeric"),
    (["True", "False"], "text"),
    (["t", "f"], "text"),
    (["yes"], "text"),
    (["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "uuid"),
    (["6BA7B810-9DAD-11D1-80B4-00C04FD430C8"], "text"),
    (["20260101"], "bigint"),
    (["2026-01-01T00:00:00.1234567Z"], "text"),
    ([""], "text"),
    (["true"], "boolean"),
    (["true", "1"], "text"),
    (["2026-01-01"], "date"),
    ([None], "text"),
]


@pytest.mark.parametrize(("column", "expected"), TEXTUAL)
def test_types_of_csv_fields(column: list[Any], expected: str) -> None:
    assert types(summarise([{"c": value} for value in column], textual=True), textual=True)["c"][0] == expected


written = st.one_of(
    st.sampled_from(
        ["1", "-1", "0", "007", "1e5", "1E5", "1e-07", "1.50", "0.25", "-0", "true", "NaN", "1e+20", "9" * 20]
    ),
    st.integers(-(2**65), 2**65).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.floats().map(repr),
    st.floats(-10, 10).map(lambda number: f"{number:.2f}"),
    st.uuids().map(str),
    st.text("0123456789.eE+-_ xNaInf", min_size=1, max_size=6),
)


@settings(max_examples=200)
@given(column=st.lists(written, min_size=1, max_size=4))
async def test_a_type_is_inferred_only_where_its_values_are_written_as_they_came(
    store: asyncpg.Connection, column: list[str]
) -> None:
    ((kind, _),) = types(summarise([{"c": text} for text in column], textual=True), textual=True).values()
    if kind in {"text", "date", "timestamp", "timestamptz"}:
        return
    rows = await store.fetch(
        f"SELECT text::{kind}::text AS v FROM unnest($1::text[]) WITH ORDINALITY f(text, n) ORDER BY n", column
    )
    assert [row["v"] for row in rows] == column


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"c": 0.1}\n{"c": 12.5}', "double precision"),
        (b'{"c": 0.12345678901234567890}', "numeric"),
        (b'{"c": 12345678901234567.89}\n{"c": 1}', "numeric"),
        (b'{"c": 1.0}', "double precision"),
        (b'{"c": 1e400}', "numeric"),
        (b'{"c": 100000000000000000000000.0}', "double precision"),
    ],
)
async def test_a_number_of_json_becomes_no_double_that_has_fewer_digits(body: bytes, kind: str) -> None:
    found = Summary()
    async for block in ndjson_objects(pieces(body)):
        found |= summarise(block)
    assert types(found)["c"][0] == kind


async def test_the_index_of_a_data_frame_becomes_no_column() -> None:
    found = Summary()
    async for block in csv_objects(pieces(b",Unnamed: 0,id\n7,8,1\n")):
        found |= summarise(block, textual=True)
    assert list(found.columns) == ["id"]
    table = pa.table({"id": [1], "__index_level_0__": [7]})
    async for block in parquet_objects(pieces(parquet_file(table))):
        assert block == [{"id": 1}]


async def test_values_that_cannot_be_stored_say_nothing_of_their_column() -> None:
    days = pa.array([0, 2_932_897], pa.int32()).cast(pa.date32())
    values = pa.table({"d": days, "x": pa.array([1.5, float("nan")])})
    found = Summary()
    async for block in parquet_objects(pieces(parquet_file(values))):
        found |= summarise(block)
    assert types(found) == {"d": ("date", True), "x": ("double precision", False)}


def test_a_column_that_is_missing_or_null_somewhere_is_nullable() -> None:
    found = types(summarise([{"a": 1, "b": 1, "c": 1}, {"a": 1, "b": None}]))
    assert {name: nullable for name, (_, nullable) in found.items()} == {"a": False, "b": True, "c": True}


@settings(max_examples=200)
@given(rows=rows, cut=st.integers(0, 8), seed=st.integers())
def test_order_and_cuts_do_not_matter(rows: list[dict[str, Any]], cut: int, seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert types(summarise(shuffled[:cut]) | summarise(shuffled[cut:])) == types(summarise(rows))


@settings(max_examples=200)
@given(rows=rows)
async def test_what_was_seen_is_accepted(rows: list[dict[str, Any]]) -> None:
    plain = [
        {name: value for name, value in row.items() if not isinstance(value, str) or "\x00" not in value}
        for row in rows
    ]
    found = Summary()
    body = "\n".join(json.dumps(row) for row in plain).encode()
    async for block in ndjson_objects(pieces(body)):
        found |= summarise(block)
    plan = plan_with(infer_columns(found))
    keyed = "\n".join(json.dumps({"id": 1, "at": AT, **row}) for row in plain).encode()
    _, refused, accepted = await read(ndjson_chunks, keyed, plan)
    assert (refused, accepted) == ([], len(rows))


@settings(max_examples=200)
@given(
    column=st.lists(
        st.one_of(texts, st.integers().map(str), st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)),
        min_size=1,
        max_size=8,
    )
)
async def test_csv_that_was_seen_is_accepted(column: list[str]) -> None:
    body = ("id,at,c\n" + "".join(f'1,{AT},"{text}"\n' for text in column)).encode()
    found = Summary()
    async for block in csv_objects(pieces(body)):
        found |= summarise(block, textual=True)
    plan = plan_with(tuple(c for c in infer_columns(found, textual=True) if c.name == "c"))
    _, refused, accepted = await read(csv_chunks, body, plan)
    assert (refused, accepted) == ([], len(column))


async def test_arrays_and_lines_give_the_same_rows() -> None:
    whole = [{"a": 1}, {"b": [2]}]

    async def collect(blocks: Any) -> list[Any]:
        return [row async for block in blocks for row in block]

    assert await collect(array_objects(pieces(json.dumps(whole).encode()))) == whole
    assert await collect(ndjson_objects(pieces("\n".join(map(json.dumps, [*whole, 5])).encode()))) == whole
