"""Tokens, templates, and the patterns that are made of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.wording import templates
from app.addons.generator.wording.structure import pattern_of
from app.addons.generator.wording.templates import common_beginning, find_templates
from app.addons.generator.wording.tokens import MAX_TOKENS, Kind, tokens_of
from app.addons.regexes import compile_regex

TEXTS = st.text(alphabet=st.sampled_from(list("ab1 .:,;=[](){}<>\"'/-_@#%é\t\\")), max_size=60)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("user 'ada' from 192.0.2.1", ["user", "ada", "from", "192.0.2.1"]),
        ("'a'@'h' don't", ["a", "@", "h", "don't"]),
        ('x="a b" [c d] <e>', ["x=", "a b", "c d", "e"]),
        ("failed: code=5, done.", ["failed", ":", "5", ",", "done", "."]),
        ("host[10.0.0.1]: no", ["host", "10.0.0.1", ":", "no"]),
        ("", []),
    ],
)
def test_tokens(text: str, texts: list[str]) -> None:
    assert [token.text for token in tokens_of(text)] == texts


@settings(max_examples=300)
@given(TEXTS)
def test_tokens_are_the_text(text: str) -> None:
    tokens = tokens_of(text)
    if len(tokens) < MAX_TOKENS:
        written = "".join(each.gap + each.opening + each.text + each.closing for each in tokens)
        assert written == text.rstrip()


@settings(max_examples=200)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_the_pattern_of_any_template_compiles(texts: list[str]) -> None:
    for template in find_templates(texts):
        pattern = pattern_of(template)
        if pattern is not None:
            assert compile_regex(pattern).groups >= 1


@settings(max_examples=200)
@given(st.lists(st.text(alphabet="ab1/=- ", min_size=1, max_size=30), min_size=1, max_size=5))
def test_a_template_reads_its_own_texts(texts: list[str]) -> None:
    for template in find_templates(texts):
        pattern = pattern_of(template)
        if pattern is None or any(slot.token.kind is Kind.MARK for slot in template.slots):
            continue
        for member in template.members:
            assert compile_regex(pattern).search(texts[member]) is not None, (pattern, texts[member])


def test_values_are_told_from_words() -> None:
    (template,) = find_templates(["Session 12 of user bob closed", "Session 99 of user eve closed"])
    pattern = pattern_of(template)
    assert pattern is not None
    match = compile_regex(pattern).search("Session 7 of user mallory closed")
    assert match is not None
    assert set(match.named.values()) == {"7", "mallory"}


def test_texts_that_say_other_things_are_apart() -> None:
    assert len(find_templates(["disk full on sda1", "user bob logged in", "disk full on sdb1"])) == 2


def test_the_beginning_that_all_share() -> None:
    template = common_beginning(["10.0.0.1:80 [x y] GET ok then", "10.0.0.2:81 [z] failed for reasons"])
    assert template is not None
    assert [slot.token.kind for slot in template.slots] == [Kind.PLAIN, Kind.BRACKETED]
    assert common_beginning(["one two", "three four"]) is None


def test_a_log_in_which_every_line_is_new_is_compared_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    alike = templates._alike

    def counted(one: Any, other: Any) -> bool:
        nonlocal compared
        compared += 1
        return alike(one, other)

    monkeypatch.setattr(templates, "_alike", counted)
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = [" ".join(letters[(n * k) % 26] + letters[(n + k) % 26] for k in range(1, 9)) for n in range(600)]
    assert find_templates(texts)
    assert compared <= templates.MAX_COMPARED * len(texts)
    assert templates.MAX_COMPARED * len(texts) < len(texts) ** 2 / 4
