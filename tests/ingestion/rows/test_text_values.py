"""CSV fields of every type: what PostgreSQL writes is read as the value it is there, and nothing is read otherwise."""

import contextlib
import csv
import io

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.text_values import FieldOutOfRange, reader_of
from app.warehouse.rejections import clip
from app.warehouse.types import parse_type
from tests.ingestion.bodies import column, plan_of, read, staged

AT = "2026-01-01T00:00:00Z"

TAKEN = {
    "text": ["", " a ", "null", "NULL", "\\N", "007", "it's", 'say "hi"', "two\nlines", "é😀", "a,b", "\\.", "\r\n"],
    "varchar(5)": ["", "null", "12345", "ééééé"],
    "smallint": ["0", "-32768", "32767", "1.0", "1e2", "-0"],
    "integer": ["2147483647", "-2147483648", "20.00"],
    "bigint": ["9223372036854775807", "-9223372036854775808", "9007199254740993.0", "9007199254740993"],
    "numeric": ["1.50", "-0.001", "1e5", "1E+5", "123456789012345678901234567890.5", "0", "-0.0"],
    "numeric(12,2)": ["1.50", "1.005", "-1.005", "9999999999.99"],
    "real": ["1.5", "1e-45", "3.4028235e+38", "0", "-0"],
    "double precision": ["1.5", "1e+20", "5e-324", "1.7976931348623157e+308", "0.1", "-0"],
    "boolean": ["t", "f", "true", "false", "TRUE", "False", "yes", "no", "on", "off", "1", "0", "y", "N", "tr", "of"],
    "date": ["2026-01-02", "0001-01-01", "9999-12-31", "2024-02-29"],
    "time": ["00:00:00", "23:59:59.999999", "10:00:00.5", "10:00:00.1234565", "23:59:59.9999994"],
    "timestamp": ["2026-01-01 00:00:00", "2026-01-01T00:00:00.5", "0001-01-01 00:00:00", "2026-01-01 23:59:59.9999999"],
    "timestamptz": [
        "2026-01-01 00:00:00+00", "2026-01-01 00:00:00.123456-05:30", "2026-01-01T10:00:00+02:00", AT,
        "1890-01-01 00:00:00+00:53:28", "2026-01-01 00:00:00.1234565+00", "9999-12-31 23:59:59.999999+00",
    ],
    "uuid": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"],
    "jsonb": ["{}", '{"a": [1, 2.50, "x"]}', '"text"', "12345678901234567890.123", "[null]"],
    "bytea": [r"\x", r"\x6869", r"\x00FF", r"\xdeadBEEF"],
}  # fmt: skip

REFUSED = {
    "smallint": [
        ("1.5", "wrong-type"),
        ("32768", "out-of-range"),
        ("007", "wrong-type"),
        ("+1", "wrong-type"),
        ("1_0", "wrong-type"),
        (" 1", "wrong-type"),
        ("null", "wrong-type"),
        ("NULL", "wrong-type"),
        ("0x1F", "wrong-type"),
        ("\uff11", "wrong-type"),
        ("", "wrong-type"),
        ("1e99999999999", "out-of-range"),
        ("9" * 5000, "out-of-range"),
    ],
    "bigint": [("9223372036854775808", "out-of-range"), ("9223372036854775807.5", "wrong-type"), ("", "wrong-type")],
    "numeric": [
        ("1_000", "wrong-type"),
        (" 1", "wrong-type"),
        ("\uff11", "wrong-type"),
        ("01", "wrong-type"),
        ("null", "wrong-type"),
        ("1,5", "wrong-type"),
        ("", "wrong-type"),
        ("1e9999", "out-of-range"),
    ],
    "double precision": [
        ("1e400", "out-of-range"),
        ("null", "wrong-type"),
        ("1_0", "wrong-type"),
        ("0x1", "wrong-type"),
        ("", "wrong-type"),
    ],
    "real": [("1e39", "out-of-range"), ("1e-46", "out-of-range"), ("x", "wrong-type")],
    "boolean": [
        ("2", "wrong-type"),
        ("o", "wrong-type"),
        ("null", "wrong-type"),
        ("", "wrong-type"),
        (" t", "wrong-type"),
    ],
    "date": [
        ("20260101", "wrong-type"),
        ("infinity", "out-of-range"),
        ("10000-01-01", "out-of-range"),
        ("0001-01-01 BC", "out-of-range"),
        ("2026-02-30", "wrong-type"),
        ("today", "wrong-type"),
        ("", "wrong-type"),
    ],
    "time": [
        ("24:00:00", "out-of-range"),
        ("23:59:59.9999999", "out-of-range"),
        ("10:00", "wrong-type"),
        ("10:00:00+02", "wrong-type"),
        ("36000", "wrong-type"),
    ],
    "timestamp": [
        ("2026-01-01 00:00:00+00", "wrong-type"),
        ("1700000000", "wrong-type"),
        ("-infinity", "out-of-range"),
    ],
    "timestamptz": [
        ("2026-01-01 00:00:00", "wrong-type"),
        ("1700000000", "wrong-type"),
        ("infinity", "out-of-range"),
        ("10000-01-01 00:00:00+00", "out-of-range"),
        ("0001-01-01 00:00:00+05", "out-of-range"),
        ("2026-01-01", "wrong-type"),
        ("now", "wrong-type"),
        ("", "wrong-type"),
    ],
    "uuid": [("6ba7b810", "wrong-type"), ("", "wrong-type")],
    "jsonb": [("{", "invalid-text"), ("NaN", "invalid-text"), ("", "invalid-text"), (r'"\u0000"', "invalid-text")],
    "bytea": [
        (r"\x0", "wrong-type"),
        (r"\xzz", "wrong-type"),
        (r"\x 00", "wrong-type"),
        ("aGk", "wrong-type"),
        (r"\000", "wrong-type"),
    ],
    "varchar(5)": [("123456", "too-long")],
    "text": [("a\x00b", "invalid-text")],
}


def table(fields: list[str | None]) -> bytes:
    """The fields as a column of rows, each quoted; None is null."""
    text = io.StringIO()
    text.write("id,at,v\n")
    for number, field in enumerate(fields):
        row = io.StringIO()
        csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="").writerow([field])
        text.write(f"{number},{AT},{'' if field is None else row.getvalue()}\n")
    return text.getvalue().encode()


@pytest.mark.parametrize("type_", TAKEN)
@pytest.mark.parametrize("alone", [True, False])
async def test_what_is_taken_is_the_value_that_postgresql_makes_of_it(
    store: asyncpg.Connection, type_: str, alone: bool
) -> None:
    plan = plan_of(column("v", type_))
    given: list[str | None] = [*TAKEN[type_], None]
    via = "numeric::" if type_ in {"smallint", "integer", "bigint"} else ""  # it takes no integer that is written 1.0
    for fields in [[field] for field in given] if alone else [given]:
        payload, refused, accepted = await read(csv_chunks, table(fields), plan)
        assert (refused, accepted) == ([], len(fields))
        wanted = await store.fetch(
            f"SELECT text::{via}{type_}::text AS v FROM unnest($1::text[]) WITH ORDINALITY AS f(text, n) ORDER BY n",
            fields,
        )
        assert [row["v"] for row in await staged(store, plan, payload, "id, v::text AS v")] == [
            row["v"] for row in wanted
        ]


@pytest.mark.parametrize("type_", REFUSED)
@pytest.mark.parametrize("beside", [0, 1])
async def test_what_is_refused_costs_its_row_and_says_what_was_sent(type_: str, beside: int) -> None:
    """Alone in its column, and beside a value that is taken, whatever way the column is read."""
    for text, code in REFUSED[type_]:
        body = table([text, *TAKEN[type_][:beside]])
        _, refused, accepted = await read(csv_chunks, body, plan_of(column("v", type_)))
        assert [(row.code, row.column, accepted) for row in refused] == [(code, "v", beside)], text
        assert refused[0].message.startswith("v: ")
        assert refused[0].line == 2
        assert refused[0].raw == clip(body.split(b"\n", 1)[1].split(b"\n" if beside else b"\n\n")[0].rstrip(b"\n"))


@pytest.mark.parametrize("text", ["aGk=", "AAEC", "", "3q2+7w=="])
async def test_base64_is_binary_too(store: asyncpg.Connection, text: str) -> None:
    plan = plan_of(column("v", "bytea"))
    for fields in ([text], [text, r"\x6869"]):
        payload, refused, _ = await read(csv_chunks, table([*fields]), plan)
        assert refused == []
        found = await staged(store, plan, payload, "id, v")
        assert found[0]["v"] == await store.fetchval("SELECT decode($1, 'base64')", text)
        assert [row["v"] for row in found[1:]] == [b"hi"] * (len(fields) - 1)


@pytest.mark.parametrize("type_", TAKEN)
async def test_nothing_is_null_and_two_quotes_are_the_empty_text(store: asyncpg.Connection, type_: str) -> None:
    plan = plan_of(column("v", type_))
    payload, refused, _ = await read(csv_chunks, f'id,at,v\n1,{AT},\n2,{AT},""\n3,{AT}, \n'.encode(), plan)
    found = {row["id"]: row["v"] for row in await staged(store, plan, payload, "id, v::text AS v")}
    assert found[1] is None
    if type_ == "bytea":
        assert found[2] == r"\x", "no bytes, in base64"
    elif type_ in {"text", "varchar(5)"}:
        assert (found[2], found[3]) == ("", " ")
    else:
        assert {row.line for row in refused} == {3, 4} - found.keys() | {3}


values = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False).map(str),
    "double precision": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "boolean": st.booleans().map(str),
    "date": st.dates().map(str),
    "time": st.times().map(str),
    "timestamp": st.datetimes().map(str),
    "timestamptz": st.datetimes().map(lambda moment: f"{moment}+00"),
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=9).map(lambda data: "\\x" + data.hex()),
}


@settings(max_examples=15)
@given(data=st.data())
async def test_what_postgresql_copies_out_is_copied_in(store: asyncpg.Connection, data: st.DataObject) -> None:
    """Every type at once: written by PostgreSQL's COPY as CSV, read here, stored, and written again."""
    plan = plan_of(*(column(f"c{place}", type_) for place, type_ in enumerate(values)))
    drawn = [data.draw(st.lists(st.none() | strategy, min_size=6, max_size=6)) for strategy in values.values()]
    rows = [dict(enumerate(row)) for row in zip(*drawn, strict=True)]
    texts = ", ".join(f"(f ->> '{place}')::{type_} AS c{place}" for place, type_ in enumerate(values))
    written = io.BytesIO()
    await store.execute("DROP TABLE IF EXISTS pg_temp.written")
    await store.execute("CREATE TEMP TABLE written (n serial, f jsonb)")
    await store.executemany("INSERT INTO written (f) VALUES (jsonb_object($1::text[], $2::text[]))", [
        ([str(place) for place in row], list(row.values())) for row in rows
    ])  # fmt: skip
    query = f"SELECT n AS id, timestamptz '{AT}' AS at, {texts} FROM written ORDER BY n"
    await store.copy_from_query(query, output=written, format="csv", header=True)
    payload, refused, accepted = await read(csv_chunks, written.getvalue(), plan)
    assert (refused, accepted) == ([], len(rows))
    names = ", ".join(f"c{place}" for place in range(len(values)))
    found = await staged(store, plan, payload, f"id, at, {names}")
    assert [tuple(row) for row in found] == [tuple(row) for row in await store.fetch(query)]


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["bigint", "numeric", "double precision", "boolean", "date", "time", "timestamptz", "bytea"]),
    data=st.data(),
)
def test_a_column_read_at_once_has_the_values_of_its_fields(kind: str, data: st.DataObject) -> None:
    texts = st.one_of(values[kind], st.sampled_from([*TAKEN[kind], *(text for text, _ in REFUSED[kind])]))
    fields = data.draw(st.lists(st.none() | texts, max_size=4))
    reader = reader_of(parse_type(kind).kind)
    try:
        found = reader.column(fields)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(FieldOutOfRange):  # whether a time is too early in UTC is looked at when a row is stored
        assert list(found) == [None if field is None else reader.one(field) for field in fields]
