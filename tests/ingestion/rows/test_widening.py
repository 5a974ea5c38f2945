"""The type that holds the declared values and those that did not fit: every family, and its ends."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingestion.rows.inference import Seen, summary_of
from app.ingestion.rows.widening import extent_of, widened
from app.warehouse.types import INTEGER_KINDS, ColumnType, TypeKind, parse_type

TEXTS = ["1.5", "x"]
CASES: list[tuple[str, list[Any], str | None]] = [
    ("smallint", [32768], "integer"),
    ("smallint", [-32769], "integer"),
    ("smallint", [2**31 - 1], "integer"),
    ("smallint", [2**31], "bigint"),
    ("smallint", [1.5], "numeric"),
    ("integer", [-(2**31) - 1], "bigint"),
    ("integer", [2**63 - 1], "bigint"),
    ("integer", [2**63], "numeric"),
    ("bigint", [-(2**63) - 1], "numeric"),
    ("bigint", [1e300], "numeric"),
    ("bigint", [Decimal("1e5000")], "text"),
    ("bigint", [10**1500], "text"),
    ("bigint", [float("nan")], "text"),
    ("bigint", [2**63, "x"], "text"),
    ("bigint", [True], "text"),
    ("bigint", [{"a": 1}], "text"),
    ("bigint", ["5"], "text"),
    ("numeric(12,2)", [Decimal("0.125")], None),
    ("numeric(12,2)", [Decimal("0.1200"), Decimal(12345678901)], "numeric(13,2)"),
    ("numeric(12,2)", [Decimal("-1e999")], None),
    ("numeric(12,2)", [Decimal("Infinity")], None),
    ("numeric(12,2)", ["x"], "text"),
    ("numeric(3,3)", [1], "numeric(4,3)"),
    ("numeric", ["x"], "text"),
    ("numeric", [Decimal("1e5000")], "text"),
    ("real", [1e300], "double precision"),
    ("real", [-1e300, 5], "double precision"),
    ("real", [Decimal("1e400")], "text"),
    ("double precision", [Decimal("1e400")], "text"),
    ("varchar(5)", ["123456"], "text"),
    ("varchar(5)", ["2026-01-01", "x" * 9], "text"),
    ("varchar(5)", [5], None),
    ("text", [5], None),
    ("text", [{"a": 1}], None),
    ("date", ["2026-01-01T10:00:00"], "timestamp"),
    ("date", ["2026-01-01T10:00:00+02:00"], "timestamptz"),
    ("date", ["x"], "text"),
    ("timestamp", ["2026-01-01T10:00:00Z"], "text"),
    ("timestamptz", ["2026-01-01T10:00:00"], "text"),
    ("time", ["25:00"], "text"),
    ("uuid", ["x"], "text"),
    ("bytea", ["x"], "text"),
    ("boolean", [1], "text"),
]


@pytest.mark.parametrize(("declared", "values", "wider"), CASES)
def test_wider_types(declared: str, values: list[Any], wider: str | None) -> None:
    seen = summary_of(values, textual=False).seen
    found = widened(parse_type(declared), seen, extent_of(values), textual=False)
    assert (None if found is None else str(found)) == wider


@pytest.mark.parametrize(
    ("declared", "texts", "wider"),
    [
        ("integer", ["3000000000"], "bigint"),
        ("integer", ["1.5", "7"], "numeric"),
        ("integer", ["007"], "text"),
        ("varchar(3)", ["1234"], "text"),
        ("date", ["2026-01-01 10:00:00"], "timestamp"),
    ],
)
def test_wider_types_of_csv(declared: str, texts: list[str], wider: str) -> None:
    seen = summary_of(texts, textual=True).seen
    assert str(widened(parse_type(declared), seen, extent_of(texts), textual=True)) == wider


def test_values_that_nobody_saw_need_no_type() -> None:
    assert widened(ColumnType(TypeKind.BIGINT), Seen.NOTHING, extent_of([]), textual=False) is None


numbers = st.integers(-(2**80), 2**80) | st.decimals(allow_nan=False, allow_infinity=False, places=3)


@given(st.lists(numbers, min_size=1), st.lists(numbers), st.sampled_from(sorted(INTEGER_KINDS)))
def test_the_type_for_integers_is_the_narrowest_that_holds_all(
    left: list[Any], right: list[Any], kind: TypeKind
) -> None:
    values = [*left, *right]
    assert extent_of(left) | extent_of(right) == extent_of(reversed(values))
    seen = summary_of(values, textual=False).seen
    found = widened(ColumnType(kind), seen, extent_of(values), textual=False)
    ranges = {each: ColumnType(each).integer_range or (0, 0) for each in INTEGER_KINDS}
    order = (TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT)
    holds = [each for each in order if all(v == int(v) and ranges[each][0] <= v <= ranges[each][1] for v in values)]
    narrowest = holds[0] if holds else TypeKind.NUMERIC
    assert found == (None if narrowest is kind else ColumnType(narrowest))
