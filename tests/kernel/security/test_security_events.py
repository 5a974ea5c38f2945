"""Telling of an event is free of consequences for whoever tells it, and bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.kernel.security.security_events import EventKind, SecurityEvents
from app.kernel.telemetry.metrics import SECURITY_EVENTS_DROPPED

START = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def ticking(*seconds: float) -> Iterator[datetime]:
    return (START + timedelta(seconds=each) for each in seconds)


def test_a_flood_is_one_entry_per_minute_with_a_count() -> None:
    times = ticking(0, 1, 2, 29, 30, 31)
    events = SecurityEvents(clock=lambda: next(times))
    for number in range(6):
        events.note(EventKind.CSRF, address="203.0.113.9", subject="user:1", detail={"number": number})
    first, second = events.take()
    assert (first.count, first.first_at, first.last_at) == (4, START, START + timedelta(seconds=29))
    assert (second.count, second.minute) == (2, datetime(2026, 1, 1, 12, 1, tzinfo=UTC))
    assert (first.detail, second.detail) == ({"number": 0}, {"number": 4})
    assert events.take() == []


def test_kinds_addresses_and_subjects_are_apart() -> None:
    events = SecurityEvents(clock=lambda: START)
    for kind, address, subject in [("a", "x", None), ("b", "x", None), ("a", "y", None), ("a", "x", "user:1")] * 2:
        events.note(kind, address=address, subject=subject)
    assert [event.count for event in events.take()] == [2, 2, 2, 2]


def test_what_finds_no_room_is_counted() -> None:
    events = SecurityEvents(max_waiting=3)
    before = SECURITY_EVENTS_DROPPED._value.get()
    for number in range(10):
        events.note("x", address=str(number))
    assert len(events.take()) == 3
    assert SECURITY_EVENTS_DROPPED._value.get() == before + 7


def test_telling_never_raises() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise ZeroDivisionError

    def broken() -> Any:
        raise ZeroDivisionError

    events = SecurityEvents()
    events.note("x", detail={"no": Hostile(), "nothing": [Hostile()]})
    events.note("x", address=["a list"])  # type: ignore[arg-type]
    events.note(Hostile())  # type: ignore[arg-type]
    SecurityEvents(clock=broken).note("x")
    assert [event.detail for event in events.take()] == [{"no": "<Hostile>", "nothing": ["<Hostile>"]}]


def test_details_are_masked_and_bounded() -> None:
    events = SecurityEvents()
    key = "spy_abcdefghijkl_" + "s" * 43
    events.note("k" * 1000, address="a" * 1000, subject="s\n" * 1000, detail={"password": "x", "text": key * 1000})
    (event,) = events.take()
    assert (len(event.kind), len(event.address or ""), len(event.subject or "")) == (200, 200, 200)
    assert event.detail["password"] == "[redacted]"
    assert "ssss" not in event.detail["text"]


def test_what_could_not_be_written_waits_again() -> None:
    events = SecurityEvents(clock=lambda: START, max_waiting=2)
    for address in ("1", "1", "1", "2"):
        events.note("x", address=address)
    taken = events.take()
    events.note("x", address="1")
    events.note("x", address="3")
    before = SECURITY_EVENTS_DROPPED._value.get()
    events.give_back(taken)
    assert {event.address: event.count for event in events.take()} == {"1": 4, "3": 1}
    assert SECURITY_EVENTS_DROPPED._value.get() == before + 1
