"""YAML as it is taken: JSON's values by the core schema of YAML 1.2, and nothing that grows or acts."""

import contextlib
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.contracts.odcs.document import UnreadableDocument, read_document
from app.catalog.contracts.odcs.writing import YAML, rendered
from app.catalog.contracts.odcs.yaml_reader import MAX_ANCHORS, InvalidYamlError, loads
from app.kernel.strict_json import MAX_DEPTH, MAX_VALUES

SCALARS: list[tuple[str, Any]] = [
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("2026-01-31", "2026-01-31"),
    ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
    ("12:30:45", "12:30:45"),
    ("012", 12),
    ("0o17", 15),
    ("0x1F", 31),
    ("-7", -7),
    ("1_000", "1_000"),
    ("1.10", Decimal("1.10")),
    (".5", Decimal("0.5")),
    ("1e3", Decimal("1e3")),
    ("1.2.3", "1.2.3"),
    ("v3.1.0", "v3.1.0"),
    ("'true'", "true"),
    ('"12"', "12"),
    ("!!str 12", "12"),
    ("! 12", "12"),
    ("=", "="),
    ("|\n  two\n  lines\n", "two\nlines\n"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars(text: str, value: Any) -> None:
    found = loads(f"a: {text}\n".encode())["a"]
    assert (found, type(found)) == (value, type(value))


def test_anchors_are_values() -> None:
    assert loads(b"a: &x {q: [1]}\nb: *x\nc: &x 2\nd: *x") == {"a": {"q": [1]}, "b": {"q": [1]}, "c": 2, "d": 2}
    assert loads("\ufeffa: é".encode()) == {"a": "é"}
    assert loads(b"%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


def _bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


HOSTILE: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "no document", ""),
    "a comment": (b"# only\n", "no document", ""),
    "two documents": (b"a: 1\n---\na: 2\n", "second document", ""),
    "a repeated key": (b"a: 1\nb: {c: 1, c: 2}\n", "'c' occurs twice", "/b"),
    "a key repeated in another spelling": (b"a: 1\n'a': 2\n", "'a' occurs twice", ""),
    "a number as key": (b"a: {1: x}\n", "is no text", "/a"),
    "true as key": (b"true: x\n", "is no text", ""),
    "null as key": (b"~: x\n", "is no text", ""),
    "no key at all": (b"{: x}\n", "did not find expected", ""),
    "a list as key": (b"? [a, b]\n: x\n", "a key is a text", ""),
    "an alias as key": (b"a: &x q\n*x : 1\n", "is no alias", ""),
    "an anchor on a key": (b"&x a: 1\n", "anchor on a key", ""),
    "a merge key": (b"a: &x {q: 1}\nb:\n  <<: *x\n", "merge key", "/b"),
    "an object of Python": (b"a: !!python/object/apply:os.system ['true']\n", "a tag", "/a"),
    "a tag of its own": (b"a: !mine 1\n", "a tag", "/a"),
    "a tag on a list": (b"a: !!set {x, y}\n", "a tag", "/a"),
    "a number by tag": (b"a: !!int '3'\n", "a tag", "/a"),
    "binary": (b"a: !!binary aGk=\n", "a tag", "/a"),
    "not a number": (b"a: [1, .nan]\n", ".nan is no number", "/a/1"),
    "infinity": (b"a: -.inf\n", "-.inf is no number", "/a"),
    "a number beyond doubles": (b"a: 1e999\n", "beyond the range", "/a"),
    "a very long number": (b"a: " + b"9" * 101, "more than 100 digits", "/a"),
    "a very long fraction": (b"a: 0." + b"9" * 500, "beyond the range", "/a"),
    "YAML 1.1": (b"%YAML 1.1\n---\na: yes\n", "1.1", ""),
    "an unknown alias": (b"a: *x\n", "not there before", "/a"),
    "an alias within its anchor": (b"a: &x [1, *x]\n", "holds the alias itself", "/a/1"),
    "an alias of an anchor given anew": (b"a: &x 1\nb: &x {c: *x}\n", "holds the alias itself", "/b/c"),
    "a bomb": (_bomb(9), f"more than {MAX_VALUES} values", ""),
    "a bomb of levels": (
        b"a0: &a0 []\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, MAX_DEPTH + 2)),
        "nested deeper",
        "",
    ),
    "many anchors": (b"a:\n" + b"".join(b"- &x%d 1\n" % n for n in range(MAX_ANCHORS + 1)), "anchors", ""),
    "many values": (b"a: [" + b"1," * (MAX_VALUES + 1) + b"]", "values", ""),
    "deep lists": (b"a: " + b"[" * 5000, "nested deeper", ""),
    "deep mappings": (b"{a: " * 5000, "nested deeper", ""),
    "deep blocks": (b"\n".join(b" " * n + b"a:" for n in range(200)), "nested deeper", ""),
    "bytes that are no text": (b"a: \xff\xfe", "not UTF-8 at byte 3", ""),
    "UTF-16": ("a: 1".encode("utf-16"), "not UTF-8", ""),
    "a control character": (b"a: \x07", "control character", ""),
    "an open list": (b"a: [1", "line 2 column 1", ""),
    "a tab as indent": (b"a:\n\tb: 1\n", "line 2 column 1", ""),
    "a colon too many": (b"a: b: c\n", "line 1 column 5", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_refused(name: str) -> None:
    body, message, pointer = HOSTILE[name]
    began = time.monotonic()
    with pytest.raises(InvalidYamlError) as refused:
        loads(body)
    assert message in str(refused.value)
    assert refused.value.pointer.startswith(pointer)
    assert time.monotonic() - began < 2
    with pytest.raises(UnreadableDocument) as problem:
        read_document(body, YAML)
    assert (problem.value.status, problem.value.faults[0].code) == (400, "malformed-yaml")


@pytest.mark.parametrize("text", ['"\\0"', '"\\uD800"', '"a\\x00b": 1'])
def test_text_that_json_does_not_take(text: str) -> None:
    with pytest.raises(UnreadableDocument):
        read_document(f"a: {text}".encode() if ":" not in text else text.encode(), YAML)


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\r\x7f\x85\u2028\ufeff")
) | st.sampled_from(
    [
        "yes",
        "0o17",
        "1e3",
        "08",
        "0x1f",
        ".inf",
        ".5",
        "<<",
        "~",
        "=",
        "2026-01-01",
        "1:30",
        "-",
        "- a",
        "#",
        " a",
        "1_0",
    ]
)
REALS = st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**12), max_value=10**12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**60), 10**60) | REALS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=300)
def test_what_is_written_is_read(value: Any) -> None:
    assert loads(rendered({"a": value}, YAML)) == {"a": value}


@given(st.binary(max_size=200) | st.text("a:-[]{}&*!|>'\"#%@` \n\t0.~<,?", max_size=60).map(str.encode))
@settings(max_examples=500)
def test_anything_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidYamlError):
        loads(body)
