"""What a difference is, and what is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.sandbox.comparing import MAX_DIFFERENCES, DifferenceKind, compare
from app.addons.sandbox.events import SandboxEvent, comparable


def event(
    raw: str = "a b", time: float | None = 100.0, *, line: int = 1, zone_known: bool = True, **fields: Any
) -> SandboxEvent:
    return SandboxEvent(raw, time, {name: tuple(values) for name, values in fields.items()}, line, zone_known)


SAME = {
    "nothing at all": ([], []),
    "equal": ([event(user=["bob"])], [event(user=["bob"])]),
    "microseconds": ([event(time=100.1234567)], [event(time=100.123457)]),
    "no time of its own": ([event(time=None)], [event(time=5.0)]),
    "another order": ([event("a"), event("b")], [event("b"), event("a")]),
    "the zone of the server": ([event(time=0.0, zone_known=False)], [event(time=-19_800.0)]),
    "the farthest zone": ([event(time=0.0, zone_known=False)], [event(time=14 * 3600.0)]),
    "lines that repeat": ([event(time=1.0), event(time=2.0)], [event(time=2.0), event(time=1.0)]),
    "an event type of another app": ([event(eventtype=["a"])], [event(eventtype=["a", "b"])]),
    "a tag of another app": ([event()], [event(tag=["error"])]),
}
DIFFERENT = {
    "an event is missing": ([event("a"), event("b")], [event("a")], {"missing": 1}),
    "an event is new": ([event("a")], [event("a"), event("a")], {"additional": 1}),
    "cut elsewhere": ([event("a\nb")], [event("a"), event("b")], {"missing": 1, "additional": 2}),
    "another time": ([event(time=100.0)], [event(time=101.0)], {"time": 1}),
    "no time": ([event(time=100.0)], [event(time=None)], {"time": 1}),
    "a zone that was named": ([event(time=0.0)], [event(time=3600.0)], {"time": 1}),
    "no quarter of an hour": ([event(time=0.0, zone_known=False)], [event(time=3601.0)], {"time": 1}),
    "beyond all zones": ([event(time=0.0, zone_known=False)], [event(time=15 * 3600.0)], {"time": 1}),
    "another value": ([event(user=["a"])], [event(user=["b"])], {"field": 1}),
    "a field less": ([event(user=["a"])], [event()], {"field": 1}),
    "a field more": ([event()], [event(user=["a"])], {"field": 1}),
    "a value more": ([event(user=["a"])], [event(user=["a", "a"])], {"field": 1}),
    "an event type less": ([event(eventtype=["a"])], [event()], {"field": 1}),
    "several": ([event(time=1.0, user=["a"])], [event(time=2.0, user=["b"])], {"time": 1, "field": 1}),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same(name: str) -> None:
    replayed, found = SAME[name]
    compared = compare(replayed, found)
    assert (compared.differences, compared.paired) == ((), len(replayed))


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs(name: str) -> None:
    replayed, found, counts = DIFFERENT[name]
    compared = compare(replayed, found)
    assert compared.counts == counts
    assert len(compared.differences) == sum(counts.values())


def test_a_difference_says_where_and_what() -> None:
    (one,) = compare([event(line=7, user=["a", "b"])], [event(user=["c"])]).differences
    assert (one.kind, one.line, one.text, one.field) == (DifferenceKind.FIELD, 7, "a b", "user")
    assert (one.replayed, one.splunk) == ("a, b", "c")


def test_many_are_counted_and_few_are_listed() -> None:
    compared = compare([event("x" * 10_000 + str(n)) for n in range(500)], [])
    assert (compared.counts, len(compared.differences)) == ({"missing": 500}, MAX_DIFFERENCES)
    assert max(len(each.text) for each in compared.differences) == 200


def test_fields_of_splunk_are_none_of_the_package() -> None:
    fields = {
        "_raw": ("x",), "index": ("i",), "date_hour": ("1",), "tag::eventtype": ("t",), "spyne_time": ("1",),
        "user": ("b", "", "a"), "empty": ("",), "sourcetype": ("acme",),
    }  # fmt: skip
    assert comparable(fields) == {"user": ("a", "b"), "sourcetype": ("acme",)}


names = st.sampled_from(["user", "src", "tag"])
events = st.builds(
    SandboxEvent,
    st.sampled_from(["a", "b", "c"]),
    st.none() | st.integers(0, 10).map(float),
    st.dictionaries(names, st.lists(st.sampled_from(["1", "2"]), min_size=1, max_size=2).map(sorted).map(tuple)),
    st.integers(1, 9),
    st.booleans(),
)


@given(st.lists(events, max_size=8))
def test_what_a_document_carries_is_the_same_event(replayed: list[SandboxEvent]) -> None:
    assert [SandboxEvent.of_document(each.as_document()) for each in replayed] == replayed


@given(st.lists(events, max_size=8), st.lists(events, max_size=8))
def test_every_event_is_paired_once_or_told(replayed: list[SandboxEvent], found: list[SandboxEvent]) -> None:
    compared = compare(replayed, found)
    assert compared.paired + compared.counts.get("missing", 0) == len(replayed)
    assert compared.paired + compared.counts.get("additional", 0) == len(found)
