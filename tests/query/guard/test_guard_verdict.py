"""What a verdict says: the regenerated text, what it reads, its joins, its warnings and the place of each finding."""

# ruff: noqa: E501 - statements are data, one to a line

import time
from dataclasses import replace
from hashlib import sha256

import pytest

from app.query.guard.check import GuardPolicy, check
from app.query.guard.findings import UsedColumn, UsedJoin, UsedTable
from app.query.guard.relations import AcceptedJoin, Catalog, ColumnView
from tests.query.relations import CATALOG, COLUMNS, relation

CARRIERS = AcceptedJoin("j1", "flights", ("carrier",), "airlines", ("carrier",))
WEATHER = AcceptedJoin("j2", "weather", ("origin", "time_hour"), "flights", ("origin", "time_hour"))
JOINED = Catalog(CATALOG.relations, (CARRIERS, WEATHER))
STRICT = GuardPolicy(require_accepted_joins=True)


def test_the_text_is_written_anew_with_physical_names_and_visible_columns() -> None:
    verdict = check("select * -- all\nfrom AIRLINES", CATALOG)
    assert verdict.sql == ('SELECT "airlines"."carrier", "airlines"."name" FROM "data"."airlines__v1" AS "airlines"')
    assert verdict.sql_hash == sha256(verdict.sql.encode()).hexdigest()
    assert verdict.output == ("carrier", "name")


def test_the_hash_depends_on_meaning_and_not_on_layout() -> None:
    first = check("SELECT carrier FROM airlines WHERE carrier='UA'", CATALOG)
    second = check("select  CARRIER /* x */ from airlines\n where carrier = 'UA';", CATALOG)
    other = check("SELECT carrier FROM airlines WHERE carrier = 'AA'", CATALOG)
    assert first.sql_hash == second.sql_hash != other.sql_hash


def test_a_new_version_changes_the_text() -> None:
    later = Catalog.of([relation("airlines", version=2, state="READ_ONLY")])
    verdict = check("SELECT name FROM airlines", later)
    assert verdict.sql is not None
    assert '"airlines__v2"' in verdict.sql
    assert verdict.tables == (UsedTable("id-of-airlines", "airlines", 2, "READ_ONLY"),)


def test_tables_and_columns_are_those_of_governed_relations() -> None:
    verdict = check(
        "WITH m AS (SELECT month, count(*) AS n FROM flights WHERE dep_delay > 5 GROUP BY month) SELECT m.n FROM m",
        CATALOG,
    )
    assert [table.logical_name for table in verdict.tables] == ["flights"]
    assert verdict.columns == (UsedColumn("flights", "dep_delay"), UsedColumn("flights", "month"))


@pytest.mark.parametrize(
    ("sql", "joins"),
    [
        (
            "SELECT 1 FROM flights f JOIN airlines a ON a.carrier = f.carrier",
            [UsedJoin("flights", "airlines", "inner", (("carrier", "carrier"),), "j1")],
        ),
        (
            "SELECT 1 FROM airlines LEFT JOIN flights USING (carrier)",
            [UsedJoin("airlines", "flights", "left", (("carrier", "carrier"),), "j1")],
        ),
        (
            "SELECT 1 FROM flights f JOIN weather w ON w.time_hour = f.time_hour AND f.origin = w.origin AND w.visib < 2",
            [UsedJoin("flights", "weather", "inner", (("origin", "origin"), ("time_hour", "time_hour")), "j2")],
        ),
        (
            "SELECT 1 FROM (SELECT carrier AS c FROM flights) AS x JOIN (SELECT carrier AS d FROM airlines) AS y ON x.c = y.d",
            [UsedJoin("flights", "airlines", "inner", (("carrier", "carrier"),), "j1")],
        ),
        (
            "WITH c AS (SELECT carrier, count(*) AS n FROM flights GROUP BY 1) SELECT 1 FROM c JOIN airlines a USING (carrier)",
            [UsedJoin("flights", "airlines", "inner", (("carrier", "carrier"),), "j1")],
        ),
        (
            "SELECT 1 FROM airlines WHERE carrier IN (SELECT carrier FROM flights)",
            [UsedJoin("airlines", "flights", "in", (("carrier", "carrier"),), "j1")],
        ),
        (
            "SELECT 1 FROM airlines a WHERE EXISTS (SELECT 1 FROM flights f WHERE f.carrier = a.carrier AND f.month = 1)",
            [UsedJoin("airlines", "flights", "correlated", (("carrier", "carrier"),), "j1")],
        ),
        ("SELECT 1 FROM flights f JOIN (VALUES ('UA')) AS v(c) ON v.c = f.carrier", []),
        ("SELECT 1 FROM flights WHERE dep_delay > (SELECT avg(temp) FROM weather)", []),
    ],
)  # fmt: skip
def test_joins_are_traced_to_governed_columns(sql: str, joins: list[UsedJoin]) -> None:
    verdict = check(sql, JOINED, STRICT)
    assert verdict.findings == ()
    assert list(verdict.joins) == joins


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM flights f JOIN planes p ON p.tailnum = f.tailnum",
        "SELECT 1 FROM flights f JOIN airlines a ON a.name = f.carrier",
        "SELECT 1 FROM flights f JOIN airlines a ON lower(a.carrier) = f.carrier",
        "SELECT 1 FROM flights f JOIN weather w ON w.origin = f.origin",
        "SELECT 1 FROM flights f JOIN airlines a ON a.carrier = f.carrier OR a.carrier = f.origin",
        "SELECT 1 FROM flights a JOIN flights b ON a.tailnum = b.tailnum",
        "SELECT 1 FROM (SELECT max(carrier) AS c FROM flights) AS x JOIN airlines a ON a.carrier = x.c",
        "SELECT 1 FROM airports WHERE faa IN (SELECT dest FROM flights)",
        "SELECT 1 FROM airports a WHERE EXISTS (SELECT 1 FROM flights f WHERE f.dest = a.faa)",
        "SELECT (SELECT count(*) FROM flights f WHERE f.distance > a.alt) FROM airports a",
        "SELECT 1 FROM airports a WHERE EXISTS (SELECT a.faa FROM flights)",
        "WITH x AS (SELECT tailnum FROM planes) SELECT 1 FROM flights JOIN x USING (tailnum)",
    ],
)
def test_a_join_that_nobody_accepted_is_refused_or_overridden_with_a_reason(sql: str) -> None:
    refused = check(sql, JOINED, STRICT)
    assert [finding.rule for finding in refused.findings] == ["join-not-accepted"]
    assert refused.findings[0].nearest
    blank = GuardPolicy(require_accepted_joins=True, join_override_rationale="  ")
    assert not check(sql, JOINED, blank).allowed
    overridden = check(sql, JOINED, GuardPolicy(require_accepted_joins=True, join_override_rationale="ticket 7"))
    assert overridden.allowed
    assert len(overridden.warnings) == 1
    assert "ticket 7" in overridden.warnings[0]
    assert check(sql, JOINED).warnings == ()


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ("w.origin = f.origin AND w.time_hour = f.time_hour", True),
        ("(f.time_hour, f.origin) = (w.time_hour, w.origin)", True),
        ("w.origin = f.origin AND w.time_hour = f.time_hour AND w.month = f.month", True),
        ("w.origin = f.origin", False),
        ("w.time_hour = f.time_hour", False),
        ("w.origin = f.origin AND w.hour = f.hour", False),
        ("w.origin = f.dest AND w.time_hour = f.time_hour", False),
        ("w.origin = f.origin AND w.time_hour >= f.time_hour", False),
        ("w.origin = f.origin OR w.time_hour = f.time_hour", False),
    ],
)
@pytest.mark.parametrize(
    "tables", ["flights f JOIN weather w", "weather w JOIN flights f", "weather w LEFT JOIN flights f"]
)
def test_an_accepted_join_is_all_of_its_columns_in_either_direction(
    condition: str, tables: str, *, accepted: bool
) -> None:
    verdict = check(f"SELECT 1 FROM {tables} ON {condition}", JOINED, STRICT)
    assert [finding.rule for finding in verdict.findings] == ([] if accepted else ["join-not-accepted"])
    assert [join.join_id for join in verdict.joins] == (["j2"] if accepted else [])


@pytest.mark.parametrize("tables", ["flights f JOIN airports a", "airports a JOIN flights f"])
@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ("f.dest = a.faa AND f.hour = a.tz", True),
        ("f.dest = a.faa", False),
        ("f.hour = a.tz", False),
        ("f.dest = a.tz AND f.hour = a.faa", False),
    ],
)
def test_columns_of_an_accepted_join_belong_to_their_own_sides(tables: str, condition: str, *, accepted: bool) -> None:
    for join in (
        AcceptedJoin("j", "flights", ("dest", "hour"), "airports", ("faa", "tz")),
        AcceptedJoin("j", "airports", ("tz", "faa"), "flights", ("hour", "dest")),
    ):
        verdict = check(f"SELECT 1 FROM {tables} ON {condition}", Catalog(CATALOG.relations, (join,)), STRICT)
        assert verdict.allowed is accepted


@pytest.mark.parametrize(
    ("sql", "line", "column", "snippet", "nearest"),
    [
        ("SELECT carrier\nFROM flihgts", 2, 6, "flihgts", "flights"),
        ("SELECT 1,\n  depdelay FROM flights", 2, 3, "depdelay FROM flights", "dep_delay, arr_delay, day"),
        ("SELECT /* é */ pg_sleep(1)", 1, 16, "pg_sleep(1)", None),
        ("SELECT E'a\\'b', $$x$$, sqr(2)", 1, 24, "sqr(2)", "sqrt(…)"),
        ("SELECT 1 FROM flights f, airlines a WHERE f.carrier = a.carrier", 1, 26, None, "f JOIN a ON f.carrier = a.carrier"),
        ("SELECT 1; SELECT 2", 1, 9, "; SELECT 2", "send one statement at a time"),
    ],
)  # fmt: skip
def test_a_finding_says_where_and_what_instead(
    sql: str, line: int, column: int, snippet: str | None, nearest: str | None
) -> None:
    (finding,) = check(sql, CATALOG).findings
    assert (finding.place.line, finding.place.column) == (line, column)
    assert snippet is None or finding.place.snippet == snippet
    assert finding.nearest == nearest


def test_every_fault_is_listed() -> None:
    verdict = check("SELECT nothing, ctid, flights FROM flights", CATALOG)
    assert [finding.rule for finding in verdict.findings] == ["unknown-column", "system-column", "whole-row-reference"]


def test_hidden_columns_stay_hidden_even_if_the_catalog_lists_them() -> None:
    shown = relation("airlines")
    leaky = Catalog.of([replace(shown, columns=(*shown.columns, ColumnView("_spyne_hash", "bigint")))])
    verdict = check("SELECT * FROM airlines", leaky)
    assert verdict.sql is not None
    assert "_spyne" not in verdict.sql
    assert not check("SELECT _spyne_hash FROM airlines", leaky).allowed


def test_limits_come_from_the_policy() -> None:
    sql = "SELECT ((((1))))"
    assert check(sql, CATALOG).allowed
    assert check(sql, CATALOG, GuardPolicy(max_depth=3)).findings[0].rule == "too-complex"
    assert check(sql, CATALOG, GuardPolicy(max_bytes=8)).findings[0].rule == "too-long"


def test_an_empty_catalog_names_nothing() -> None:
    (finding,) = check("SELECT 1 FROM flights", Catalog({})).findings
    assert (finding.rule, finding.nearest) == ("unknown-table", None)


_NESTED = ("array[", "null[", "any[", "not[", "union(", "date(", "varchar(", "left(", "coalesce(", "f(", "case when ")


@pytest.mark.parametrize("word", _NESTED)
@pytest.mark.parametrize("begin", ["SELECT ", "SELECT 1 FROM ", "SELECT 1 FROM flights WHERE "])
def test_readings_do_not_multiply_with_nesting(word: str, begin: str) -> None:
    close = {"[": "]", "(": ")", " ": " then 1 end "}[word[-1]]
    started = time.process_time()
    check(begin + word * 18 + "1" + close * 18, CATALOG)
    assert time.process_time() - started < 1.0


def test_all_columns_of_the_fixture_are_visible() -> None:
    for table in COLUMNS:
        verdict = check(f"SELECT * FROM {table}", CATALOG)
        assert verdict.output == tuple(column.name for column in CATALOG.relations[table].columns)
