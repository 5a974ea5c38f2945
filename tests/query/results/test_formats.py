"""Each form of an answer, held against what a standard reader makes of it."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.tabular.csv_style import CsvFormulas, CsvStyle
from app.kernel.tabular.types import NotRepresentableError
from app.query.results.encoders import ResultTarget, encoder_for
from app.query.results.formats import Format
from tests.kernel.tabular.columns import described

COLUMNS = described(
    ("id", "int8"),
    ("name", "text"),
    ("amount", "numeric"),
    ("ratio", "float8"),
    ("ok", "bool"),
    ("at", "timestamptz"),
    ("day", "date"),
    ("doc", "jsonb"),
    ("raw", "bytea"),
    ("tags", "text[]"),
    ("sums", "numeric[]"),
)
ROW: tuple[Any, ...] = (
    2**60,
    'a,"b"\nc',
    "12345678901234567890.123456789",
    "0.1",
    True,
    "2013-01-01 05:00:00.25+00",
    "2013-01-01",
    '{"a": [1, 2.50]}',
    b"\x00\xff",
    '["x",null]',
    "[1.10,null]",
)
"""As `readable` brings the values for JSON."""
NULLS: tuple[Any, ...] = (None,) * len(ROW)


PLAIN = CsvStyle(CsvFormulas.PLAIN)


def _written(
    kind: Format, rows: list[Any], columns: Any = COLUMNS, max_bytes: int = 10**9, csv: CsvStyle = PLAIN
) -> tuple[bytes, int]:
    file = io.BytesIO()
    writer = encoder_for(ResultTarget(kind, columns, file, max_bytes, {"execution_id": "e"}, csv))
    writer.begin()
    taken = writer.write(rows)
    writer.finish({"row_count": taken, "truncated": taken < len(rows)})
    assert not file.closed
    return file.getvalue(), taken


def test_json_keeps_every_digit_and_the_order_of_columns() -> None:
    body, _ = _written(Format.JSON, [ROW, NULLS])
    document = json.loads(body, parse_float=Decimal)
    assert document["execution_id"] == "e"
    assert document["columns"][2] == {"name": "amount", "type": "numeric"}
    assert document["columns"][10] == {"name": "sums", "type": "numeric[]"}
    assert document["rows"] == [
        [
            2**60,
            'a,"b"\nc',
            Decimal("12345678901234567890.123456789"),
            Decimal("0.1"),
            True,
            "2013-01-01T05:00:00.25+00:00",
            "2013-01-01",
            {"a": [1, Decimal("2.50")]},
            "AP8=",
            ["x", None],
            [Decimal("1.10"), None],
        ],
        [None] * len(ROW),
    ]
    assert (document["row_count"], document["truncated"]) == (2, False)


def test_json_without_rows_is_json() -> None:
    assert json.loads(_written(Format.JSON, [])[0])["rows"] == []


def test_ndjson_is_one_object_per_line() -> None:
    body, _ = _written(Format.NDJSON, [ROW, NULLS])
    first, second = (json.loads(line) for line in body.splitlines())
    assert first["tags"] == ["x", None]
    assert list(first) == [column.name for column in COLUMNS]
    assert set(second.values()) == {None}


def test_csv_reads_back_and_tells_null_from_empty() -> None:
    columns = described(("a", "text"), ("b", "text"), ("c,d", "bool"))
    body, _ = _written(Format.CSV, [("", None, False), ('x"\r\ny', "1,2", True)], columns)
    assert body.startswith(b'a,b,"c,d"\r\n"",,false\r\n')
    assert list(csv.reader(io.StringIO(body.decode(), newline=""))) == [
        ["a", "b", "c,d"],
        ["", "", "false"],
        ['x"\r\ny', "1,2", "true"],
    ]


def test_arrow_and_parquet_hold_types_and_exact_values() -> None:
    rows = [(*ROW[:3], 0.1, *ROW[4:]), NULLS]  # a double comes as one
    arrow = pa.ipc.open_stream(_written(Format.ARROW, rows)[0]).read_all()
    parquet = pq.read_table(io.BytesIO(_written(Format.PARQUET, rows)[0]))
    assert arrow.schema.equals(parquet.schema)
    assert arrow.schema.field("amount").metadata == {b"spyne.type": b"numeric"}
    assert arrow.to_pylist() == parquet.to_pylist()
    first = arrow.to_pylist()[0]
    assert first["id"] == 2**60
    assert first["amount"] == "12345678901234567890.123456789"
    assert first["at"].isoformat() == "2013-01-01T05:00:00.250000+00:00"
    assert first["day"].isoformat() == "2013-01-01"
    assert first["raw"] == b"\x00\xff"
    assert json.loads(first["sums"], parse_float=Decimal) == [Decimal("1.10"), None]
    assert set(arrow.to_pylist()[1].values()) == {None}


@pytest.mark.parametrize("kind", [Format.ARROW, Format.PARQUET])
@pytest.mark.parametrize(("type_", "text"), [("timestamptz", "infinity"), ("date", "0044-03-15 BC")])
def test_times_beyond_arrow_are_refused_and_never_changed(kind: Format, type_: str, text: str) -> None:
    with pytest.raises(NotRepresentableError):
        _written(kind, [(text,)], described(("t", type_)))


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        ("float8", "NaN", "NaN"),
        ("float8", "Infinity", "Infinity"),
        ("float8", "1e+300", 1e300),
        ("float8", "-0", 0),
        ("float4", "-Infinity", "-Infinity"),
        ("float4", "0.1", 0.1),
        ("numeric", "NaN", "NaN"),
        ("numeric", "Infinity", "Infinity"),
        ("numeric", "9" * 301, "9" * 301),
        ("numeric", "0.10", 0.1),
        ("timestamp", "infinity", "infinity"),
        ("timestamp", "2013-01-01 05:00:00", "2013-01-01T05:00:00"),
        ("timestamptz", "-infinity", "-infinity"),
        ("timestamptz", "0044-03-15 00:00:00+00 BC", "0044-03-15T00:00:00+00:00 BC"),
        ("timestamptz", "12026-01-01 00:00:00+00", "12026-01-01T00:00:00+00:00"),
        ("timestamp", "0044-03-15 00:00:00 BC", "0044-03-15T00:00:00 BC"),
        ("timetz", "05:00:00+00", "05:00:00+00"),
        ("interval", "P1Y2M", "P1Y2M"),
        ("float8[]", '[1.5,"NaN",null]', [1.5, "NaN", None]),
        ("json", '{"a":\n1}', {"a": 1}),
        ("json[]", '[{"a":\r\n 1},null]', [{"a": 1}, None]),
        ("int4range", '"[1,5)"', "[1,5)"),
    ],
)
def test_json_is_valid_whatever_the_value(type_: str, value: Any, shown: Any) -> None:
    def no_constant(name: str) -> Any:
        raise AssertionError(name)

    body, _ = _written(Format.JSON, [(value,)], described(("v", type_)))
    assert json.loads(body, parse_constant=no_constant)["rows"] == [[shown]]
    line, _ = _written(Format.NDJSON, [(value,)], described(("v", type_)))
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert json.loads(line, parse_constant=no_constant) == {"v": shown}


@pytest.mark.parametrize("kind", list(Format))
def test_no_form_takes_more_bytes_than_the_cap(kind: Format) -> None:
    columns = described(("v", "text"))
    rows = [("x" * 100,)] * 50
    _, taken = _written(kind, rows, columns, max_bytes=1_000)
    assert taken < len(rows)
    assert _written(kind, rows, columns)[1] == len(rows)


def test_repeated_names_get_numbers() -> None:
    names = [column.name for column in described(("a", "int4"), ("a", "int4"), ("a_2", "text"), ("a", "text"))]
    assert names == ["a", "a_2", "a_2_2", "a_3"]


@given(st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text()), max_size=20))
def test_every_form_says_the_same(rows: list[tuple[int | None, str | None]]) -> None:
    columns = described(("n", "int8"), ("t", "text"))
    table = [list(row) for row in rows]
    assert json.loads(_written(Format.JSON, rows, columns)[0])["rows"] == table
    lines = _written(Format.NDJSON, rows, columns)[0].split(b"\n")[:-1]
    assert [list(json.loads(line).values()) for line in lines] == table
    arrow = pa.ipc.open_stream(_written(Format.ARROW, rows, columns)[0]).read_all()
    assert [list(row.values()) for row in arrow.to_pylist()] == table
    parquet = pq.read_table(io.BytesIO(_written(Format.PARQUET, rows, columns)[0]))
    assert [list(row.values()) for row in parquet.to_pylist()] == table
    cells = list(csv.reader(io.StringIO(_written(Format.CSV, rows, columns)[0].decode(), newline="")))
    assert cells[1:] == [["" if value is None else str(value) for value in row] for row in rows]


def test_csv_guards_formulas_unless_it_is_told_not_to() -> None:
    columns = described(("=a", "text"), ("n", "int4"), ("r", "int4range"), ("doc", "jsonb"))
    rows = [("=1+1", -1, "-x", "-1"), (" \ufeff@x", 1, "[1,5)", '"=1"'), ("-1", 1, "", "[]")]

    def cells(style: CsvStyle) -> list[list[str]]:
        return list(csv.reader(io.StringIO(_written(Format.CSV, rows, columns, csv=style)[0].decode(), newline="")))

    as_they_are = [["=a", "n", "r", "doc"], *([str(value) for value in row] for row in rows)]
    assert cells(PLAIN) == as_they_are
    assert cells(CsvStyle()) == [
        ["'=a", "n", "r", "doc"],
        ["'=1+1", "-1", "'-x", "-1"],
        ["' \ufeff@x", "1", "[1,5)", '"=1"'],
        ["-1", "1", "", "[]"],
    ]
    body, _ = _written(Format.CSV, rows, columns, csv=CsvStyle(CsvFormulas.PLAIN, bom=True))
    assert body == b"\xef\xbb\xbf" + _written(Format.CSV, rows, columns)[0]
