"""What is no SQL is refused in PostgreSQL's words at its place; what was changed is found."""

import pytest

from app.query.guard.check import check
from app.query.guard.postgres_grammar import difference, read
from tests.query.relations import CATALOG

NO_SQL = [
    ("SELECT carrier, FROM airlines", '"FROM"'),
    ("SELECT , carrier FROM airlines", '","'),
    ("SELECT carrier name x FROM airlines", '"x"'),
    ("SELECT 1 FROM flights WHERE month IN (1,,2)", '","'),
    ("SELECT 1 FROM flights WHERE month IN (1,)", '")"'),
    ("SELECT 1 FROM flights WHERE month IN ()", '")"'),
    ("SELECT carrier FROM airlines ORDER BY carrier ASC DESC", '"DESC"'),
    ("SELECT carrier FROM airlines ORDER BY carrier NULLS", '"NULLS"'),
    ("SELECT carrier FROM airlines ORDER carrier", '"carrier"'),
    ("SELECT carrier FROM airlines GROUP carrier", '"carrier"'),
    ("SELECT carrier FROM airlines ORDER BY", "end of input"),
    ("SELECT carrier FROM airlines,", "end of input"),
    ("SELECT carrier FROM airlines WHERE", "end of input"),
    ("SELECT carrier FROM airlines WHERE carrier = ", "end of input"),
    ("SELECT carrier FROM airlines WHERE carrier = = 'a'", '"="'),
    ("SELECT carrier FROM WHERE carrier = 'a'", '"WHERE"'),
    ("SELECT count(ALL DISTINCT carrier) FROM flights", '"DISTINCT"'),
    ("SELECT count(DISTINCT ALL carrier) FROM flights", '"ALL"'),
    ("SELECT count(carrier,) FROM flights", '")"'),
    ("SELECT count(,carrier) FROM flights", '","'),
    ("SELECT count(carrier carrier) FROM flights", '"carrier"'),
    ("SELECT sum(month) OVER FROM flights", '"FROM"'),
    ("SELECT sum(month) OVER (PARTITION month) FROM flights", '"month"'),
    ("SELECT sum(month) OVER (ORDER BY) FROM flights", '")"'),
    ("SELECT sum(month) FILTER (month > 1) FROM flights", '"month"'),
    ("SELECT sum(month) OVER (ROWS 1) FROM flights", '")"'),
    ("SELECT DISTINCT ON carrier FROM airlines", '"carrier"'),
    ("SELECT DISTINCT DISTINCT carrier FROM airlines", '"DISTINCT"'),
    ("SELECT ALL DISTINCT carrier FROM airlines", '"DISTINCT"'),
    ("SELECT CASE END", '"END"'),
    ("SELECT CASE WHEN true END", '"END"'),
    ("SELECT CASE WHEN true THEN 1", "end of input"),
    ("SELECT CASE WHEN true THEN 1 ELSE END", '"END"'),
    ("SELECT CASE ELSE 1 END", '"ELSE"'),
    ("SELECT 1 BETWEEN 2", "end of input"),
    ("SELECT 1 BETWEEN 2 OR 3", '"OR"'),
    ("SELECT 1 IS 2", '"2"'),
    ("SELECT 1 NOT NULL", '"NULL"'),
    ("SELECT 1 NOT = 2", '"="'),
    ("SELECT 1 +", "end of input"),
    ("SELECT * 1", '"1"'),
    ("SELECT (1", "end of input"),
    ("SELECT 1)", '")"'),
    ("SELECT ARRAY[1, ]", '"]"'),
    ("SELECT ARRAY[1", "end of input"),
    ("SELECT ARRAY[1][", '"["'),
    ("SELECT CAST(1 text)", '"text"'),
    ("SELECT CAST(1 AS)", '")"'),
    ("SELECT 1::", "end of input"),
    ("SELECT extract(year time_hour) FROM flights", '"time_hour"'),
    ("SELECT substring('a' FROM 1 FROM 2)", '"FROM"'),
    ("SELECT position('a', 'b')", '","'),
    ("SELECT overlay('a' PLACING 'b')", '")"'),
    ("SELECT 'a' 'b'", "'b'"),
    ("SELECT 1 FROM airlines a JOIN flights f ON", "end of input"),
    ("SELECT 1 FROM airlines a JOIN flights f USING carrier", '"carrier"'),
    ("SELECT 1 FROM airlines a JOIN flights f USING (carrier,)", '")"'),
    ("SELECT 1 FROM (SELECT 1", "end of input"),
    ("WITH x AS SELECT 1 SELECT 2", '"SELECT"'),
    ("WITH x AS (SELECT 1), SELECT 2", '"SELECT"'),
    ("WITH x AS (SELECT 1)", "end of input"),
    ("WITH AS (SELECT 1) SELECT 1", '"AS"'),
    ("SELECT 1 UNION", "end of input"),
    ("SELECT 1 UNION ALL DISTINCT SELECT 2", '"DISTINCT"'),
    ("SELECT 1 WHERE 1 = 1 WHERE 2 = 2", '"WHERE"'),
    ("SELECT carrier FROM airlines LIMIT 1 WHERE true", '"WHERE"'),
    ("SELECT carrier FROM airlines HAVING count(*) > 1 GROUP BY carrier", '"GROUP"'),
    ("SELECT month year FROM flights", '"year"'),
    ("SELECT month over FROM flights", '"over"'),
    ("SELECT 'it's'", "'"),
    ("SELECT 1 AS", "end of input"),
    ("SELECT carrier AS FROM airlines", '"airlines"'),
    ("SELECT .carrier FROM airlines", '"."'),
]


@pytest.mark.parametrize(("sql", "near"), NO_SQL, ids=[sql for sql, _ in NO_SQL])
def test_what_is_no_sql_is_refused_in_words_of_postgresql_at_its_place(sql: str, near: str) -> None:
    verdict = check(sql, CATALOG)
    (finding,) = verdict.findings
    assert finding.rule == "syntax", finding
    assert near in finding.message
    assert "<" not in finding.message
    if near.startswith('"'):
        assert sql[finding.place.offset :].startswith(near.strip('"'))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT carrier in FROM airlines",
        "SELECT +1",
        "SELECT +carrier FROM airlines",
        "SELECT - ~ 1, ~ - 1, - - 1, + - 1",
        "SELECT substring('Thomas' FOR 3 FROM 2)",
        "SELECT carrier FROM airlines GROUP BY carrier ORDER BY +1",
        "SELECT DISTINCT ON (+1) carrier FROM airlines",
    ],
)  # fmt: skip
def test_what_postgresql_takes_is_written_as_it_takes_it(sql: str) -> None:
    verdict = check(sql, CATALOG)
    assert verdict.sql is not None
    again = check(verdict.sql.replace('"data"."airlines__v1" AS ', ""), CATALOG)
    assert again.sql == verdict.sql


def test_a_keyword_is_refused_where_it_is_with_a_way_out() -> None:
    (finding,) = check("SELECT check FROM airlines", CATALOG).findings
    assert (finding.rule, finding.place.offset) == ("syntax", len("SELECT "))
    assert finding.message == 'Syntax error at or near "check".'
    assert finding.nearest is not None
    assert '"check"' in finding.nearest


@pytest.mark.parametrize("depth", [50, 1_500])
def test_what_only_the_guard_refuses_may_be_deep(depth: int) -> None:
    """PostgreSQL reads it to its end, and Python's JSON does not."""
    (finding,) = check("SELECT E'a'\n'b', " + "1+" * depth + "1", CATALOG).findings
    assert finding.rule == "syntax"


LOGICAL = {("data", "t__v1"): "t"}


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("SELECT a FROM t", 'SELECT "a" FROM data.t__v1 AS t'),
        ("SELECT a FROM t x", "SELECT a FROM data.t__v1 x"),
        ("SELECT * FROM t", "SELECT t.a, t.b FROM data.t__v1 t"),
        ("SELECT t.*, a FROM t", "SELECT t.a, t.b, a FROM data.t__v1 t"),
        ("SELECT a, *, b, * FROM t", "SELECT a, t.a, t.b, b, t.a, t.b FROM data.t__v1 t"),
        ("SELECT *, t.a, *, t.a FROM t", "SELECT t.a, t.b, t.a, t.a, t.b, t.a FROM data.t__v1 t"),
        ("SELECT a NOT IN (1)", "SELECT NOT a IN (1)"),
        ("SELECT a NOT BETWEEN 1 AND 2", "SELECT NOT a BETWEEN 1 AND 2"),
        ("SELECT a !~ 'x', a NOT LIKE 'y'", "SELECT NOT a ~ 'x', NOT a LIKE 'y'"),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM data.t__v1 t ORDER BY a ASC NULLS LAST"),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM data.t__v1 t ORDER BY a DESC NULLS FIRST"),
        ("SELECT INTERVAL '3' DAY", "SELECT CAST('3 day' AS INTERVAL)"),
        ("SELECT .5, 1E3, 0xff", "SELECT 0.5, 1e3, 255"),
        ("SELECT a LIMIT ALL", "SELECT a"),
    ],
)
def test_forms_that_are_equal_are_taken_for_one(said: str, written: str) -> None:
    assert difference(read(said), read(written), LOGICAL) is None


@pytest.mark.parametrize(
    ("said", "written", "place"),
    [
        ("SELECT a FROM t", "SELECT b FROM data.t__v1 t", "a"),
        ("SELECT a, b FROM t", "SELECT a FROM data.t__v1 t", "b"),
        ("SELECT a FROM t", "SELECT a FROM data.u__v1 t", None),
        ("SELECT a FROM t", "SELECT a FROM spyne.t t", None),
        ("SELECT a FROM t", "SELECT a FROM t", None),
        ("SELECT a FROM t", "SELECT a FROM pg_class", None),
        ("SELECT a FROM t, u", "SELECT a FROM data.t__v1 t", None),
        ("SELECT * FROM t", "SELECT t.a, 1 FROM data.t__v1 t", "*"),
        ("SELECT * FROM t", "SELECT t.a AS b FROM data.t__v1 t", "*"),
        ("SELECT * FROM t", "SELECT * FROM data.t__v1 t WHERE a", None),
        ("SELECT a FROM t WHERE b = 1 AND c = 2", "SELECT a FROM data.t__v1 t WHERE b = 1 OR c = 2", None),
        ("SELECT a FROM t WHERE b = 1 AND c = 2", "SELECT a FROM data.t__v1 t WHERE b = 1 AND c = 3", "2"),
        ("SELECT a FROM t ORDER BY +1", "SELECT a FROM data.t__v1 t ORDER BY 1", "+1"),
        ("SELECT a FROM t LIMIT 1", "SELECT a FROM data.t__v1 t", None),
        ("SELECT a FROM t ORDER BY a NULLS FIRST", "SELECT a FROM data.t__v1 t ORDER BY a", None),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM data.t__v1 t", None),
        ("SELECT a UNION SELECT b", "SELECT a UNION ALL SELECT b", None),
        ("SELECT count(DISTINCT a)", "SELECT count(a)", "count"),
        ("SELECT a IN (1)", "SELECT NOT a IN (1)", "IN"),
        ("SELECT INTERVAL '3' DAY", "SELECT CAST('3 month' AS INTERVAL)", None),
        ("SELECT a - (b - c)", "SELECT a - b - c", None),
    ],
)
def test_a_change_is_found_where_it_is(said: str, written: str, place: str | None) -> None:
    found = difference(read(said), read(written), LOGICAL)
    assert found is not None
    assert place is None or said[found:].startswith(place)
