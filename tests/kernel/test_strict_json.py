"""JSON without its loopholes."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kernel.strict_json import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, InvalidJsonError, loads

DEEPEST = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"{}", {}),
        (b" [1, 2.5, -0, true, false, null] ", [1, 2.5, 0, True, False, None]),
        (b'"\\u00e4\xc3\xa4"', "ää"),
        (b'"\\ud83d\\udca3"', "💣"),  # a pair is one character
        (b'"[[[{{{"', "[[[{{{"),
        (b'"' + b"[" * 1000 + b'"', "[" * 1000),
        (b'["\\"", "' + b"[" * 100 + b'\\\\"]', ['"', "[" * 100 + "\\"]),
        (b"9" * MAX_DIGITS, int("9" * MAX_DIGITS)),
        (b"1e308", 1e308),
        (b"1e-999", 0.0),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        (DEEPEST, json.loads(DEEPEST)),
        (b"[" + b"1," * (MAX_VALUES - 1) + b"1]", [1] * MAX_VALUES),
        (b'["' + b"," * MAX_VALUES + b'"]', ["," * MAX_VALUES]),
    ],
)
def test_taken(body: bytes, document: Any) -> None:
    assert loads(body) == document


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Expecting value"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b'{"a": "\xc3"}', "not UTF-8 at byte 7"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        (b'{"a": 1, "\\u0061": 2}', "occurs twice"),
        (b'[{"x": {"b": 1, "b": 1}}]', "occurs twice"),
        (b"NaN", "NaN is not JSON"),
        (b'{"a": [Infinity]}', "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"1e309", "beyond the range"),
        (b"-1e309", "beyond the range"),
        (b"9" * (MAX_DIGITS + 1), "more than 100 digits"),
        (b"9" * 10_000, "more than 100 digits"),
        (b"[" + b"1," * MAX_VALUES + b"1]", "more than 20000 values"),
        (b"[" + b"[1,1]," * (MAX_VALUES // 2) + b"1]", "more than 20000 values"),
        (b'"\\u0000"', "NUL"),
        (b'["a", ["\\u0000"]]', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": {"b": "\\u0000"}}', "NUL"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"a": ["x", "\\udfff"]}', "lone surrogate"),
        (b'{"\\ud800": 1}', "lone surrogate"),
        (b'"\\udca3\\ud83d"', "lone surrogate"),
        (b"[" + DEEPEST + b"]", "nested deeper than 64"),
        (b"[" * 1_000_000, "nested deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64"),
        (b"{'a': 1}", "line 1 column 2"),
        (b"[1,]", "column"),
        (b"{} {}", "Extra data"),
        (b"01", "Extra data"),
        (b"+1", "Expecting value"),
        (b".5", "Expecting value"),
        (b"0x10", "Extra data"),
        (b'"\x01"', "control character"),
        (b"// no", "Expecting value"),
    ],
)
def test_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(InvalidJsonError, match=re.escape(why)):
        loads(body)


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


@given(DOCUMENTS, st.booleans())
def test_what_is_written_by_the_standard_comes_back(document: Any, ascii_only: bool) -> None:
    assert loads(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@given(st.binary(max_size=200))
@example(b"[" * 5000)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        document = loads(body)
    except InvalidJsonError:
        return
    assert document == json.loads(body), "and what is taken means what it always means"
