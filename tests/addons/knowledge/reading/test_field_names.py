"""Names of fields, however a source writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.knowledge.reading.field_names import (
    MAX_NAME,
    all_names,
    names_at,
    names_in,
    passage_names,
    plain_name,
    without_separators,
)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("src_ip", "srcip"),
        ("srcIp", "srcip"),
        ("SRC-IP", "srcip"),
        ("cs-uri-stem", "csuristem"),
        ("c-ip", "cip"),
        ("cs(User-Agent)", "csuseragent"),
        ("id.orig_h", "idorigh"),
        ("a{}.b", "ab"),
        ("cisco:asa", "ciscoasa"),
        ("_time", "time"),
        ("%ASA-6-302013", "asa6302013"),
        ("x" * 200, "x" * MAX_NAME),
    ],
)
def test_a_name_is_compared_without_separators(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("src_ip and dst_ip", ["srcip", "dstip"]),
        ("plain words, one each", []),
        ("`id.orig_h`", ["idorigh", "origh"]),
        ("cs(User-Agent) (see below)", ["csuseragent", "useragent"]),
        ("a src_ip, again src_ip", ["srcip"]),
        ("trailing-.", []),
        ("", []),
    ],
)
def test_names_of_several_parts(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    ("line", "defined"),
    [
        ("src_ip | Source", ["srcip"]),
        ("- srcip: Source", ["srcip"]),
        ("* `cs-method` - the method", ["csmethod"]),
        ("conn_state (string) \u2014 S0 and others", ["connstate"]),
        ("action = deny", ["action"]),
        ("cs(User-Agent) | Browser", ["csuseragent"]),
        ("The field src_ip is the source", []),
        ("see http://a.example: it says", []),
        ("12:30: noon", []),
        ("Note that this is so", []),
    ],
)
def test_a_line_that_explains_a_name(line: str, defined: list[str]) -> None:
    assert list(passage_names([], f"before\n{line}\nafter").defined) == defined


def test_a_heading_that_is_a_name_is_what_the_passage_is_about() -> None:
    names = passage_names(["Fields", "src_ip"], "Compare dst_ip and src_ip.")
    assert (names.defined, names.mentioned) == (("srcip",), ("dstip",))
    assert passage_names(["About src_ip"], "x").defined == ("srcip",)
    assert passage_names(["Two words"], "x").defined == ()


@given(st.text())
def test_any_text_has_names_that_stand_in_it(text: str) -> None:
    for begin, end, name in names_at(text):
        assert plain_name(text[begin:end]) == name
    assert set(names_in(text)) <= {plain for name in all_names(text) for plain in [name]} | set(names_in(text))
    assert all(name.isalnum() and name == name.lower() and len(name) <= MAX_NAME for name in all_names(text))
    assert len(without_separators(text)) <= len(text)
