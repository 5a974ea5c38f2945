"""Every bound of the guard from both sides: what reaches it is allowed, what goes one further is refused."""

import pytest

from app.query.guard.check import GuardPolicy, check
from app.query.guard.findings import location_at
from app.query.guard.relations import Catalog, ColumnView, RelationView
from tests.query.hostile import WIDE, WIDE_COLUMNS
from tests.query.relations import CATALOG


def selected(expression: str) -> str:
    return f"SELECT {expression}"


def nested(begin: str, end: str, times: int, inner: str = "1") -> str:
    return begin * times + inner + end * times


def series(arguments: str) -> str:
    return f"SELECT count(*) FROM generate_series({arguments}) AS g(n)"


def times(start: str, stop: str, step: str, kind: str = "DATE") -> str:
    return series(f"{kind} '{start}', {kind} '{stop}', INTERVAL '{step}'")


def ones(count: int) -> str:
    return ", ".join(["1"] * count)


CASE, END = "CASE WHEN true THEN ", " END"
COLUMNS = ", ".join(["carrier"] * 1_662)

BOUNDS: list[tuple[str, str, str, str]] = [
    # -- nesting: brackets count, and each CASE around them
    ("brackets", "too-complex", selected(nested("(", ")", 20)), selected(nested("(", ")", 21))),
    ("arrays", "too-complex", selected(nested("ARRAY[", "]", 20)), selected(nested("ARRAY[", "]", 21))),
    ("calls", "too-complex", selected(nested("abs(", ")", 20)), selected(nested("abs(", ")", 21))),
    (
        "subqueries",
        "too-complex",
        "SELECT * FROM " + nested("(SELECT * FROM ", ")", 20, "airlines"),
        "SELECT * FROM " + nested("(SELECT * FROM ", ")", 21, "airlines"),
    ),
    (
        "a bracket in cases",
        "too-complex",
        selected(nested(CASE, END, 19, "(1)")),
        selected(nested(CASE, END, 20, "(1)")),
    ),
    (
        "cases in brackets",
        "too-complex",
        selected(nested(f"({CASE}", f"{END})", 9, "((1))")),
        selected(nested(f"({CASE}", f"{END})", 9, "(((1)))")),
    ),
    (
        "cases that have ended",
        "too-complex",
        selected(f"{CASE}1{END}, {nested('(', ')', 20)}"),
        selected(f"{CASE}1{END}, {nested('(', ')', 21)}"),
    ),
    ("cases alone", "too-complex", selected(nested(CASE, END, 44)), selected(nested(CASE, END, 45))),
    ("sums", "too-complex", selected("1 + " * 89 + "1"), selected("1 + " * 90 + "1")),
    ("nots", "too-complex", selected("NOT " * 8 + "true"), selected("NOT " * 9 + "true")),
    ("signs", "too-complex", selected("- " * 8 + "1"), selected("- " * 9 + "1")),
    # -- size
    ("words and signs", "too-complex", f"SELECT 1 IN ({ones(2_048)})", f"SELECT -1 IN ({ones(2_048)})"),
    ("bytes", "too-long", selected(f"'{'x' * 19_991}'"), selected(f"'{'x' * 19_992}'")),
    ("bytes and not characters", "too-long", selected(f"'{'é' * 9_995}x'"), selected(f"'{'é' * 9_996}'")),
    (
        "columns",
        "too-complex",
        f"SELECT *, {COLUMNS} FROM airlines",
        f"SELECT *, carrier, {COLUMNS} FROM airlines",
    ),
    (
        "rows of VALUES",
        "values-too-long",
        f"SELECT * FROM (VALUES {', '.join(['(1)'] * 1_000)}) AS v(a)",
        f"SELECT * FROM (VALUES {', '.join(['(1)'] * 1_001)}) AS v(a)",
    ),
    (
        "columns of CUBE",
        "cube-too-wide",
        "SELECT 1 FROM flights GROUP BY CUBE (year, month, day, hour, minute, carrier)",
        "SELECT 1 FROM flights GROUP BY CUBE (year, month, day, hour, minute, carrier, origin)",
    ),
    (
        "grouping sets beside each other",
        "cube-too-wide",
        "SELECT 1 FROM flights GROUP BY ROLLUP (year), ROLLUP (month), CUBE (day)",
        "SELECT 1 FROM flights GROUP BY ROLLUP (year), ROLLUP (month), CUBE (day), ROLLUP (hour)",
    ),
    # -- rows that a call makes
    ("series", "series-bounds", series("1, 100000"), series("1, 100001")),
    ("series from zero", "series-bounds", series("0, 99999"), series("0, 100000")),
    ("series below zero", "series-bounds", series("-99998, 1"), series("-99999, 1")),
    ("series downwards", "series-bounds", series("100000, 1, -1"), series("100001, 1, -1")),
    ("series by steps", "series-bounds", series("1, 300000, 3"), series("1, 300001, 3")),
    ("series of seconds", "series-bounds", times("2013-01-01", "2013-01-02 03:46:39", "1 second", "TIMESTAMP"),
     times("2013-01-01", "2013-01-02 03:46:40", "1 second", "TIMESTAMP")),
    ("series of minutes", "series-bounds", times("2013-01-01", "2013-03-11 10:39", "1 minute", "TIMESTAMP"),
     times("2013-01-01", "2013-03-11 10:40", "1 min", "TIMESTAMP")),
    ("series of hours", "series-bounds", times("2013-01-01", "2024-05-29 15:00", "1 hour", "TIMESTAMP"),
     times("2013-01-01", "2024-05-29 16:00", "1 hour", "TIMESTAMP")),
    ("series of days", "series-bounds", times("2013-01-01", "2286-10-16", "1 day"),
     times("2013-01-01", "2286-10-17", "1 day")),
    ("series of weeks", "series-bounds", times("2013-01-01", "3929-07-09", "1 week"),
     times("2013-01-01", "3929-07-16", "1 week")),
    ("series of months, the shortest", "series-bounds", times("0001-01-01", "7667-01-24", "1 month"),
     times("0001-01-01", "7667-02-21", "1 mon")),
    ("series of mon and min", "series-bounds", times("0001-01-01", "7667-01-24", "1 mon"),
     times("0001-01-01", "7667-02-21", "1 month")),
    ("step of a series", "series-bounds", times("2013-01-01", "2013-01-02", "999999 days"),
     times("2013-01-01", "2013-01-02", "1000000 days")),
    # -- characters that a call makes
    ("lpad", "unbounded-value", selected("lpad('x', 1000)"), selected("lpad('x', 1001)")),
    ("rpad", "unbounded-value", selected("rpad('x', 1000, 'ab')"), selected("rpad('x', 1001, 'ab')")),
    ("repeat", "unbounded-value", selected("repeat('x', 1000)"), selected("repeat('x', 1001)")),
    ("repeated text", "unbounded-value", selected(f"repeat('{'x' * 10}', 9)"), selected(f"repeat('{'x' * 11}', 9)")),
    # -- names, numbers, characters
    ("a name", "long-identifier", selected(f"1 AS {'a' * 63}"), selected(f"1 AS {'a' * 64}")),
    ("a quoted name", "long-identifier", selected(f'1 AS "{"é" * 31}a"'), selected(f'1 AS "{"é" * 32}"')),
    ("LIMIT", "limit-expression", f"SELECT 1 LIMIT {'9' * 18}", f"SELECT 1 LIMIT {'9' * 19}"),
    ("OFFSET", "limit-expression", f"SELECT 1 OFFSET {'9' * 18}", f"SELECT 1 OFFSET {'9' * 19}"),
    ("length of varchar", "type-not-allowed", selected("'a'::varchar(10485760)"), selected("'a'::varchar(10485761)")),
    ("before surrogates", "string-escape", selected(r"E'\ud7ff'"), selected(r"E'\ud800'")),
    ("behind surrogates", "string-escape", selected(r"E'\ue000'"), selected(r"E'\udfff'")),
    ("the last character", "string-escape", selected(r"E'\U0010ffff'"), selected(r"E'\U00110000'")),
    ("the last byte alone", "string-escape", selected(r"E'\x7f'"), selected(r"E'\x80'")),
    ("the last octal byte alone", "string-escape", selected(r"E'\177'"), selected(r"E'\200'")),
    ("the first character", "string-escape", selected(r"E'\x01'"), selected(r"E'\x00'")),
]  # fmt: skip
"""What is bounded, the rule, a statement at the bound, and one beyond it."""


@pytest.mark.parametrize(("rule", "within", "beyond"), [each[1:] for each in BOUNDS], ids=[each[0] for each in BOUNDS])
def test_a_bound_may_be_reached_and_not_passed(rule: str, within: str, beyond: str) -> None:
    assert check(within, CATALOG).findings == ()
    refused = check(beyond, CATALOG)
    assert not refused.allowed
    assert refused.findings[0].rule == rule


@pytest.mark.parametrize(("faults", "shown"), [(19, 19), (20, 20), (21, 20)])
def test_twenty_faults_are_listed(faults: int, shown: int) -> None:
    sql = f"SELECT {', '.join(f'nothing{n}' for n in range(faults))} FROM flights"
    assert len(check(sql, CATALOG).findings) == shown


@pytest.mark.parametrize(("length", "kept"), [(500, 500), (501, 500)])
def test_a_rationale_is_kept_up_to_its_bound(length: int, kept: int) -> None:
    policy = GuardPolicy(require_accepted_joins=True, join_override_rationale=" " + "r" * length)
    (warning,) = check("SELECT 1 FROM flights f JOIN planes p USING (tailnum)", CATALOG, policy).warnings
    assert warning.count("r" * 10) == kept // 10
    assert warning.endswith(": " + "r" * kept)


@pytest.mark.parametrize(("length", "shown"), [(80, 80), (81, 80)])
def test_a_snippet_has_eighty_characters_at_most(length: int, shown: int) -> None:
    assert location_at("x" * length, 0).snippet == "x" * shown


def test_a_read_of_the_widest_table_is_within_the_budget() -> None:
    columns = tuple(ColumnView(name, "text") for name in WIDE_COLUMNS)
    wide = RelationView("w", WIDE, 1, "ACTIVE", "data", f"{WIDE}__v1", columns)
    catalog = Catalog.of([*CATALOG.relations.values(), wide])
    assert check(f"SELECT * FROM {WIDE}", catalog).allowed
    assert check(f"WITH w AS (SELECT * FROM {WIDE}) SELECT * FROM w WHERE c7 = 'a'", catalog).allowed
