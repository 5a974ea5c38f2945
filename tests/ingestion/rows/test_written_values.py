"""One rule for how numbers and times are written, whatever else stands beside them and however they are read."""

import json
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.rows.text_values import SPECIAL_NUMBERS
from app.ingestion.rows.values import finer_than_microseconds, integral, is_number
from app.warehouse.plan import Mode
from app.warehouse.rejections import Rejection
from tests.ingestion.bodies import Reader, column, plan_of, read, staged

AT = "2026-01-01T00:00:00Z"
READERS: list[tuple[Reader, str, str]] = [(ndjson_chunks, "", ""), (array_chunks, "[", "]")]

INTEGERS = {
    "1": 1,
    "1.0": 1,
    "5.00": 5,
    "1e3": 1000,
    "1E+3": 1000,
    "12.50e1": 125,
    "-0": 0,
    "-0.0": 0,
    "0e99999999999999999999": 0,
    "9223372036854775807.0": 2**63 - 1,
    "-9223372036854775808.000": -(2**63),
    "9007199254740993.0": 2**53 + 1,
    "922337203685477580.7e1": 2**63 - 1,
}
"""Numbers that are integers, which a double could not all hold."""

NO_INTEGERS = {
    "1.5": "wrong-type",
    "1e-1": "wrong-type",
    "1e-400": "wrong-type",
    "1e-99999999999999999999": "wrong-type",
    "0.99999999999999999999": "wrong-type",
    "9007199254740993.5": "wrong-type",
    '"1"': "wrong-type",
    "true": "wrong-type",
    "[1]": "wrong-type",
    "9223372036854775808": "out-of-range",
    "9223372036854775808.0": "out-of-range",
    "1e400": "out-of-range",
    "1e99999999999999999999": "out-of-range",
    "1" * 1000: "out-of-range",
}

NUMBERS = ["0", "-0", "1", "1.50", "1e3", "1E-3", "-12.5e+1", "100", "0.1"]
NO_NUMBERS = [
    " 1", "1 ", "1_000", "\uff11", "\u0661", "+1", "01", "00.5", ".5", "5.", "1.", "1e", "1e1.5", "", "-", "0x1", "1,5",
    "--1", "1\n", "\t1", "1__0", "_1", "1e1_0", "\u00a01", "NaN", "Infinity", "-inf", "sNaN",
]  # fmt: skip
UNREADABLE = [text for text in NO_NUMBERS if text.lower() not in SPECIAL_NUMBERS]
"""What a numeric cannot be either: it may be what PostgreSQL writes as `NaN` and `Infinity`."""


async def rows_of(values: list[str], type_text: str, reader: int = 0, **more: object) -> tuple[bytes, list[Rejection]]:
    """The rows whose column c has these values, and those that were refused, of the column or the whole row."""
    read_by, begin, end = READERS[reader]
    gap = "," if begin else "\n"
    texts = [f'{{"id": {n}, "at": "{AT}", "c": {value}}}' for n, value in enumerate(values)]
    plan = plan_of(column("c", type_text), **more)  # type: ignore[arg-type]
    payload, refused, accepted = await read(read_by, (begin + gap.join(texts) + end).encode(), plan)
    assert accepted + len(refused) == len(values)
    return payload, refused


@pytest.mark.parametrize("reader", [0, 1])
@pytest.mark.parametrize("alone", [True, False])
async def test_a_number_that_is_an_integer_is_taken_as_one(store: asyncpg.Connection, reader: int, alone: bool) -> None:
    plan = plan_of(column("c", "bigint"))
    for values in [[value] for value in INTEGERS] if alone else [list(INTEGERS)]:
        payload, refused = await rows_of(values, "bigint", reader)
        assert refused == []
        assert [row["c"] for row in await staged(store, plan, payload)] == [INTEGERS[value] for value in values]


@pytest.mark.parametrize("reader", [0, 1])
@pytest.mark.parametrize(("value", "code"), NO_INTEGERS.items())
async def test_a_number_that_is_none_is_refused(reader: int, value: str, code: str) -> None:
    _, refused = await rows_of(["1", value, "1.0"], "bigint", reader)
    assert [(row.code, row.column) for row in refused] == [(code, "c")]


@pytest.mark.parametrize(("type_text", "low", "high"), [("smallint", -32768, 32767), ("integer", -(2**31), 2**31 - 1)])
async def test_an_integral_number_has_the_bounds_of_its_type(type_text: str, low: int, high: int) -> None:
    values = [f"{low - 1}.0", f"{low}.0", f"{high}.0", f"{high + 1}.0"]
    _, refused = await rows_of(values, type_text)
    assert [row.line for row in refused] == [1, 4]


async def test_an_integral_number_is_held_against_what_the_contract_allows() -> None:
    values = ["1.0", "2.0", "3.0"]
    for checks in ({"one_of": (1, 3)}, {"minimum": 1, "maximum": 1}):
        plan = plan_of(column("c", "bigint", **checks))
        body = "\n".join(f'{{"id": 1, "at": "{AT}", "c": {value}}}' for value in values)
        _, refused, _ = await read(ndjson_chunks, body.encode(), plan)
        assert [row.line for row in refused] == ([2] if "one_of" in checks else [2, 3])


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.integers().map(Decimal))
def test_integral_agrees_with_decimals(number: Decimal) -> None:
    text = f"{number:f}"
    try:
        found = integral(text)
    except OverflowError:
        assert abs(number) >= 10**20
    else:
        assert found == (int(number) if number == number.to_integral_value() else None)


@pytest.mark.parametrize("reader", [0, 1])
async def test_a_numeric_is_written_as_any_number(reader: int) -> None:
    quoted = [f'"{text}"' for text in NUMBERS]
    assert (await rows_of([*NUMBERS, *quoted], "numeric", reader))[1] == []
    assert all(map(is_number, NUMBERS))
    assert not any(map(is_number, NO_NUMBERS))
    for text in UNREADABLE:
        _, refused = await rows_of(["1", json.dumps(text, ensure_ascii=False), '"2"'], "numeric", reader)
        assert [(row.line, row.code, row.column) for row in refused] == [(2, "wrong-type", "c")], text
    _, refused = await rows_of([json.dumps(text) for text in NO_NUMBERS], "numeric", reader)
    assert len(refused) == len(UNREADABLE)


@pytest.mark.parametrize("beside", ['"x"', '"\\u002c"', '{"a": "1_0"}', '[1, "2"]', "null"])
async def test_what_stands_beside_a_numeric_hides_nothing(beside: str) -> None:
    plan = plan_of(column("c", "numeric"), column("beside", "jsonb"), column("n", "numeric"))
    body = "\n".join(f'{{"id": 1, "at": "{AT}", "c": {c}, "beside": {beside}, "n": 1}}' for c in ("1", '"1"', '"1_0"'))
    _, refused, accepted = await read(ndjson_chunks, body.encode(), plan)
    assert (accepted, [(row.line, row.column) for row in refused]) == (2, [(3, "c")])


EXACT = [
    ("numeric(12,2)", ["1.00", "1.5", "1.500000", "1e2", "12e-1"], ["1.005", "1.00999", "1e-3", "0.001"]),
    ("numeric(5,0)", ["1", "1.0", "100e-1"], ["1.5", "15e-1"]),
    ("timestamp", ['"2026-01-01T00:00:00.123456"', '"2026-01-01T00:00:00.123456000"', '"2026-01-01T00:00:00.5"'],
     ['"2026-01-01T00:00:00.1234567"', '"2026-01-01T00:00:00.000000001"', '"2026-01-01T00:00:00.1234560001"']),
    ("timestamptz", ['"2026-01-01T00:00:00.123456+02:00"', '"2026-01-01T00:00:00.1234560Z"'],
     ['"2026-01-01T00:00:00.1234567+02:00"', '"2026-01-01T00:00:00.9999999Z"']),
    ("time", ['"10:00:00.123456"', '"10:00:00.1234560"'], ['"10:00:00.1234567"']),
]  # fmt: skip
"""A type, values that fit into it exactly, and values that PostgreSQL would round."""


@pytest.mark.parametrize("reader", [0, 1])
@pytest.mark.parametrize(("type_text", "fit", "rounded"), EXACT, ids=[case[0] for case in EXACT])
async def test_a_key_is_never_rounded(reader: int, type_text: str, fit: list[str], rounded: list[str]) -> None:
    for key, mode in ((("c",), Mode.UPSERT), (("id", "c"), Mode.APPEND)):
        _, refused = await rows_of([*fit, *rounded], type_text, reader, key=key, mode=mode)
        first = len(fit) + 1
        expected = [(line, "not-exact", "c") for line in range(first, first + len(rounded))]
        assert [(row.line, row.code, row.column) for row in refused] == expected
    _, refused = await rows_of([*fit, *rounded], type_text, reader)
    assert refused == [], "any other column is rounded"


@pytest.mark.parametrize("beside", ["1.12345678", '"2026-01-01T00:00:00.1234567"', '"a.1234567"'])
async def test_an_event_time_is_never_rounded_and_others_do_not_count(beside: str) -> None:
    plan = plan_of(column("c", "jsonb"))
    times = (AT, "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00.1234560Z")
    body = "\n".join(f'{{"id": 1, "at": "{at}", "c": {beside}}}' for at in times)
    _, refused, accepted = await read(ndjson_chunks, body.encode(), plan)
    assert (accepted, [(row.line, row.code, row.column) for row in refused]) == (2, [(2, "not-exact", "at")])


async def test_three_keys_that_would_be_one_stay_three_or_are_refused() -> None:
    values = ["1.005", "1.01", "1.00999"]
    _, refused = await rows_of(values, "numeric(12,2)", key=("c",))
    assert [(row.line, row.code) for row in refused] == [(1, "not-exact"), (3, "not-exact")]


@given(st.integers(0, 10**12 - 1), st.integers(0, 12))
def test_a_time_is_finer_when_it_has_digits_beyond_the_sixth(fraction: int, places: int) -> None:
    digits = f"{fraction:012d}"[:places]
    text = f"2026-01-01T00:00:00{'.' if digits else ''}{digits}Z"
    assert finer_than_microseconds(text) == bool(int(digits[6:] or "0"))
