"""Answers of searches: read, or refused with a word; of any shape."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.sandbox.events import SandboxEvent
from app.addons.sandbox.results import MAX_EVENTS, NotUnderstoodError, found_count, found_events, message_of
from tests.addons.sandbox.splunk_server import lines, said


def test_events_are_read() -> None:
    body = lines({"_raw": "a", "spyne_time": "12.5", "user": "bob", "to": ["x", "a"], "host": "m", "index": "i"})
    assert found_events(body, "m") == (SandboxEvent("a", 12.5, {"user": ("bob",), "to": ("a", "x")}),)


def test_a_host_that_a_package_gives_is_a_field_of_its() -> None:
    (event,) = found_events(lines({"_raw": "a", "host": "gw1"}), "m")
    assert event.fields == {"host": ("gw1",)}


@pytest.mark.parametrize("time", [None, "", "x", "nan", "inf", 5, ["1"], "1e999"])
def test_what_is_no_time_is_none(time: Any) -> None:
    (event,) = found_events(lines({"_raw": "a", "spyne_time": time}), "m")
    assert event.time is None


def test_previews_and_remarks_are_no_events() -> None:
    body = b'{"preview":true,"result":{"_raw":"a"}}\n\n{"lastrow":true}\n{"messages":[{"type":"INFO","text":"x"}]}\n'
    assert found_events(body, "m") == ()


WRONG: dict[str, tuple[bytes, str]] = {
    "HTML": (b"<html>", "no JSON"),
    "half of it": (b'{"result":{"_raw"', "no JSON"),
    "no UTF-8": (b'{"a":"\xff\xfe"}', "no JSON"),
    "nested deeply": (b"[" * 100_000, "no JSON"),
    "a list": (b"[1]", "no JSON object"),
    "a number": (b"1", "no JSON object"),
    "an event without a text": (lines({"user": "bob"}), "has no text"),
    "a text that is none": (lines({"_raw": 5}), "has no text"),
    "a failure": (said("Search not executed: disk is full", "FATAL"), "disk is full"),
    "an error behind events": (lines({"_raw": "a"}) + said("The search was cancelled"), "was cancelled"),
    "too many": (lines({"_raw": "a"}) * (MAX_EVENTS + 1), "more than"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_answer_is_said(name: str) -> None:
    body, word = WRONG[name]
    with pytest.raises(NotUnderstoodError, match=word):
        found_events(body, "m")


@pytest.mark.parametrize("count", [None, "x", "-1", "9" * 5_000, "1.5", 1.5, [], "\u0663x"])
def test_a_count_is_a_count(count: Any) -> None:
    with pytest.raises(NotUnderstoodError):
        found_count(lines({"count": count}))
    assert found_count(lines({"count": "12"})) == 12


def test_a_message_is_shown_on_one_line() -> None:
    message = message_of(said("In handler\n'conf-props': \x1b[31mno " + "x" * 500))
    assert message.startswith(" It says: In handler 'conf-props':  [31mno xxx")
    assert len(message) == len(" It says: ") + 200
    for body in (b"", b"<html>", b"[]", b"5", b'{"messages":5}', b'{"messages":[5]}', b"[" * 100_000):
        assert message_of(body) == ""


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["result", "_raw", "messages", "type", "text", "preview", "count"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(documents, max_size=4))
def test_no_shape_is_more_than_refused(shapes: list[Any]) -> None:
    body = b"\n".join(json.dumps(shape).encode() for shape in shapes)
    for read in (lambda: found_events(body, "m"), lambda: found_count(body), lambda: message_of(body)):
        with contextlib.suppress(NotUnderstoodError):
            read()
