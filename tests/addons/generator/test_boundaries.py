"""Where events begin and end: single lines unless lines cannot be events; documents; blocks; comments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.reading.boundaries import SINGLE_LINES, find_boundaries

TRACE = [
    "2026-01-01 10:00:00 ERROR boom",
    "java.lang.Error: x",
    "\tat a.B.c(B.java:1)",
    "2026-01-01 10:00:01 INFO fine",
]
PYTHON = [
    "[2026-01-01 10:00:00,100] ERROR boom",
    "Traceback (most recent call last):",
    '  File "a.py", line 3, in f',
    "ValueError: 2026-02-02 is late",
    "[2026-01-01 10:00:01,200] INFO fine",
]
SLOW_QUERIES = [
    "# Time: 2026-01-01T10:00:00",
    "# Query_time: 0.2",
    "SELECT 1;",
    "# Time: 2026-01-01T10:00:09",
    "SELECT 2;",
]


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (["a b c", "d e f"], 2),
        (["Jan  1 10:00:00 h x: a", "Jan  1 10:00:01 h x: b"], 2),
        (TRACE, 2),
        (PYTHON, 2),
        (SLOW_QUERIES, 2),
        (["Jan  1 10:00:00 h x: a", "192.0.2.1 - - [01/Jan/2026:10:00:00 +0000] b"] * 3, 6),
        (["<Event a='1'>", " <b/>", "</Event>", "<Event a='2'>", "</Event>"], 2),
        (["<Event>1</Event>", "<Event>2</Event>"], 2),
        (["{", ' "a": 1', "}", "{", ' "a": 2', "}"], 2),
        (["[", '  {"a": 1},', '  {"a": 2}', "]"], 2),
        (['{"a": 1}', '{"a": 2}'], 2),
        (['{"a": 1}', "no document"], 2),
        (["CEF:0|a|b|c|d|e|1|x=2026-01-01T00:00:00", "Jan  1 10:00:00 h CEF:0|a|b|c|d|e|1|x=1"], 2),
    ],
)
def test_events_of_lines(lines: list[str], events: int) -> None:
    assert len(find_boundaries(lines).events) == events


def test_comments_are_no_events() -> None:
    found = find_boundaries(["#Version: 1.0", "#Fields: a b", "1 2", "#Fields: a b", "3 4"])
    assert found.events == ("1 2", "3 4")
    assert len(found.comments) == 3
    assert found.line_breaker == SINGLE_LINES


def test_a_sample_that_begins_inside_an_event_says_so() -> None:
    found = find_boundaries(["\tat a.B.c(B.java:1)", *TRACE])
    assert "middle of an event" in found.notes[0]


@settings(max_examples=200)
@given(st.lists(st.text(max_size=40).filter(lambda text: "\n" not in text), max_size=12))
def test_no_line_is_lost(lines: list[str]) -> None:
    found = find_boundaries(lines)
    kept = sum(event.count("\n") + 1 for event in found.events) + len(found.comments)
    assert kept >= sum(1 for line in lines if line.strip() and line.strip() not in ("[", "]") and "<?xml" not in line)
