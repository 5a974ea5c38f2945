"""What the process of the work answers can be read and kept, whatever the lines of a sample say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.requests.process import plain_json

PIECES = st.lists(st.sampled_from(("\\", "\x00", "u0000", '"', "a", "\ud800", "ö")), max_size=12).map("".join)


@pytest.mark.parametrize("text", [r"\u0000", r"\\u0000", "\\\x00", "\x00\x00", "C:\\users\\u0000.log"])
def test_a_nul_is_replaced_and_what_only_looks_so_is_kept(text: str) -> None:
    assert json.loads(plain_json({text: text})) == {text.replace("\x00", "\ufffd"): text.replace("\x00", "\ufffd")}


@given(PIECES)
def test_every_text_is_read_back_without_nul_and_surrogates(text: str) -> None:
    read = json.loads(plain_json({"line": text}))["line"]
    assert read == text.replace("\x00", "\ufffd").replace("\ud800", "?")
