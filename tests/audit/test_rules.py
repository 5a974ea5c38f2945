"""The pure rules of the log: verbs, secrets and differences."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from app.audit.log.actions import Verb, verb_of
from app.audit.log.diffs import (
    MAX_LABEL,
    MAX_SIDE,
    MAX_TEXT,
    REDACTED,
    changed_fields,
    clean,
    difference,
    label,
    stored,
)

KEY = b"the key of the hashes"


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        ("contract:register", Verb.CREATE),
        ("table:promote", Verb.UPDATE),
        ("table:adopt", Verb.CREATE),
        ("key:revoke", Verb.DELETE),
        ("user:login", Verb.LOGIN),
        ("request:approve", Verb.APPROVE),
        ("join:reject", Verb.REJECT),
        ("export:download", Verb.DOWNLOAD),
        ("batch:ingest", Verb.UPLOAD),
        ("system:mode-change", Verb.UPDATE),
    ],
)
def test_the_verb_of_an_action(action: str, verb: Verb) -> None:
    assert verb_of(action) is verb


@pytest.mark.parametrize("action", ["", "promote", "table:", ":promote", "Table:promote", "table:promote now", "a:b:c"])
def test_what_is_no_action(action: str) -> None:
    with pytest.raises(ValueError, match="subject:action"):
        verb_of(action)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),
        ({"a": 1, "b": 2}, {"a": 2}, {"a": 2}),  # a patch: what it does not name stays
        ({"a": 1}, {"a": 1, "b": None}, {"b": None}),  # nothing and null are not the same
        ({"a": None}, {"a": None}, {}),
        ({"a": ["x"]}, {"a": ["x", "y"]}, {"a": ["x", "y"]}),
        ({}, {}, {}),
    ],
)
def test_which_fields_changed(before: dict[str, Any], after: dict[str, Any], changed: dict[str, Any]) -> None:
    assert changed_fields(before, after) == changed


def test_only_what_differs_is_kept() -> None:
    before = {"state": "SHADOW", "owner": "ada", "gone": 1}
    after = {"state": "ACTIVE", "owner": "ada", "new": 2}
    assert difference(before, after, None) == ({"state": "SHADOW", "gone": 1}, {"state": "ACTIVE", "new": 2})
    assert difference(None, after, None) == (None, after)
    assert difference(before, None, None) == (before, None)
    assert difference(None, None, None) == (None, None)


def test_secrets_are_hashes_that_tell_only_whether_they_are_the_same() -> None:
    sides = difference(
        {"password": "one", "n": {"api_key": "k"}}, {"password": "two", "n": {"api_key": "k", "x": 1}}, KEY
    )
    before, after = sides
    assert before is not None
    assert after is not None
    assert before["password"] != after["password"]
    assert before["n"]["api_key"] == after["n"]["api_key"]
    assert "one" not in str(sides)
    shown, _ = difference({"password": "one", "kept": SecretStr("two"), "token": None}, None, None)
    assert shown == {"password": REDACTED, "kept": REDACTED, "token": None}
    other, _ = difference({"password": "one"}, None, b"another key")
    assert other != {"password": before["password"]}


@pytest.mark.parametrize("key", [KEY, None], ids=["hashed", "without a key"])
@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2"},
        {"smtp": {"password": "hunter2"}},
        {"smtp": {"login": {"name": "ada", "password": "hunter2"}}},
        {"channels": [{"url": "https://example.org", "token": "hunter2"}]},
        {"channels": ({"deep": [{"api_key": "hunter2"}]},)},
        {"smtp": {"login": SecretStr("hunter2")}},
        {"smtp": [SecretStr("hunter2")]},
        {"smtp": {"password": {"old": ["hunter2"]}}},
    ],
)
def test_a_secret_at_any_depth_is_not_in_the_log(value: dict[str, Any], key: bytes | None) -> None:
    for before, after in ((None, value), (value, None), ({"other": 1}, value), (value, dict.fromkeys(value))):
        shown = json.dumps(difference(before, after, key))
        assert "hunter2" not in shown
        assert ("hmac-sha256:" if key else REDACTED) in shown


def test_a_changed_secret_shows_as_changed_even_without_a_key() -> None:
    assert difference({"password": "a", "b": 1}, {"password": "b", "b": 1}, None) == (
        {"password": REDACTED},
        {"password": REDACTED},
    )


class _Color(StrEnum):
    RED = "red"


def test_values_are_shown_as_json() -> None:
    shown, _ = difference(
        {
            "id": UUID(int=7),
            "at": datetime(2026, 5, 4, tzinfo=UTC),
            "for": timedelta(seconds=90),
            "sum": Decimal("1.10"),
            "nan": float("nan"),
            "color": _Color.RED,
            "set": {"b", "a"},
            "raw": b"x",
            "nul": "a\x00b\ud800",
        },
        None,
        KEY,
    )
    assert shown == {
        "id": "00000000-0000-0000-0000-000000000007",
        "at": "2026-05-04T00:00:00+00:00",
        "for": 90.0,
        "sum": "1.10",
        "nan": "nan",
        "color": "red",
        "set": ["a", "b"],
        "raw": "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "nul": "a\ufffdb?",
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), values), st.dictionaries(st.text(), values))
def test_whatever_is_told_can_be_stored(before: dict[str, Any], after: dict[str, Any]) -> None:
    for side in difference(before, after, KEY):
        stored = json.dumps(side, allow_nan=False, ensure_ascii=False)
        stored.encode()
        assert "\\u0000" not in stored


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_stored_and_is_left_alone_when_it_could_be(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned
    assert len(clean(text * 3 + "x" * MAX_TEXT)) == MAX_TEXT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada", "ada"),
        ("Ada Löw 💣", "Ada Löw 💣"),
        ("ada\r\n2026-01-01 root logged in", "ada\ufffd\ufffd2026-01-01 root logged in"),
        ("a\x00b\x1b[2Kc\x9bd\x7f", "a\ufffdb\ufffd[2Kc\ufffdd\ufffd"),
        ("a\u2028b\u202egnp.exe\u2066", "a\ufffdb\ufffdgnp.exe\ufffd"),
        ("\ud800", "\ufffd"),
        ("x" * (MAX_LABEL - 1), "x" * (MAX_LABEL - 1)),
        ("x" * 10**6, "x" * (MAX_LABEL - 1) + "…"),
    ],
)
def test_a_name_is_one_line_that_reads_as_it_is_stored(text: str, expected: str) -> None:
    assert label(text) == expected


@given(st.text(st.characters(codec=None)))
def test_a_name_can_be_printed(text: str) -> None:
    shown = label(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert label(shown) == shown


def test_a_difference_of_any_size_is_stored_bounded() -> None:
    assert stored(None) is None
    assert stored({"a": "b\r\n"}) == '{"a": "b\\r\\n"}'
    long = stored({f"column_{n}": "x" * 1000 for n in range(1000)})
    assert long is not None
    assert len(long) < 200
    assert json.loads(long).keys() == {"omitted", "characters", "sha256"}
    whole = {"a": "x" * (MAX_SIDE - 10)}
    assert json.loads(stored(whole) or "") == whole


def test_how_long_texts_names_and_sides_are() -> None:
    assert clean("x" * 10_000) == "x" * 10_000
    assert clean("x" * 10_001) == "x" * 9_999 + "…"
    assert label("x" * 512) == "x" * 512
    assert label("x" * 513) == "x" * 511 + "…"
    fits = {"a": "x" * (256 * 1024 - len('{"a": ""}'))}
    assert stored(fits) == json.dumps(fits)
    assert "omitted" in json.loads(stored({"a": fits["a"] + "x"}) or "")
