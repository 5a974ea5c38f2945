"""Statements that must be refused: types, operators, odd text, size, joins and clauses."""

# ruff: noqa: E501 - statements are data, one to a line

from typing import Final

from tests.query.cases import Case, cases

_PADDED: Final = "SELECT " + "'" + "x" * 20_000 + "'"

ATTACKS_ON_FORM: Final[tuple[Case, ...]] = (
    # -- types, operators, scanner --------------------------------------------------------------------------------------
    *cases(
        "reg-cast",
        regclass="SELECT 'pg_shadow'::regclass",
        regproc="SELECT CAST('pg_sleep' AS regproc)",
        regrole="SELECT 'postgres'::regrole",
        regclass_array="SELECT '{pg_shadow}'::regclass[]",
    ),
    *cases(
        "type-not-allowed",
        xml="SELECT '<a/>'::xml",
        oid="SELECT 1::oid",
        inet="SELECT '127.0.0.1'::inet",
        name_type="SELECT 'a'::name",
        quoted_char="SELECT 'a'::\"char\"",
        qualified="SELECT 'a'::pg_catalog.text",
        composite="SELECT '(a,b)'::airlines",
        record="SELECT 'a'::record",
        modifier="SELECT 'a'::varchar(99999999)",
        interval_modifier="SELECT '1 day'::interval(99, 2)",
    ),
    *cases(
        "operator",
        operator_form="SELECT 1 OPERATOR(pg_catalog.+) 2",
        unknown="SELECT 1 <~> 2",
        factorial="SELECT @ -5",
        mixed="SELECT 1 ||- 2",
    ),
    *cases(
        "collation",
        locale='SELECT name COLLATE "en_US" FROM airlines',
        default='SELECT name COLLATE "default" FROM airlines',
    ),
    *cases(
        "unicode-escape",
        identifier='SELECT * FROM U&"fl\\0069ghts"',
        string="SELECT U&'\\0061'",
        custom="SELECT U&'!0061' UESCAPE '!'",
    ),
    *cases("bit-string", bits="SELECT B'101'", hexadecimal="SELECT X'FF'", national="SELECT N'a'"),
    *cases("string-escape", high_byte="SELECT E'\\xff'", surrogate="SELECT E'\\ud800'", zero="SELECT E'\\x00'"),
    *cases(
        "parameter", dollar="SELECT * FROM flights WHERE year = $1", colon="SELECT * FROM flights WHERE year = :year"
    ),
    *cases(
        "odd-character",
        nul="SELECT 'a\0b'",
        surrogate="SELECT '\ud800'",
        brace="SELECT {fn now()}",
        bell="SELECT \a 1",
        space="SELECT\u00a0\u20281",
    ),
    *cases(
        "number-format",
        hexadecimal="SELECT 0x1G",
        digits="SELECT 0x" + "F" * 5_000,
        underscores="SELECT 1__000",
        last_underscore="SELECT 1_000_",
        junk="SELECT 1abc",
        dot="SELECT 1.",
    ),
    *cases("long-identifier", alias=f"SELECT 1 AS {'a' * 64}"),
    *cases("keyword", overlaps="SELECT (1, 2) OVERLAPS (3, 4)", isnull="SELECT name ISNULL FROM airlines"),
    *cases("too-long", padded=_PADDED),
    *cases(
        "too-complex",
        brackets="SELECT " + "(" * 500 + "1" + ")" * 500,
        nots="SELECT " + "NOT " * 2_000 + "true",
        signs="SELECT " + "- " * 5_000 + "1",
        sums="SELECT " + "1+" * 2_000 + "1",
        concatenations="SELECT " + "name || " * 1_000 + "name FROM airlines",
        unions="SELECT 1 " + "UNION SELECT 1 " * 500,
        cases="SELECT " + "CASE WHEN true THEN " * 200 + "1" + " END" * 200,
        subqueries="SELECT * FROM " + "(SELECT * FROM " * 100 + "airlines" + ")" * 100,
        arrays="SELECT " + "ARRAY[" * 100 + "1" + "]" * 100,
        long_list="SELECT 1 WHERE 1 IN (" + ",".join(["1"] * 6_000) + ")",
        casts="SELECT 1" + "::int" * 1_000,
        stars="SELECT " + "*, " * 200 + "1 FROM flights",
    ),
    *cases("not-faithful", moved_not="SELECT dep_delay NOT IN (1) < true FROM flights"),
    # -- joins ---------------------------------------------------------------------------------------------------------
    *cases(
        "cross-join",
        plain="SELECT 1 FROM flights CROSS JOIN airlines",
        self_join="SELECT 1 FROM flights AS a CROSS JOIN flights AS b",
    ),
    *cases(
        "comma-join",
        bare="SELECT 1 FROM flights, airlines",
        with_where="SELECT 1 FROM flights AS f, airlines AS a WHERE f.carrier = a.carrier",
        function="SELECT 1 FROM flights, generate_series(1, 1000) AS g(n)",
        after_join="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier = f.carrier, weather",
    ),
    *cases(
        "natural-join",
        plain="SELECT 1 FROM flights NATURAL JOIN airlines",
        left="SELECT 1 FROM flights NATURAL LEFT JOIN planes",
    ),
    *cases(
        "lateral",
        subquery="SELECT 1 FROM flights AS f JOIN LATERAL (SELECT 1 AS x FROM airlines AS a WHERE a.carrier = f.carrier) AS s ON true",
    ),
    *cases(
        "unconstrained-join",
        no_condition="SELECT 1 FROM flights JOIN airlines",
        no_condition_then_where="SELECT 1 FROM flights JOIN airlines WHERE true",
        on_true="SELECT 1 FROM flights JOIN airlines ON true",
        on_tautology="SELECT 1 FROM flights JOIN airlines ON 1 = 1",
        one_side="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier = 'UA'",
        same_column="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier = a.carrier",
        or_true="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier = f.carrier OR true",
        negated="SELECT 1 FROM flights AS f JOIN airlines AS a ON NOT a.carrier = f.carrier",
        unequal="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier <> f.carrier",
        inequality="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier < f.carrier",
        wrapped_true="SELECT 1 FROM flights AS f JOIN airlines AS a ON (a.carrier = f.carrier) IS NOT NULL",
        case="SELECT 1 FROM flights AS f JOIN airlines AS a ON CASE WHEN a.carrier = f.carrier THEN true ELSE true END",
        left_true="SELECT 1 FROM flights LEFT JOIN airlines ON true",
        third_unrelated="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier = f.carrier JOIN planes AS p ON f.carrier = a.carrier",
        mixed_operand="SELECT 1 FROM flights AS f JOIN airlines AS a ON a.carrier || f.carrier = f.carrier",
        crossed_brackets="SELECT 1 FROM flights JOIN airlines JOIN planes ON true ON true",
        two_series="SELECT 1 FROM generate_series(1, 100000) AS a(n) JOIN generate_series(1, 100000) AS b(n) ON a.n < b.n",
        using_alias_true="SELECT 1 FROM flights AS f LEFT JOIN airlines AS a ON (true)",
        subquery_on_true="SELECT 1 FROM flights AS f JOIN (SELECT carrier FROM airlines) AS a ON 2 > 1",
        # Two truths are equal for half of all pairs.
        nulls="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier IS NULL) = (a.carrier IS NULL)",
        truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.flight > 0) = (a.name > 'A')",
        equal_truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier = 'UA') = (a.carrier = 'UA')",
        unequal_truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier <> 'UA') = (a.carrier <> 'UA')",
        truth_of_one="SELECT 1 FROM flights AS f JOIN airlines AS a ON f.carrier = (a.carrier = 'UA')::text",
        negated_truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (NOT f.flight > 0) = (NOT a.name > 'A')",
        joined_truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.flight > 0 OR f.year > 0) = (a.name > 'A' AND a.name < 'B')",
        likenesses="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier LIKE 'A%') = (a.name ILIKE 'B%')",
        escaped="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.origin LIKE '!%' ESCAPE '!') = (a.name LIKE '%' ESCAPE '!')",
        patterns="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier ~ 'x') = (a.name ~* 'y')",
        lists="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier IN ('A')) = (a.name IN ('B'))",
        ranges="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.flight BETWEEN 1 AND 2) = (a.name BETWEEN 'a' AND 'b')",
        distinctions="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.flight IS DISTINCT FROM 0) = (a.name IS DISTINCT FROM 'A')",
        containments="SELECT 1 FROM flights AS f JOIN airlines AS a ON (ARRAY[f.carrier] @> ARRAY['A']) = (ARRAY[a.carrier] && ARRAY['B'])",
        numbered_truths="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.flight > 0)::int = CAST((a.name > 'A') AS int)",
        truth_known="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier = a.carrier) = true",
        # A row equals a row when each part does, so each part must relate by itself.
        crossed_rows="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier, 'AA') = ('UA', a.carrier)",
        crossed_inner_rows="SELECT 1 FROM flights AS f JOIN airlines AS a ON ((f.carrier, 'AA'), 1) = (('UA', a.carrier), 1)",
        truths_in_rows="SELECT 1 FROM flights AS f JOIN airlines AS a ON (f.carrier IS NULL, f.flight) = (a.carrier IS NULL, 1)",
    ),
    *cases("nested-join", brackets="SELECT 1 FROM (flights AS f JOIN airlines AS a ON a.carrier = f.carrier)"),
    # -- clauses -------------------------------------------------------------------------------------------------------
    *cases(
        "limit-expression",
        subquery="SELECT carrier FROM airlines LIMIT (SELECT 1)",
        sleeping="SELECT carrier FROM airlines LIMIT pg_sleep(10)",
        sum="SELECT carrier FROM airlines LIMIT 1 + 1",
        offset_column="SELECT carrier FROM airlines OFFSET carrier",
        fraction="SELECT carrier FROM airlines LIMIT 1.5",
        mysql="SELECT carrier FROM airlines LIMIT -1",
    ),
    *cases(
        "values-outside-from",
        in_list="SELECT 1 WHERE 1 IN (VALUES (1))",
        cte="WITH v AS (VALUES (1)) SELECT * FROM v",
        union="SELECT 1 UNION VALUES (2)",
    ),
    *cases("values-too-long", many="SELECT * FROM (VALUES " + ",".join(["(1)"] * 1_001) + ") AS v(a)"),
    *cases(
        "cube-too-wide", wide="SELECT 1 FROM flights GROUP BY CUBE (year, month, day, hour, minute, carrier, origin)"
    ),
    *cases("row-value", selected="SELECT (carrier, name) FROM airlines"),
    *cases("interval", fraction="SELECT INTERVAL '1.5' DAY", span="SELECT INTERVAL '1-2' YEAR TO MONTH"),
)
