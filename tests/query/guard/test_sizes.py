"""How large values may become is followed through a statement: what multiplies is refused, what people write is not."""

# ruff: noqa: E501 - statements are data, many to a line

import pytest

from app.query.guard.check import check
from app.query.guard.functions import ALLOWED, WINDOWS
from tests.query.relations import CATALOG

TEN_THOUSAND = "repeat('aaaaaaaaaa', 1000)"
SERIES = "generate_series(1, 100000) AS g(n)"


def chain(step: str, first: str = TEN_THOUSAND, links: int = 6) -> str:
    """Each part of WITH makes its value from the one before it."""
    parts = [f"x0 AS (SELECT {first} AS x)", *(f"x{n} AS (SELECT {step} AS x FROM x{n - 1})" for n in range(1, links))]
    return f"WITH {', '.join(parts)} SELECT length(x::text) FROM x{links - 1}"


MULTIPLYING = {
    "concatenation": chain("||".join("x" * 10)),
    "concat": chain(f"concat({', '.join('x' * 10)})"),
    "concat_ws": chain(f"concat_ws(x, {', '.join('x' * 10)})"),
    "format": chain(f"format('{'%s' * 10}', {', '.join('x' * 10)})"),
    "format of one": chain(f"format('{'%1$s' * 10}', x)"),
    "replace": chain("replace(x, 'a', 'aaaaaaaaaa')"),
    "replace by itself": chain("replace(x, 'a', x)"),
    "regexp_replace": chain("regexp_replace(x, 'a', 'aaaaaaaaaa', 'g')"),
    "regexp_replace quoting": chain(r"regexp_replace(x, '.*', '\&\&\&\&\&\&\&\&\&\&')"),
    "overlay": chain("overlay(x PLACING x FROM 1 FOR 0)", links=16),
    "array": chain("ARRAY[x, x, x, x, x, x, x, x, x, x]::text"),
    "array functions": chain("array_cat(x, x)", "ARRAY['a']", links=24),
    "array_to_string": chain("array_to_string(string_to_array(x, NULL), x)"),
    "json": chain("to_json(x)::text", links=10),
    "json of parts": chain("json_build_array(x, x, x, x, x)::text", links=8),
    "pretty": "SELECT length(jsonb_pretty(('" + "[" * 4_000 + "]" * 4_000 + "')::jsonb))",
    "encode": chain("encode(x::bytea, 'hex')", links=12),
    "quotes": chain("quote_literal(x)", links=14),
    "case": chain("CASE WHEN true THEN x || x ELSE x END", links=16),
    "coalesce": chain("coalesce(x || x, x)", links=16),
    "subquery": chain("(SELECT x || x)", links=16),
    "scalar subquery": f"SELECT length((SELECT string_agg({TEN_THOUSAND}, '') FROM {SERIES}))",
    "union": chain("||".join("x" * 50), f"'a' AS x UNION SELECT {TEN_THOUSAND}"),
    "string_agg": f"SELECT length(string_agg({TEN_THOUSAND}, '')) FROM {SERIES}",
    "string_agg of a separator": f"SELECT length(string_agg('a', {TEN_THOUSAND})) FROM {SERIES}",
    "array_agg": f"SELECT cardinality(array_agg({TEN_THOUSAND})) FROM {SERIES}",
    "json_agg": f"SELECT json_agg({TEN_THOUSAND})::text FROM {SERIES}",
    "jsonb_object_agg": f"SELECT jsonb_object_agg(n, {TEN_THOUSAND})::text FROM {SERIES}",
    "aggregate of a part": f"WITH s AS (SELECT {TEN_THOUSAND} AS x FROM {SERIES}) SELECT length(string_agg(x, '')) FROM s",
    "aggregate of a subquery": f"SELECT length(string_agg(x, '')) FROM (SELECT {TEN_THOUSAND} AS x FROM {SERIES}) s",
    "aggregate of a grouping": f"SELECT n % 2, array_agg({TEN_THOUSAND}) FROM {SERIES} GROUP BY 1",
    "aggregate over a window": f"SELECT string_agg({TEN_THOUSAND}, '') OVER (ORDER BY n) FROM {SERIES}",
    "aggregate of values": "SELECT string_agg(v.a, '') FROM (VALUES " + ", ".join(["(1)"] * 990) + ") AS w(i) "
    "JOIN (SELECT " + "||".join([TEN_THOUSAND] * 4) + " AS a, 1 AS i) v ON v.i = w.i",
    "aggregate of splitting": f"SELECT length(string_agg(p || {TEN_THOUSAND}, '')) "
    f"FROM regexp_split_to_table({TEN_THOUSAND}, '') AS t(p)",
    "in WHERE": chain("||".join("x" * 10)).replace("SELECT length(x::text) FROM x5", "SELECT 1 FROM x5 WHERE x || x = 'a'"),
    "in ORDER BY": f"SELECT 1 FROM airlines ORDER BY string_agg({TEN_THOUSAND}, (SELECT string_agg(name, "
    f"{TEN_THOUSAND}) FROM {SERIES}))",
    "many conditions": "SELECT 1 FROM airlines WHERE "
    + " OR ".join(f"name = (SELECT string_agg({TEN_THOUSAND}, '') FROM generate_series(1, 900) AS g(n))" for _ in range(9)),
    "many constants": "WITH a AS (SELECT " + "||".join([TEN_THOUSAND] * 50) + " AS x), b AS (SELECT "
    + "||".join("x" * 16) + " AS y FROM a) SELECT 1 FROM b WHERE " + " OR ".join(["y = 'b'"] * 10),
    "numbers written out": f"SELECT string_agg((1e100000)::text, '') FROM {SERIES}",
    "texts that are numbers": f"SELECT string_agg(('1e100000'::numeric)::text, '') FROM {SERIES}",
    "powers": f"SELECT string_agg((10.0 ^ n)::text, '') FROM {SERIES}",
    "a row of many": f"SELECT {', '.join([TEN_THOUSAND] * 1)}, "
    + ", ".join(f"(SELECT string_agg({TEN_THOUSAND}, '') FROM generate_series(1, 500) AS g(n)) AS a{n}" for n in range(8)),
}  # fmt: skip

PLAIN = {
    "names": "SELECT string_agg(name, ', ' ORDER BY name) FROM airlines",
    "names by group": "SELECT origin, string_agg(DISTINCT dest, ', ') FROM flights GROUP BY origin",
    "objects": "SELECT json_agg(json_build_object('code', carrier, 'name', name)) FROM airlines",
    "nested objects": "SELECT json_agg(json_build_object('c', c, 'l', l)) FROM "
    "(SELECT carrier AS c, json_agg(json_build_object('o', origin, 'd', dest)) AS l FROM flights GROUP BY carrier) s",
    "three aggregates": "WITH d AS (SELECT origin, dest, string_agg(carrier, ',') AS c FROM flights GROUP BY 1, 2), "
    "o AS (SELECT origin, string_agg(dest || ':' || c, ';') AS d FROM d GROUP BY 1) "
    "SELECT string_agg(origin || '=' || d, E'\\n') FROM o",
    "bar chart": "SELECT month, repeat('#', 20), lpad(month::text, 10, ' ') FROM flights",
    "labels": "SELECT name || ' (' || faa || ', ' || tzone || ')' AS label FROM airports",
    "clean": "SELECT replace(replace(replace(lower(trim(name)), ' ', '_'), '-', '_'), '.', '') FROM airports",
    "clean by patterns": "SELECT regexp_replace(regexp_replace(name, '[^a-z]+', '-', 'g'), '-$', '') FROM airports",
    "calendar": "SELECT array_agg(d) FROM generate_series(DATE '2000-01-01', DATE '2030-12-31', INTERVAL '1 day') AS g(d)",
    "calendar of objects": "SELECT json_agg(json_build_object('day', d, 'n', 0)) FROM "
    "generate_series(DATE '2013-01-01', DATE '2015-12-31', INTERVAL '1 day') AS g(d)",
    "numbers": "SELECT json_agg(n ^ 2), string_agg(n::text, ',') FROM generate_series(1, 10000) AS g(n)",
    "many columns": "SELECT " + ", ".join(f"name || '{n}' AS n{n}" for n in range(400)) + " FROM airports",
    "long text": "SELECT '" + "a" * 15_000 + "' || name FROM airlines",
    "cut": chain("left(" + "||".join("x" * 10) + ", 1000)", links=20),
    "cut out": chain("substring(" + "||".join("x" * 10) + " FROM 1 FOR 1000)", links=20),
    "lengths": chain("(length(x) + 1)::text", links=20),
    "hashes": chain("md5(x || x)", links=20),
    "words": "SELECT w, count(*) FROM airports a, regexp_split_to_table(a.name, ' ') AS t(w) GROUP BY w",
    "one of a series": f"SELECT (SELECT max(n) FROM {SERIES}), repeat('a', 1000)",
    "limited": f"SELECT string_agg(x, '') FROM (SELECT {TEN_THOUSAND} AS x FROM {SERIES} LIMIT 10) s",
    "counted": f"SELECT count(*) FROM {SERIES} WHERE length({TEN_THOUSAND}) > n",
}  # fmt: skip


@pytest.mark.parametrize("name", MULTIPLYING)
def test_what_multiplies_is_refused(name: str) -> None:
    verdict = check(MULTIPLYING[name], CATALOG)
    assert {finding.rule for finding in verdict.findings} == {"unbounded-value"}
    assert verdict.findings[0].nearest


@pytest.mark.parametrize("name", PLAIN)
def test_what_people_write_is_not(name: str) -> None:
    assert check(PLAIN[name], CATALOG).findings == ()


@pytest.mark.parametrize("name", sorted(ALLOWED - {"grouping"}))
@pytest.mark.parametrize("arguments", ["", "name", "name, name, name, name, name"])
def test_a_call_with_any_number_of_arguments_is_judged(name: str, arguments: str) -> None:
    """That PostgreSQL knows no such function is for PostgreSQL to say."""
    over = " OVER ()" if name in WINDOWS else ""
    verdict = check(f"SELECT {name}({arguments}){over} FROM airlines", CATALOG)
    assert verdict.allowed or verdict.findings


@pytest.mark.parametrize(("links", "allowed"), [(5, True), (6, False)])
def test_the_bound_is_met_by_the_last_link_that_fits(links: int, *, allowed: bool) -> None:
    """Ten thousand bytes, then six times as many with each link, and at last twice: 26 MB, and 156 MB."""
    assert check(chain("||".join("x" * 6), links=links), CATALOG).allowed is allowed
