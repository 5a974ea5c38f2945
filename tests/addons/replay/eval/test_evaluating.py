"""Eval expressions: operators, functions, null and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.replay.eval.evaluating import FUNCTIONS, Scope, check_functions, evaluate
from app.addons.replay.eval.parsing import parse_expression
from app.addons.replay.eval.tokens import EvalError
from app.addons.replay.eval.values import Value, as_texts

FIELDS = {"n": ("5",), "t": ("Bob",), "m": ("a", "b", "c"), "a.b": ("dotted",), "ip": ("10.1.2.3",), "e": ("",)}


def value(expression: str) -> Value:
    node = parse_expression(expression)
    check_functions(node)
    return evaluate(node, Scope(FIELDS, {"_time": "1700000000.5"}))


CASES: list[tuple[str, Value]] = [
    ("1 + 2 * 3", 7.0),
    ("(1 + 2) * 3", 9.0),
    ("10 - 4 - 3", 3.0),
    ("-n + 1", -4.0),
    ("7 % 4", 3.0),
    ("1 / 0", None),
    ("n * 2", 10.0),
    ("n . n", "55"),
    ('t . "-" . n', "Bob-5"),
    ('"a" + "b"', "ab"),
    ("t + 1", None),
    ("missing + 1", None),
    ("'a.b'", "dotted"),
    ("n == 5", True),
    ('n = "5.0"', True),
    ('t == "bob"', False),
    ('t != "bob"', True),
    ('missing == "x"', None),
    ('m == "b"', True),
    ("n > 4 AND n < 6", True),
    ("n > 4 and not n < 3", True),
    ("NOT n == 5 OR n == 5", True),
    ("true() XOR true()", False),
    ('n == 1 OR n == 5 AND t == "x"', False),
    ('t LIKE "B%"', True),
    ('t LIKE "B_"', False),
    ('t IN ("x", "Bob")', True),
    ("in(n, 1, 5)", True),
    ('if(n > 3, "big", "small")', "big"),
    ('if(missing > 3, "big", "small")', "small"),
    ('case(n < 3, "a", n < 6, "b", true(), "c")', "b"),
    ('case(n < 3, "a")', None),
    ("coalesce(missing, null(), t)", "Bob"),
    ("isnull(missing)", True),
    ("isnotnull(t)", True),
    ("isnull(e)", False),
    ("nullif(n, 5)", None),
    ('like(t, "%o%")', True),
    ('match(t, "^B\\w+$")', True),
    ('match(t, "^b")', False),
    ('replace(ip, "(\\d+)\\.(\\d+)", "\\2.\\1")', "1.10.3.2"),
    ('replace(t, "(", "x")', None),
    ("lower(t)", "bob"),
    ("upper(t)", "BOB"),
    ('trim("  x ")', "x"),
    ('trim("--x-", "-")', "x"),
    ('ltrim("--x-", "-")', "x-"),
    ('rtrim("--x-", "-")', "--x"),
    ("substr(t, 2)", "ob"),
    ("substr(t, 1, 2)", "Bo"),
    ("substr(t, -2)", "ob"),
    ("len(t)", 3.0),
    ('split("a,b", ",")', ("a", "b")),
    ("mvindex(m, 0)", "a"),
    ("mvindex(m, -1)", "c"),
    ("mvindex(m, 1, 2)", ("b", "c")),
    ("mvindex(m, 9)", None),
    ("mvcount(m)", 3.0),
    ("mvcount(missing)", None),
    ('mvjoin(m, "-")', "a-b-c"),
    ('mvappend(t, "x", missing)', ("Bob", "x")),
    ('mvdedup(mvappend("a", "a", "b"))', ("a", "b")),
    ('tonumber("12")', 12.0),
    ('tonumber("0A4", 16)', 164.0),
    ('tonumber("x")', None),
    ("tostring(5)", "5"),
    ('tostring(255, "hex")', "0xFF"),
    ('tostring(1234567.891, "commas")', "1,234,567.89"),
    ('tostring(615, "duration")', "00:10:15"),
    ("tostring(1 == 1)", "True"),
    ("round(3.5)", 4.0),
    ("round(2.555, 2)", 2.56),
    ("floor(1.9)", 1.0),
    ("ceiling(1.9)", 2.0),
    ("ceil(1.1)", 2.0),
    ("abs(0 - 3)", 3.0),
    ("pow(2, 10)", 1024.0),
    ("max(1, 3, n)", 5.0),
    ('max(1, "x")', "x"),
    ('cidrmatch("10.1.0.0/16", ip)', True),
    ('cidrmatch("10.2.0.0/16", ip)', False),
    ('urldecode("a%20b+c")', "a b c"),
    ('strptime("2024-05-01 10:00:00", "%Y-%m-%d %H:%M:%S")', 1714557600.0),
    ('strftime(1714557600, "%Y-%m-%dT%H:%M:%S")', "2024-05-01T10:00:00"),
    ('strftime(_time, "%H:%M:%S.%3N")', "22:13:20.500"),
    ('"\\"quoted\\" \\\\ \\d"', '"quoted" \\ \\d'),
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_values(expression: str, expected: Value) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    "expression",
    ["", "1 +", "(1", "1)", "if(1", "if(1,2)", "foo(1)", "1 2", '"open', "a ? b", "AND", "f(,)", "(" * 500, "x IN 5"],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(EvalError):
        value(expression)


WORDS = [
    *FUNCTIONS, *FIELDS, "if", "case", "coalesce", "in", "match", "replace", "(", ")", ",", "+", "-", "*", "/", "%",
    ".", "==", "<", "AND", "OR", "NOT", "XOR", "LIKE", "IN", "1", "0", "1e9", '"x"', '"%"', '"("', "'a.b'",
]  # fmt: skip


@settings(max_examples=100)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_no_expression_raises_anything_else(expression: str) -> None:
    try:
        found = value(expression)
    except EvalError:
        return
    assert all(isinstance(text, str) for text in as_texts(found))


def call(name: str, arguments: list[str]) -> str:
    return f"{name}({', '.join(arguments)})"


ARGUMENTS = st.sampled_from(
    [
        "n",
        "t",
        "m",
        "missing",
        "ip",
        "-1",
        "0",
        "1e300",
        '"%Y"',
        '"("',
        '"a"',
        "true()",
        "null()",
        "1/0",
        '"10.0.0.0/8"',
    ]
)


@settings(max_examples=100)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(ARGUMENTS, max_size=3))
def test_no_function_raises_for_odd_arguments(name: str, arguments: list[str]) -> None:
    try:
        value(call(name, arguments))
    except EvalError:
        return
