"""Statements that are made to keep whoever examines them busy: as long as one may be, from small recipes."""

from collections.abc import Callable, Iterator
from typing import Final

from app.query.guard.check import MAX_BYTES
from app.query.guard.findings import GuardRefusal
from app.query.guard.normalizer import MAX_TOKENS
from app.query.guard.scanner import scan

WIDE: Final = "wide"
WIDE_COLUMNS: Final = tuple(f"c{number}" for number in range(1_500))
"""Of that table, texts: as many as a relation of PostgreSQL may hold, and room for ours."""


def full(head: str, part: Callable[[int], str], tail: str = "", between: str = ", ") -> str:
    """`head`, as many parts as a statement may have bytes and tokens, and `tail`."""
    parts: list[str] = []
    room, tokens = MAX_BYTES - len(head.encode()) - len(tail.encode()), MAX_TOKENS - _tokens(head) - _tokens(tail)
    each = _tokens(part(0)) + _tokens(between)
    for number in range(min(MAX_BYTES, tokens // max(each, 1))):
        piece = part(number)
        room -= len(piece.encode()) + len(between)
        if room < 0:
            break
        parts.append(piece)
    return head + between.join(parts) + tail


def _tokens(text: str) -> int:
    try:
        return len(scan(text))
    except GuardRefusal:
        return 0


def _chain(columns: int) -> str:
    first = "WITH x0 AS (SELECT " + ", ".join(f"1 a{n}" for n in range(columns)) + "), "
    return full(first, lambda n: f"x{n + 1} AS (SELECT * FROM x{n})", " SELECT * FROM x1")


def _nested(open_: str, inner: str, close: str, depth: int) -> str:
    return open_ * depth + inner + close * depth


def _joins(n: int) -> str:
    return f"JOIN airlines t{n} ON t{n}.carrier = t0.carrier"


def _doubled() -> Iterator[str]:
    yield "x0 AS (SELECT * FROM airports)"
    for n in range(1, 190):
        yield f"x{n} AS (SELECT a.*, b.name n FROM x{n - 1} a JOIN x{n - 1} b USING (faa))"


HOSTILE: Final[dict[str, str]] = {
    "chain of stars, narrow": _chain(20),
    "chain of stars": _chain(700),
    "chain of stars, wide": _chain(1_300),
    "stars of a wide table": full(f"SELECT * FROM {WIDE} w0 ", lambda n: f"JOIN {WIDE} w{n + 1} USING (c0)", "", " "),
    "chain over a wide table": full(
        f"WITH x0 AS (SELECT * FROM {WIDE}), ", lambda n: f"x{n + 1} AS (SELECT * FROM x{n})", " SELECT c0 FROM x9"
    ),
    "reads of a wide table and much else": full(
        f"WITH a AS (SELECT * FROM {WIDE}), b AS (SELECT * FROM a) SELECT 1 FROM b WHERE ",
        lambda _: "c0='1'",
        "",
        " OR ",
    ),
    "stars of a chain and much else": full(
        "WITH a AS (SELECT * FROM flights), "
        + ", ".join(f"b{n} AS (SELECT * FROM a)" for n in range(50))
        + " SELECT 1 FROM a WHERE ",
        lambda _: "year=1",
        "",
        " OR ",
    ),
    "stars side by side": full("SELECT ", lambda _: "*", " FROM airports"),
    "stars and columns": full("SELECT ", lambda n: "*" if n % 2 else "faa", " FROM airports"),
    "qualified stars": full("SELECT ", lambda _: "a.*", f" FROM {WIDE} a"),
    "doubled": "WITH " + ", ".join(_doubled())[:19_800].rsplit(", x", 1)[0] + " SELECT 1 FROM x1",
    "unknown columns": full("SELECT ", lambda n: f"q{n}", f" FROM {WIDE}"),
    "unknown columns of aliases": full("SELECT ", lambda n: f"a.q{n}", f" FROM {WIDE} a"),
    "unknown aliases": full("SELECT ", lambda n: f"z{n}.c0", f" FROM {WIDE}"),
    "unknown tables": full("SELECT 1 FROM (SELECT 1 AS a) s ", lambda n: f"JOIN t{n} ON t{n}.a = s.a", "", " "),
    "unknown columns of many tables": full(
        "SELECT " + ", ".join(f"q{n}" for n in range(300)) + f" FROM {WIDE} w0 ",
        lambda n: f"JOIN {WIDE} w{n + 1} ON w{n + 1}.c0 = w0.c0",
        "",
        " ",
    ),
    "unknown columns of some tables": "SELECT "
    + ", ".join(f"q{n}" for n in range(900))
    + f" FROM {WIDE} w0 "
    + " ".join(f"JOIN {WIDE} w{n} ON w{n}.c0 = w0.c0" for n in range(1, 8)),
    "unknown functions": full("SELECT ", lambda n: f"f{n}(1)"),
    "known columns": full("SELECT ", lambda n: f"c{n % 1500}", f" FROM {WIDE}"),
    "a column often": full("SELECT count(*) FROM flights WHERE ", lambda _: "month=1", "", " OR "),
    "ands": full("SELECT count(*) FROM flights WHERE ", lambda _: "month=1", "", " AND "),
    "ands of a join": full(
        "SELECT count(*) FROM flights f JOIN airlines a ON f.carrier=a.carrier AND ", lambda _: "f.month=1", "", " AND "
    ),
    "ors of a join": full("SELECT 1 FROM flights f JOIN airlines a ON ", lambda _: "f.carrier=a.carrier", "", " OR "),
    "joins": full("SELECT 1 FROM airlines t0 ", lambda n: _joins(n + 1), "", " "),
    "joins by using": full("SELECT 1 FROM airlines t ", lambda n: f"JOIN airlines t{n} USING (carrier)", "", " "),
    "joins of a wide table": full(
        f"SELECT c7 FROM {WIDE} t0 ", lambda n: f"JOIN {WIDE} t{n + 1} ON t{n + 1}.c0=t0.c0", "", " "
    ),
    "commas": full("SELECT 1 FROM ", lambda n: f"airlines a{n}"),
    "numbers in a list": full("SELECT 1 FROM flights WHERE month IN (", lambda _: "1", ")", ","),
    "texts in a list": full("SELECT 1 FROM flights WHERE carrier IN (", lambda _: "'a'", ")", ","),
    "expressions in a list": full("SELECT 1 FROM flights WHERE month IN (", lambda _: "-1", ")", ","),
    "lists": full("SELECT 1 FROM flights WHERE ", lambda _: "month IN (1)", "", " OR "),
    "values": full("SELECT * FROM (VALUES ", lambda _: "(1)", ") AS v(a)", ","),
    "values of many columns": full("SELECT * FROM (VALUES (", lambda _: "1", ")) AS v", ","),
    "cases": full("SELECT ", lambda _: "CASE WHEN month=1 THEN 2 END", " FROM flights"),
    "whens": full("SELECT CASE ", lambda _: "WHEN month=1 THEN 2", " END FROM flights", " "),
    "nested cases": full("SELECT ", lambda _: _nested("CASE WHEN true THEN ", "1", " END", 19)),
    "nested brackets": full("SELECT ", lambda _: _nested("(", "1", ")", 19)),
    "nested calls": full("SELECT ", lambda _: _nested("abs(", "1", ")", 19)),
    "nested arrays": full("SELECT ", lambda _: _nested("ARRAY[", "1", "]", 19)),
    "nested subqueries": full("SELECT ", lambda _: _nested("(SELECT ", "1", ")", 19)),
    "nested sources": full(
        "SELECT 1 FROM (SELECT 1 a) z ",
        lambda n: f"JOIN {_nested('(SELECT * FROM ', 'airports', ' q)', 17)} t{n} ON t{n}.faa = '1'",
        "",
        " ",
    ),
    "nested sets": full("SELECT ", lambda _: "1 IN (SELECT 1 UNION SELECT 2)"),
    "nested trims": full("SELECT ", lambda _: _nested("trim(", "'a'", ")", 19)),
    "nested substrings": full("SELECT ", lambda _: _nested("substring(", "'a'", " for 1)", 19)),
    "nested exists": full("SELECT ", lambda _: _nested("EXISTS (SELECT ", "1", ")", 19)),
    "unions": full("", lambda _: "SELECT 1", "", " UNION "),
    "unions in brackets": full("SELECT * FROM (", lambda _: "(SELECT 1)", ") u", " UNION "),
    "casts": full("SELECT ", lambda _: "1" + "::int" * 40),
    "arrays of casts": full("SELECT ", lambda _: "'{}'::int[][]"),
    "signs": full("SELECT ", lambda _: "- - - - - - - 1"),
    "nots": full("SELECT ", lambda _: "NOT NOT NOT NOT NOT NOT NOT true"),
    "sums": full("SELECT ", lambda _: "1+1+1+1+1+1+1+1"),
    "long sums": full("SELECT ", lambda _: "1" + "+1" * 80),
    "jsons": full("SELECT ", lambda _: "'{}'::jsonb->'a'->'b'->'c'"),
    "slices": full("SELECT ", lambda _: "ARRAY[1][1:2][1]"),
    "windows": full("SELECT ", lambda _: "sum(1) OVER (PARTITION BY 1 ORDER BY 1)"),
    "window definitions": full("SELECT 1 FROM flights WINDOW ", lambda n: f"w{n} AS (PARTITION BY month)"),
    "orders": full("SELECT month FROM flights ORDER BY ", lambda _: "month DESC"),
    "groups": full("SELECT 1 FROM flights GROUP BY ", lambda _: "month"),
    "aliases": full("SELECT ", lambda n: f"1 a{n}"),
    "long names": full("SELECT ", lambda n: f'1 AS "{"x" * 55}{n}"'),
    "long unknown names": full("SELECT ", lambda n: f'"{"c" * 55}{n}"', f" FROM {WIDE}"),
    "column aliases": full("SELECT 1 FROM (SELECT 1) AS t(", lambda n: f"a{n}", ")"),
    "comments": full("SELECT 1 ", lambda _: "/**/", "", ""),
    "nested comments": "SELECT 1 " + "/*" * 4_990 + "*/" * 4_990,
    "line comments": full("SELECT 1 ", lambda _: "--", "", "\n"),
    "spaces": "SELECT" + " " * 19_990 + "1",
    "strings": full("SELECT ", lambda _: "''"),
    "strings side by side": full("SELECT ", lambda _: "'a'", "", "\n"),
    "dollars": full("SELECT ", lambda n: f"$a{n}$"),
    "open brackets": "SELECT " + "(" * 19_000,
    "words": full("SELECT ", lambda _: "a", "", " "),
    "keywords": full("SELECT ", lambda _: "select", "", " "),
    "betweens": full("SELECT 1 FROM flights WHERE ", lambda _: "month BETWEEN 1 AND 2", "", " AND "),
    "likes": full("SELECT 1 FROM flights WHERE ", lambda _: "carrier LIKE 'a' ESCAPE 'b'", "", " OR "),
    "rows": full("SELECT 1 FROM flights WHERE ", lambda _: "(month,day)=(1,2)", "", " OR "),
    "intervals": full("SELECT ", lambda _: "INTERVAL '1' DAY"),
    "dates": full("SELECT ", lambda _: "DATE '2013-01-01'"),
    "dates of a function": full("SELECT ", lambda _: "date(1)"),
    "extracts": full("SELECT ", lambda _: "extract(year from time_hour)", " FROM flights"),
    "concatenations": full("SELECT ", lambda _: "'a'||'b'||'c'"),
    "functions in from": full("SELECT 1 FROM airlines a, ", lambda n: f"unnest(ARRAY[a.name]) u{n}"),
    "functions over a wide table": full(f"SELECT 1 FROM {WIDE} w, ", lambda n: f"unnest(ARRAY[w.c{n}]) u{n}"),
    "correlated": full("SELECT ", lambda _: "(SELECT 1 FROM airlines b WHERE b.carrier=a.carrier)", " FROM airlines a"),
    "stars beside what they stand for": "SELECT " + ", ".join(["*, airlines.name"] * 554) + " FROM airlines",
    "stars before what they stand for": "SELECT " + "*, " * 700 + ", ".join(["airlines.name"] * 200) + " FROM airlines",
    "memberships": full(
        "SELECT 1 FROM flights WHERE ", lambda _: "carrier IN (SELECT carrier FROM airlines)", "", " OR "
    ),
    "existences": full(
        "SELECT 1 FROM flights f WHERE ",
        lambda _: "EXISTS (SELECT 1 FROM airlines a WHERE a.carrier = f.carrier)",
        "",
        " OR ",
    ),
    "aggregates": full("SELECT ", lambda _: "string_agg(carrier, ',' ORDER BY carrier)", " FROM flights"),
    "filters": full("SELECT ", lambda _: "count(*) FILTER (WHERE month = 1)", " FROM flights"),
    "orders of outputs": "SELECT "
    + ", ".join(f"month AS m{n}" for n in range(500))
    + " FROM flights ORDER BY "
    + ", ".join(f"m{n}" for n in range(500)),
    "odd operators": full("SELECT ", lambda _: "1@>1"),
    "a wide table with a star and a fault": f"SELECT *, nope FROM {WIDE}",
}
"""By what they do much of."""
