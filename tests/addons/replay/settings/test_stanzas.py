"""Which stanza holds, values of settings, wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.package.conf import parse_conf
from app.addons.replay.settings.stanzas import effective_settings, first_sourcetype
from app.addons.replay.settings.values import delimiter, number, quoted_list, switch
from app.addons.replay.settings.wildcards import fits, fits_ignoring_case, tokens

PROPS = """
A = global
[default]
B = default
C = default
[acme]
B = type
C = type
D = type
[host::web*]
C = host
D = host
[source::.../acme.log]
D = source
E = first
[source::.../*.log]
E = later
F = wide
[source::.../z.log]
E = high
[source::.../(z|y).log]
E = highest
priority = 200
"""


@pytest.mark.parametrize(
    ("source", "host", "expected"),
    [
        ("/var/acme.log", "WEB01", {"A": "global", "B": "type", "C": "host", "D": "source", "E": "later", "F": "wide"}),
        ("/var/acme.txt", "db", {"A": "global", "B": "type", "C": "type", "D": "type"}),
        ("/z.log", "", {"E": "highest"}),
    ],
)
def test_source_over_host_over_source_type(source: str, host: str, expected: dict[str, str]) -> None:
    found = effective_settings(parse_conf(PROPS), "acme", source, host).values
    assert {key: found.get(key) for key in expected} == expected


def test_the_spec_s_own_example_of_colliding_patterns() -> None:
    props = "[source::...a...]\nsourcetype = a\n[source::...z...]\nsourcetype = z\n"
    assert effective_settings(parse_conf(props), "", "az", "").values["sourcetype"] == "a"
    props = props.replace("sourcetype = a", "sourcetype = a\npriority = 5")
    props = props.replace("sourcetype = z", "sourcetype = z\npriority = 10")
    assert effective_settings(parse_conf(props), "", "az", "").values["sourcetype"] == "z"


def test_stanzas_are_named_in_reports() -> None:
    found = effective_settings(parse_conf(PROPS), "acme", "x", "")
    assert found.named("D") == "props.conf [acme] D"


@pytest.mark.parametrize(
    ("props", "name"),
    [("[source::x]\n[host::y]\n[default]\n[a:b]\n", "a:b"), ("[source::x]\nsourcetype = t\n", "t"), ("", "")],
)
def test_the_first_source_type(props: str, name: str) -> None:
    assert first_sourcetype(parse_conf(props)) == name


def test_a_pattern_that_does_not_compile_matches_its_own_text_alone() -> None:
    props = parse_conf("[source::a(b]\nX = 1\n")
    assert effective_settings(props, "", "a(b", "").values == {"X": "1"}
    assert not effective_settings(props, "", "ab", "").values


@pytest.mark.parametrize(("text", "value"), [("1", True), ("True", True), ("f", False), ("maybe", True), ("", True)])
def test_switches(text: str, value: bool) -> None:
    assert switch({"k": text}, "k", default=True) is value


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("-1", -1), ("x", 7), ("", 7), ("9" * 30, 7), ("\u0661", 7)])
def test_numbers(text: str, value: int) -> None:
    assert number({"k": text}, "k", 7) == value


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('"|", "="', ("|", "=")),
        ('","', (",",)),
        ('"\\t\\"\\\\"', ('\t"\\',)),
        ("a, b,c", ("a", "b", "c")),
        ('"a b", c', ("a b", "c")),
        ("", ()),
    ],
)
def test_quoted_lists(text: str, items: tuple[str, ...]) -> None:
    assert quoted_list(text) == items


@pytest.mark.parametrize(
    ("text", "character"),
    [("space", " "), ("\\t", "\t"), ("\\x14", "\x14"), (";", ";"), ("ws", "whitespace"), ("", ",")],
)
def test_named_delimiters(text: str, character: str) -> None:
    assert delimiter({"k": text}, "k", ",") == character


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*c", "abbc", True),
        ("a*c", "abb", False),
        ("*", "", True),
        ("", "", True),
        ("a", "A", True),
        ("*b*b", "abab", True),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert fits_ignoring_case(pattern, text) is expected


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_wildcards_agree_with_a_plain_rule(pattern: str, text: str) -> None:
    def plain(form: str, rest: str) -> bool:
        if not form:
            return not rest
        if form[0] == "*":
            return any(plain(form[1:], rest[at:]) for at in range(len(rest) + 1))
        return bool(rest) and form[0] == rest[0] and plain(form[1:], rest[1:])

    assert fits(tokens(pattern, "*"), text) == plain(pattern, text)


def test_wildcards_take_no_exponential_time() -> None:
    assert not fits(tokens("*a" * 50 + "b", "*"), "a" * 5_000)
