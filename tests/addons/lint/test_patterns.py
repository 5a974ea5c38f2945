"""Expressions as texts: groups, nested repetitions, sed scripts, lookup files, settings of several words."""

import pytest

from app.addons.lint.fields import aliases_of
from app.addons.lint.indexing import least_width
from app.addons.lint.lookup_files import read_lookup
from app.addons.lint.lookups import LookupUse, lookup_use
from app.addons.lint.patterns import (
    first_group_can_be_empty,
    has_nested_repetition,
    illegal_group_name,
    sed_expressions,
)
from app.addons.lint.quoting import outside_quotes, unbalanced


@pytest.mark.parametrize(
    ("pattern", "nested"),
    [
        (r"(?:[^,]*,?)*x", True),
        (r"(\w+\s*)+$", True),
        (r'(?:[^"\\]+|\\.)*"', True),
        (r"(a{2,})*", True),
        (r"((?:x|\d+))*", True),
        (r"(?<n>(?:\d+)?)+", True),
        (r"(?:,[^,]*)*", False),
        (r"(a+b+)*", False),
        (r'(?:[^"\\]|\\.)*"', False),
        (r"(?>\w+)*x", False),
        (r"(?:\w++)*", False),
        (r"(?<a>\S+)\s+(?<b>\S+)", False),
        (r"[(a+)]+", False),
        (r"\(a+\)+", False),
        (r"[]a+)]*(?:b)*", False),
        (r"(?<=a)(?:(?<n>\w+)x?)*", True),
        (r"(?<=(?>a))(?:(?<n>\w+)x)*", False),
    ],
)
def test_nested_repetition(pattern: str, nested: bool) -> None:
    assert has_nested_repetition(pattern) is nested


@pytest.mark.parametrize(
    ("pattern", "empty"),
    [
        (r"([\r\n]+)(?=x)", False),
        (r"([\r\n]*)x", True),
        (r"}()\{", True),
        (r"(?:a*)(?<x>b)", False),
        (r"(?:a)(?<x>b?)", True),
        (r"no group", False),
        (r"[(]*(a)", False),
    ],
)
def test_a_first_group_that_can_be_empty(pattern: str, empty: bool) -> None:
    assert first_group_can_be_empty(pattern) is empty


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("(?<src_ip>a)", None),
        ("(?P<src-ip>a)", "src-ip"),
        ("(?<1a>a)", "1a"),
        ("(?<=a)(?<!b)(?<c>d)", None),
        ("(?<é>a)", "é"),
        (f"(?<{'a' * 33}>a)", "a" * 33),
        ("(?'a b'c)", "a b"),
    ],
)
def test_names_of_groups(pattern: str, name: str | None) -> None:
    assert illegal_group_name(pattern) == name


@pytest.mark.parametrize(
    ("script", "expressions"),
    [
        (r"s/a\/b/c/g", ("a/b",)),
        ("s/a/b/ y/ab/cd/", ("a",)),
        ("s|a|b|2", ("a",)),
        (r"y/a\/c/xyz/", ()),
        ("y/abc/d/", None),
        ("s/a/b", None),
        ("s/a/b/gx", None),
        ("s/a/b/0", None),
        ("s/a/b/ c", None),
        ("hello", None),
        ("", None),
        ("s", None),
        ("s aba", None),
    ],
)
def test_sed_scripts(script: str, expressions: tuple[str, ...] | None) -> None:
    assert sed_expressions(script) == expressions


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("a AS b", (("a", "b"),)),
        ('a AS b "c d" asnew e, f AS g', (("a", "b"), ("c d", "e"), ("f", "g"))),
        ("a.b{} AS c", (("a.b{}", "c"),)),
        ("a b", None),
        ("a AS", None),
        ("", None),
    ],
)
def test_aliases(value: str, pairs: tuple[tuple[str, str], ...] | None) -> None:
    assert aliases_of(value) == pairs


@pytest.mark.parametrize(
    ("value", "use"),
    [
        ("t a", LookupUse("t", ("a",))),
        ("t a AS x, b OUTPUT c AS y d", LookupUse("t", ("a", "b", "c", "d"))),
        ('t "a b" as x outputnew c', LookupUse("t", ("a b", "c"))),
        ("t", None),
        ("t OUTPUT a", None),
        ("t a OUTPUT", None),
        ("t a OUTPUT b OUTPUTNEW c", None),
        ("t a AS", None),
        ("", None),
    ],
)
def test_lookup_settings(value: str, use: LookupUse | None) -> None:
    assert lookup_use(value) == use


@pytest.mark.parametrize(
    ("time_format", "width"),
    [
        ("%Y-%m-%dT%H:%M:%S%z", 20),
        ("%Y-%m-%d %H:%M:%S.%3N", 23),
        ("%b %d %H:%M:%S", 15),
        ("%s", 10),
        ("%d/%b/%Y:%H:%M:%S %:z", 22),
        ("", 0),
    ],
)
def test_the_least_width_of_a_time_format(time_format: str, width: int) -> None:
    assert least_width(time_format) == width


@pytest.mark.parametrize(
    ("text", "closed"),
    [('a (b "c)" [d])', True), (r'a "b\"c"', True), ('a "b', False), ("(a", False), ("a)", False), ("([)]", False)],
)
def test_quotes_and_parentheses(text: str, closed: bool) -> None:
    assert (unbalanced(text) is None) is closed


def test_quoted_text_is_blanked_out() -> None:
    assert outside_quotes('a="b|c" | d "e') == "a=      | d   "


def test_a_lookup_is_read_with_its_ragged_lines() -> None:
    lookup = read_lookup(b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n3\r\n4,5,6\r\n')
    assert lookup.header == ("a", "b")
    assert lookup.rows == 3
    assert [line for line, _ in lookup.faults] == [5, 6]


@pytest.mark.parametrize("content", [b"", b"\n", b"a,\n", b"10.0.0.0/8,b\n", b"3.5,b\n", b'"a\n', b"," * 2_000])
def test_a_first_line_that_names_no_columns(content: bytes) -> None:
    assert read_lookup(content).header_fault is not None


def test_a_column_may_be_called_nan() -> None:
    assert read_lookup(b"nan,inf\n1,2\n").header_fault is None
