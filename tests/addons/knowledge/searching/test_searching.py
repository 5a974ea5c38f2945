"""What is asked for, how rankings are joined, and what is shown of what was found."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.knowledge.searching.fusion import fused
from app.addons.knowledge.searching.highlighting import BEGIN, END, MAX_SNIPPET, beginning, snippet
from app.addons.knowledge.searching.terms import MAX_QUERY, search_terms, terms_of_names


def test_a_query_is_asked_with_and_without_separators() -> None:
    terms = search_terms('the src_ip of "cs(User-Agent)" -dst_ip')
    assert terms.plain == 'the srcip of "csuseragent" -dstip'
    assert not terms.is_plain
    assert search_terms("src_ip meaning").names == {"srcip", "meaning"}
    assert len(search_terms("x" * 1_000).words) == MAX_QUERY


@pytest.mark.parametrize(
    ("query", "plain"),
    [("a b", True), ("cs-uri-stem", True), ("a -b", False), ("-b", False), ('"a b"', False), ("a or b", False),
     ("OR", False), ("oracle", True), ("a - b", True)],
)  # fmt: skip
def test_words_alone_or_more(query: str, plain: bool) -> None:
    assert search_terms(query).is_plain is plain


def test_names_are_asked_for_one_by_one() -> None:
    assert terms_of_names(["src_ip", "user name", '-"x"', "or", ""]).words == "src_ip or user name or x"
    assert terms_of_names(["src_ip"]).plain == "srcip"
    assert terms_of_names([]).words == ""


def test_who_stands_high_in_both_rankings_comes_first() -> None:
    assert [item for item, _ in fused("abc", "cad")] == ["a", "c", "b", "d"]
    assert [item for item, _ in fused("abc", "")] == ["a", "b", "c"]
    assert fused("", "") == []
    assert fused("a", "a")[0] == ("a", pytest.approx(2 / 61))


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_fusion_loses_nothing(first: list[int], second: list[int]) -> None:
    scored = fused(first, second)
    assert sorted(item for item, _ in scored) == sorted({*first, *second})
    assert [score for _, score in scored] == sorted((score for _, score in scored), reverse=True)


@pytest.mark.parametrize(
    ("marked", "names", "shown"),
    [
        (f"the {BEGIN}client{END}", (), "the <mark>client</mark>"),
        (f"{BEGIN}src{END}_{BEGIN}ip{END} x", (), "<mark>src_ip</mark> x"),
        (f"<b>{BEGIN}x{END}</b>", (), "&lt;b&gt;<mark>x</mark>&lt;/b&gt;"),
        (f"{BEGIN}<i>{END}", (), "<mark>&lt;i&gt;</mark>"),
        ("a src_ip b", ("srcip",), "a <mark>src_ip</mark> b"),
        (f"{BEGIN}src{END}_ip", ("srcip",), "<mark>src_ip</mark>"),
        ("nothing", ("x",), "nothing"),
        (END + "a" + BEGIN, (), "a"),
    ],
)
def test_a_snippet(marked: str, names: tuple[str, ...], shown: str) -> None:
    assert snippet(marked, marked.replace(BEGIN, "").replace(END, ""), names) == shown


def test_a_snippet_shows_the_name_where_it_stands() -> None:
    text = "word " * 300 + "src_ip is here " + "word " * 300
    shown = snippet(text[:100], text, {"srcip"})
    assert "<mark>src_ip</mark> is here" in shown
    assert len(shown) < MAX_SNIPPET + 100
    assert beginning(text).endswith(" …")


@given(st.text(alphabet=f"<>&\"'ab_ {BEGIN}{END}", max_size=80), st.text(alphabet="<>&ab_ ", max_size=80))
def test_no_text_becomes_a_tag(marked: str, text: str) -> None:
    shown = snippet(marked, text, {"ab", "a"})
    assert re.sub(r"</?mark>", "", shown).count("<") == 0
    assert shown.count("<mark>") == shown.count("</mark>")
    assert "<script" not in html.escape(beginning(text))
