"""What the row model accepts, PostgreSQL stores: no accepted row may fail in COPY, whatever the value."""

import json
from datetime import UTC, datetime

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.lines import ndjson_chunks
from app.warehouse.types import TypeKind
from tests.ingestion.bodies import column, plan_of, read, staged

AT = "2026-01-01T00:00:00Z"
TYPES = [*TypeKind, "varchar(3)", "numeric(5,2)", "numeric(4,4)"]


hard = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.datetimes().map(lambda t: t.isoformat()),
    st.datetimes(timezones=st.just(UTC)).map(lambda t: t.isoformat()),
    st.dates().map(str),
    st.times().map(str),
    st.uuids().map(str),
    st.decimals(allow_nan=True).map(str),
    st.sampled_from(
        [
            "NaN",
            "Infinity",
            "-Infinity",
            "sNaN",
            "0E-20000",
            "1e20000",
            "-0.0",
            "null",
            "\\.",
            "\\N",
            '"',
            "\\",
            "a\nb\r\tc",
            "AAEC",
            "infinity",
            "24:00:00",
            "1_0",
            " 1",
            "\x7f\x01\x1f\b\f",
        ]
    ),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=4,
    ),
)
literals = st.one_of(
    hard.map(json.dumps),
    st.sampled_from(
        [
            "1e-400",
            "1e400",
            "1e-20000",
            "1e20000",
            "99999.995",
            "999.994",
            "999.995",
            "0.99995",
            "3.5e38",
            "1e-46",
            "0e-99999",
            "1" * 1500,
            "0." + "1" * 20000,
            "-0",
        ]
    ),
)


@pytest.mark.parametrize("type_text", TYPES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(literals, min_size=1, max_size=20))
async def test_every_accepted_value_can_be_stored(store: asyncpg.Connection, type_text: str, values: list[str]) -> None:
    plan = plan_of(column("c", type_text))
    body = "\n".join(f'{{"id": {n}, "at": "{AT}", "c": {value}}}' for n, value in enumerate(values, 1)).encode()
    payload, refused, accepted = await read(ndjson_chunks, body, plan)
    assert accepted + len(refused) == len(values)
    assert len(await staged(store, plan, payload)) == accepted


EXACT = [
    (
        "text",
        [
            "plain",
            'quo"te',
            "back\\slash",
            "\\n",
            "a\nb",
            "\t\r\b\f\x01\x1f\x7f",
            "é😀\u2028",
            "null",
            "",
            "a,b",
            "]\n[",
            "\\\\n\\",
        ],
    ),
    ("bytea", ["", "AAEC"]),
    ("double precision", [0.1, 1e300, -0.0, 5e-324, 123456789.123456789]),
    ("bigint", [2**63 - 1, -(2**63)]),
    ("boolean", [True, False]),
    ("jsonb", [{"a": [1, "x\ny", None]}, "text", 5, True, [], {}]),
]


@pytest.mark.parametrize(("type_text", "values"), EXACT)
async def test_values_arrive_as_they_were_sent(store: asyncpg.Connection, type_text: str, values: list[object]) -> None:
    plan = plan_of(column("c", type_text))
    body = "\n".join(json.dumps({"id": n, "at": AT, "c": value}) for n, value in enumerate(values, 1)).encode()
    payload, refused, _ = await read(ndjson_chunks, body, plan)
    assert refused == []
    shown = "encode(c, 'base64')" if type_text == "bytea" else "c"
    rows = await staged(store, plan, payload, f"at, {shown}")
    found = [row[1] for row in rows]
    assert ([json.loads(row) for row in found] if type_text == "jsonb" else found) == values
    assert {row[0] for row in rows} == {datetime(2026, 1, 1, tzinfo=UTC)}
