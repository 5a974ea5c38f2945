"""Statements in which a rewriting could change the meaning: each place of a constant, each special form, each pair of
operators. Without tables, so that they need nothing but PostgreSQL.
"""

# ruff: noqa: E501 - statements are data, many to a line

from itertools import product
from typing import Final

_ROWS: Final = "(VALUES (3, 'c', 1.5), (1, 'a', 2.5), (2, 'b', NULL), (1, 'd', 0.5)) AS v(a, b, c)"

_CONSTANTS: Final = (
    "1", "2", "+1", "-1", "+ +1", "- -1", "(1)", "(+1)", "1 + 0", "+a", "-a", "'1'", "1::int", "+1.0", "NULL", "0x1", "1_0",
)  # fmt: skip
_PLACES: Final = (
    "SELECT a, b FROM {rows} ORDER BY {x}, b",
    "SELECT a, b FROM {rows} ORDER BY {x} DESC, b LIMIT 2",
    "SELECT DISTINCT ON ({x}) a, b FROM {rows} ORDER BY {x}, b",
    "SELECT a, count(*) AS n FROM {rows} GROUP BY a, {x} ORDER BY n, a",
    "SELECT a, count(*) AS n FROM {rows} GROUP BY {x} ORDER BY n",
    "SELECT count(*) AS n FROM {rows} GROUP BY GROUPING SETS (({x}), ()) ORDER BY n",
    "SELECT count(*) AS n FROM {rows} GROUP BY ROLLUP ({x}) ORDER BY n",
    "SELECT count(*) AS n FROM {rows} GROUP BY CUBE ({x}) ORDER BY n",
    "SELECT b, row_number() OVER (ORDER BY {x}, b) FROM {rows}",
    "SELECT b, count(*) OVER (PARTITION BY {x}) FROM {rows}",
    "SELECT array_agg(b ORDER BY {x}, b) FROM {rows}",
    "SELECT b FROM {rows} WHERE a IN ({x}, 3) ORDER BY b",
    "SELECT b FROM {rows} WHERE a BETWEEN {x} AND 2 ORDER BY b",
    "SELECT {x} AS x, b FROM {rows} ORDER BY 2",
    "SELECT a FROM {rows} UNION SELECT {x} FROM {rows} ORDER BY 1",
    "SELECT CASE {x} WHEN 1 THEN 'one' ELSE 'other' END FROM {rows}",
)

_OPERATORS: Final = (
    "+", "-", "*", "/", "%", "^", "|", "&", "#", "<<", ">>", "=", "<>", "<", ">=", "||", "AND", "OR", "IS DISTINCT FROM",
    "IS NOT DISTINCT FROM", "LIKE", "NOT LIKE", "~", "!~", "::int +", "AT TIME ZONE",
)  # fmt: skip
_PREFIXES: Final = ("", "- ", "+ ", "NOT ", "~ ")

_FORMS: Final = (
    "substring('Thomas' FOR 3 FROM 2)", "substring('Thomas' FROM 2 FOR 3)", "substring('Thomas' FROM 2)",
    "substring('Thomas' FOR 3)", "substring('Thomas' FOR 3 + 1)", "substring('Thomas' FOR '2')", "substring('Thomas', 2)",
    "substring('Thomas', 2, 3)", "substring('Thomas' FROM '...$')", "substring('Thomas' FROM -1 FOR 4)",
    "substring(substring('Thomas' FOR 5) FOR 3 FROM 2)", "substring('Thomas' FOR (SELECT 3) FROM (SELECT 2))",
    "overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", "overlay('Txxxxas' PLACING 'hom' FROM 2)",
    "overlay('Txxxxas', 'hom', 2, 4)", "position('om' IN 'Thomas')", "position('om' IN 'Tho' || 'mas')",
    "strpos('Thomas', 'om')", "trim(' a ')", "trim('xax', 'x')", "trim(BOTH FROM ' a ')", "trim(BOTH 'x' FROM 'xax')",
    "trim(LEADING 'x' FROM 'xax')", "trim(TRAILING 'x' FROM 'xax')", "trim(TRAILING FROM ' a ') || '.'",
    "trim('x' FROM 'xax')", "trim(FROM ' a ')", "ltrim('xax', 'x')", "btrim(' a ')",
    *(f"extract({unit} FROM TIMESTAMP '2013-05-06 07:08:09.5')" for unit in (
        "century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear", "microseconds", "millennium",
        "milliseconds", "minute", "month", "quarter", "second", "week", "year",
    )),
    "extract('year' FROM DATE '2013-05-06')", "date_part('year', DATE '2013-05-06')",
    "TIMESTAMP '2013-01-01 12:00' AT TIME ZONE 'America/New_York'",
    "TIMESTAMPTZ '2013-01-01 12:00+00' AT TIME ZONE 'America/New_York' AT TIME ZONE 'UTC'",
    "(TIMESTAMP '2013-01-01 12:00' + INTERVAL '1 day') AT TIME ZONE 'UTC'",
    "TIMESTAMP '2013-01-01 12:00' + INTERVAL '1 day' AT TIME ZONE 'UTC'",
    "'a' COLLATE \"C\" < 'B' COLLATE \"C\"", "('a' || 'b') COLLATE \"C\"",
    "INTERVAL '3' DAY", "INTERVAL '3' MONTH", "INTERVAL '-3' YEAR", "INTERVAL '90' MINUTE", "INTERVAL '90' SECOND",
    "INTERVAL '25' HOUR", "INTERVAL '1 day 2 hours'", "- INTERVAL '1 day'", "2 * INTERVAL '1 day'", "INTERVAL 'P1Y2M3DT4H'",
    "DATE '2013-01-31' + INTERVAL '1' MONTH", "DATE '2013-01-31' + 1", "DATE '2013-03-01' - DATE '2013-02-01'",
    "TIME '10:00' + INTERVAL '15' HOUR", "TIMESTAMP WITH TIME ZONE '2013-01-01 00:00+02'", "TIMESTAMP(0) '2013-01-01 1:2:3.7'",
    "ARRAY[1, 2, 3][2]", "(ARRAY[1, 2, 3])[2:3]", "(ARRAY[1, 2, 3])[:2]", "(ARRAY[1, 2, 3])[2:]", "(ARRAY[1, 2, 3])[:]",
    "ARRAY[[1, 2], [3, 4]][2][1]", "ARRAY[[1, 2], [3, 4]]", "ARRAY[ARRAY[1], ARRAY[2]]", "ARRAY(SELECT 1 UNION SELECT 2 ORDER BY 1)",
    "'{1,2,3}'::int[]", "'{{1},{2}}'::int[][]", "ARRAY[1, 2] || 3", "ARRAY[1, 2] @> ARRAY[1]", "ARRAY[]::int[]",
    "(1, 2) = (1, 2)", "(1, 2) < (1, 3)", "(1, NULL) = (1, NULL)", "(1, 2) <> (2, 1)", "(1, 2) IN ((1, 2), (3, 4))",
    "(1, 2) NOT IN ((3, 4))", "(1, 2) IN (SELECT 1, 2)", "(1, 2) = (SELECT 1, 2)", "(1, 2) IS DISTINCT FROM (1, 3)",
    "1 = ANY (ARRAY[1, 2])", "1 = SOME (ARRAY[1, 2])", "1 <> ALL (ARRAY[1, 2])", "1 = ANY (SELECT 1)", "3 > ALL (SELECT 1)",
    "1 < ANY ('{2,3}'::int[])", "NOT 1 = ANY (ARRAY[2])", "1 IN (SELECT 1)", "1 NOT IN (SELECT NULL::int)", "1 NOT IN (2, NULL)",
    "2 BETWEEN 1 AND 3", "2 NOT BETWEEN 1 AND 3", "2 BETWEEN SYMMETRIC 3 AND 1", "2 NOT BETWEEN SYMMETRIC 3 AND 1",
    "NOT 2 BETWEEN 1 AND 3", "2 BETWEEN 1 AND 3 AND true", "1 + 1 BETWEEN 1 AND 3", "2 BETWEEN 1 AND 1 + 2 OR false",
    *(f"{subject} IS {no}{test}" for subject, no, test in product(
        ("true", "false", "NULL::boolean", "(1 = 2)", "NOT true"), ("", "NOT "), ("TRUE", "FALSE", "UNKNOWN", "NULL"),
    )),
    "NOT NULL IS NULL", "(NOT NULL) IS NULL", "1 IS NULL = false", "1 = 1 IS TRUE", "1 IS NOT NULL AND true", "NULL IS NULL IS TRUE",
    "NULL IS DISTINCT FROM NULL", "NULL IS NOT DISTINCT FROM NULL", "1 IS DISTINCT FROM NULL = true",
    "'50%' LIKE '50!%' ESCAPE '!'", "'abc' NOT LIKE 'a_c'", "'abc' ILIKE 'A%'", "'abc' NOT ILIKE 'A%'", "'abc' SIMILAR TO 'a(b|x)c'",
    "'abc' NOT SIMILAR TO 'a%'", "'abc' ~ '^a'", "'abc' !~ '^a'", "'abc' ~* '^A'", "'abc' !~* '^A'", "NOT 'abc' ~ 'x'",
    "'a' || 'b' LIKE 'a' || '%'", "'abc' LIKE 'a%' = true", "'a' LIKE 'a' IS TRUE",
    "-2 ^ 2", "- 2 ^ 2", "2 ^ -1", "2 ^ 3 ^ 2", "-2 % 3", "- 2 * - 3", "1 - -1", "1 - - 1", "1 - (-1)", "+1", "+ 1.5", "1 + +1",
    "1 - +1", "+ -1", "- +1", "- (+1)", "~ 1", "~ -1", "- ~ 1", "2 - 1 - 1", "2 - (1 - 1)", "8 / 4 / 2", "8 / (4 / 2)", "7 % 4 % 2",
    "1.0 / 3", "1 / 3", "10 / 4 * 2", "1e3", "1E3", ".5", "0.50", "1.50", "1_000_000", "1_0.5_0", "0xff", "0o17", "0b101",
    "0xFFFFFFFFFF", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "2147483648", "1e400", "007",
    "CAST(1 AS text)", "1::text || 'a'", "-1::text", "(-1)::text", "'1'::int + 1", "CAST('1' AS int) + 1", "1::float8::int::text",
    "'a'::varchar(1)", "'ab'::char(1)", "'ab'::varchar(1)", "1.235::numeric(10, 2)", "'t'::bool", "1::bit_and", "'x'::bpchar",
    "CAST('ab' AS char)", "'ab'::character varying(1)", "1::dec", "1::real", "1::double precision", "'2013-01-01'::timestamptz",
    "CASE WHEN true THEN 1 END", "CASE 1 WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END", "CASE WHEN NULL THEN 1 ELSE 2 END + 1",
    "CASE WHEN 1 = 1 AND 2 = 2 OR 3 = 4 THEN 1 END", "coalesce(NULL, 1)", "nullif(1, 1)", "greatest(1, 2)", "least(1, NULL, 2)",
    "true AND false OR true", "true OR false AND false", "NOT true OR true", "NOT (true OR true)", "NOT NOT true",
    "true = false = false", "1 < 2 = true", "(1 < 2) = (2 < 3)", "1 = 1 AND NOT 1 = 2",
    "'{\"a\": [1, {\"b\": 2}]}'::jsonb -> 'a' -> 1 ->> 'b'", "'{\"a\": 1}'::jsonb #>> '{a}'", "'{\"a\": 1}'::jsonb ? 'a'",
    "'{\"a\": 1}'::jsonb @> '{\"a\": 1}'", "'{\"a\": 1}'::jsonb - 'a'", "'{\"a\": 1}'::jsonb ->> 'a' = '1'",
    "'{\"a\": 1}'::jsonb ->> 'a' || 'b'", "('{\"a\": 1}'::jsonb ->> 'a')::int + 1", "'[1,2]'::json -> -1",
    "'it''s'", "E'a\\nb'", "E'\\u00e9'", "$$a'b$$", "$x$a$$b$x$", "'a\\b'", "''", "'a'\n'b'", "'a' -- c\n 'b'", "'é' || 'ü'",
    "EXISTS (SELECT 1)", "NOT EXISTS (SELECT 1 WHERE false)", "(SELECT 1) + 1", "((SELECT 1))", "(SELECT (SELECT 2))",
    "round(1.5)", "round(2.567, 2)", "left('abc', 2)", "right('abc', 2)", "concat('a', NULL, 1)", "concat_ws('-', 'a', NULL, 'b')",
    "make_interval(days => 2, hours => 3)", "make_date(2013, 1, 2)", "date_trunc('month', DATE '2013-05-06')",
    "CURRENT_DATE - CURRENT_DATE", "CURRENT_DATE = now()::date", "LOCALTIMESTAMP = LOCALTIMESTAMP", "pi() > 3",
)  # fmt: skip

_QUERIES: Final = (
    "SELECT a in FROM {rows}", "SELECT a or FROM {rows}", "SELECT a like, b FROM {rows}", "SELECT count(ALL a) FROM {rows}",
    "SELECT count(DISTINCT a) FROM {rows}", "SELECT ALL a FROM {rows}", "SELECT sum(a) FILTER (WHERE a > 1) FROM {rows}",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM {rows}", "SELECT mode() WITHIN GROUP (ORDER BY a DESC) FROM {rows}",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY a) FILTER (WHERE a < 3) FROM {rows}",
    "SELECT string_agg(b, ',' ORDER BY b DESC) FROM {rows}", "SELECT string_agg(DISTINCT b, ',') FROM {rows}",
    "SELECT array_agg(c ORDER BY c NULLS FIRST) FROM {rows}", "SELECT array_agg(c ORDER BY c DESC NULLS LAST) FROM {rows}",
    "SELECT c FROM {rows} ORDER BY c ASC NULLS FIRST", "SELECT c FROM {rows} ORDER BY c DESC NULLS LAST",
    "SELECT c FROM {rows} ORDER BY c NULLS LAST", "SELECT c FROM {rows} ORDER BY c DESC NULLS FIRST", "SELECT c FROM {rows} ORDER BY c DESC",
    "SELECT b FROM {rows} ORDER BY b LIMIT ALL OFFSET 1", "SELECT b FROM {rows} ORDER BY b OFFSET 1 LIMIT 2",
    "SELECT b FROM {rows} ORDER BY b FETCH FIRST 2 ROWS ONLY", "SELECT b FROM {rows} ORDER BY b FETCH NEXT ROW ONLY",
    "SELECT a FROM {rows} ORDER BY a FETCH FIRST 1 ROW WITH TIES", "SELECT b FROM {rows} ORDER BY b OFFSET 1 ROW FETCH FIRST 1 ROW ONLY",
    "SELECT a, sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {rows}",
    "SELECT a, sum(a) OVER (ORDER BY b ROWS 1 PRECEDING) FROM {rows}", "SELECT a, sum(a) OVER w FROM {rows} WINDOW w AS (ORDER BY b)",
    "SELECT a, sum(a) OVER (w ORDER BY b) FROM {rows} WINDOW w AS (PARTITION BY a)",
    "SELECT a, sum(a) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM {rows}",
    "SELECT a, sum(a) OVER (ORDER BY a GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM {rows}",
    "SELECT a, lag(a, 1, 0) OVER (ORDER BY b) FROM {rows}", "SELECT sum(sum(a)) OVER (ORDER BY a) FROM {rows} GROUP BY a",
    "SELECT a FROM {rows} UNION SELECT 7 ORDER BY 1", "SELECT a FROM {rows} UNION DISTINCT SELECT 7 ORDER BY a",
    "SELECT a FROM {rows} UNION ALL SELECT a FROM {rows} ORDER BY 1 DESC", "SELECT a FROM {rows} EXCEPT ALL SELECT 1 ORDER BY 1",
    "SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1", "(SELECT 1 UNION SELECT 2) INTERSECT SELECT 2 ORDER BY 1",
    "SELECT 1 EXCEPT SELECT 1 UNION SELECT 3", "SELECT 1 EXCEPT (SELECT 1 UNION SELECT 3)",
    "(SELECT a FROM {rows} ORDER BY a LIMIT 1) UNION ALL (SELECT a FROM {rows} ORDER BY a DESC LIMIT 1)",
    "(SELECT a FROM {rows} ORDER BY a) LIMIT 2", "((SELECT a FROM {rows})) ORDER BY 1", "SELECT * FROM (SELECT a AS b, b AS a FROM {rows}) s ORDER BY 1, 2",
    "SELECT v.*, a FROM {rows} ORDER BY b", "SELECT *, * FROM (SELECT 1 AS x) s", "SELECT s.x, s.*, x FROM (SELECT 1 AS x, 2 AS y) s",
    "SELECT * FROM (VALUES (1, 2)) t(p)", "SELECT * FROM (VALUES (1), (2)) t ORDER BY 1", "SELECT column1 FROM (VALUES (1)) t",
    "WITH x AS (SELECT 1 AS a) SELECT * FROM x", "WITH x(p, q) AS (SELECT 1, 2) SELECT q, p FROM x",
    "WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT * FROM x", "WITH x AS NOT MATERIALIZED (SELECT 1 AS a), y AS (SELECT a + 1 AS a FROM x) SELECT * FROM y",
    "SELECT g FROM generate_series(1, 3) g", "SELECT g.g FROM generate_series(1, 3) AS g", "SELECT generate_series FROM generate_series(1, 3)",
    "SELECT * FROM generate_series(1, 3) g ORDER BY g", "SELECT g::date FROM generate_series(DATE '2013-01-01', DATE '2013-01-03', INTERVAL '1 day') g",
    "SELECT n FROM generate_series(1, 3) g(n)", "SELECT x FROM unnest(ARRAY[1, 2]) x", "SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY",
    "SELECT x, o FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, o)", "SELECT t.x, ordinality FROM unnest(ARRAY['a']) WITH ORDINALITY AS t(x)",
    "SELECT value FROM jsonb_array_elements_text('[\"a\", \"b\"]') t", "SELECT t.value FROM jsonb_array_elements('[1]') AS t",
    "SELECT key, value FROM jsonb_each_text('{\"a\": 1}')", "SELECT k FROM jsonb_object_keys('{\"a\": 1}') k", "SELECT * FROM json_each('{\"a\": 1}') e(k, v)",
    "SELECT s.tags, t.tag, t.ord FROM (SELECT '[\"a\", \"b\"]'::jsonb AS tags) s, jsonb_array_elements_text(s.tags) WITH ORDINALITY t(tag, ord)",
    "SELECT x FROM (SELECT ARRAY[1, 2] AS l) s, unnest(s.l) x", "SELECT x FROM (SELECT ARRAY[1, 2] AS l) s CROSS JOIN unnest(s.l) x",
    "SELECT x FROM (SELECT ARRAY[1, 2] AS l) s CROSS JOIN LATERAL unnest(l) x", "SELECT x FROM (SELECT ARRAY[1, 2] AS l) s, LATERAL unnest(l) x",
    "SELECT x FROM (SELECT '{}'::int[] AS l) s LEFT JOIN unnest(l) x ON true", "SELECT x FROM (SELECT ARRAY[1, 2] AS l) s JOIN LATERAL unnest(l) AS x ON x > 1",
    "SELECT s.k, x, t.k FROM (SELECT 1 AS k, ARRAY[1, 2] AS l) s CROSS JOIN unnest(s.l) x JOIN (SELECT 1 AS k) t ON t.k = s.k",
    "SELECT unnest(ARRAY[1, 2]) AS x", "SELECT string_to_table('a,b', ',')", "SELECT m[1] FROM regexp_matches('abab', 'a', 'g') m",
    "SELECT a FROM {rows} WHERE (a = 3) IS UNKNOWN OR (c > 1) IS NOT UNKNOWN", "SELECT a, b FROM {rows} WHERE NOT a = 1 AND b <> 'c'",
    "SELECT l.a FROM {rows} JOIN (SELECT 1 AS a) l USING (a)", "SELECT a, l.z FROM {rows} LEFT OUTER JOIN (SELECT 1 AS a, 2 AS z) l USING (a) ORDER BY 1, 2",
    "SELECT count(*) FROM {rows} FULL JOIN (SELECT 9 AS a) l USING (a)", "SELECT v.a, l.a FROM {rows} INNER JOIN (SELECT 1 AS a) l ON v.a = l.a",
    "SELECT grouping(a), a, count(*) FROM {rows} GROUP BY GROUPING SETS ((a), ()) ORDER BY 1, 2",
    "SELECT a, b, count(*) FROM {rows} GROUP BY ROLLUP (a, b) ORDER BY 1, 2, 3", "SELECT a, b, count(*) FROM {rows} GROUP BY CUBE ((a, b)) ORDER BY 1, 2",
    "SELECT a AS b, count(*) FROM {rows} GROUP BY b ORDER BY 1, 2", "SELECT a + 1 AS x FROM {rows} GROUP BY x HAVING count(*) > 1",
    'SELECT 1 AS in, 2 AS "select", 3 AS "A b"', "SELECT DISTINCT a FROM {rows} ORDER BY a DESC", "SELECT (a) FROM {rows} ORDER BY (a)",
)  # fmt: skip


def _statements() -> list[str]:
    chained = [
        f"SELECT {prefix}{one} {first} {two} {second} {three}"
        for first, second, prefix in product(_OPERATORS, _OPERATORS, _PREFIXES[:2])
        for one, two, three in [("8", "2", "3") if first not in {"AND", "OR"} else ("true", "false", "true")]
    ]
    prefixed = [f"SELECT {prefix}8 {operator} 2" for prefix, operator in product(_PREFIXES, _OPERATORS)]
    placed = [place.format(rows=_ROWS, x=constant) for place, constant in product(_PLACES, _CONSTANTS)]
    forms = [f"SELECT {form}" for form in _FORMS] + [f"SELECT 1 WHERE ({form}) IS NOT NULL" for form in _FORMS]
    return list(
        dict.fromkeys([*placed, *forms, *(query.replace("{rows}", _ROWS) for query in _QUERIES), *prefixed, *chained])
    )


MEANINGS: Final = tuple(_statements())
"""Some two thousand. PostgreSQL refuses a part of them, in the user's words and in the guard's alike."""
