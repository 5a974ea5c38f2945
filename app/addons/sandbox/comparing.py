"""In what the events that Splunk shows differ from those of the replay. Pure."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.addons.sandbox.events import CLASSES, SandboxEvent

MAX_DIFFERENCES: Final = 50
"""Differences that are listed; all are counted."""
MAX_TEXT: Final = 200
TIME_SECONDS: Final = 0.001
"""Times that are nearer to each other are the same: Splunk shows microseconds of a binary fraction."""
ZONE_SECONDS: Final = 900
"""Offsets of zones are quarters of an hour (tz database), up to 14 hours."""
FARTHEST_ZONE_SECONDS: Final = 14 * 3600


class DifferenceKind(StrEnum):
    """What differs."""

    MISSING = "missing"
    """An event of the replay that Splunk does not show: it is cut elsewhere, or was dropped."""
    ADDITIONAL = "additional"
    """An event that Splunk shows and the replay does not have."""
    TIME = "time"
    """The time of an event."""
    FIELD = "field"
    """The values of a field of an event."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `line` is the line of the sample, None for an event that only Splunk shows."""

    kind: DifferenceKind
    line: int | None
    text: str
    """The event, cut to length."""
    field: str | None = None
    replayed: str | None = None
    splunk: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Events with the same text on both sides, and what differs: the first differences, and how many of each kind."""

    paired: int
    differences: tuple[Difference, ...]
    counts: Mapping[str, int]


def compare(replayed: Sequence[SandboxEvent], found: Sequence[SandboxEvent]) -> Comparison:
    """How the events differ. They are paired by their text; those with the same text in the order of their times."""
    waiting: dict[str, deque[SandboxEvent]] = defaultdict(deque)
    for event in sorted(found, key=lambda each: each.time or 0.0):
        waiting[event.raw].append(event)
    listed: list[Difference] = []
    counts: Counter[str] = Counter()
    paired = 0

    def note(difference: Difference) -> None:
        counts[difference.kind.value] += 1
        if len(listed) < MAX_DIFFERENCES:
            listed.append(difference)

    for event in replayed:
        if not waiting[event.raw]:
            note(Difference(DifferenceKind.MISSING, event.line, event.raw[:MAX_TEXT]))
            continue
        paired += 1
        for difference in _differences(event, waiting[event.raw].popleft()):
            note(difference)
    for rest in waiting.values():
        for event in rest:
            note(Difference(DifferenceKind.ADDITIONAL, None, event.raw[:MAX_TEXT]))
    return Comparison(paired, tuple(listed), dict(sorted(counts.items())))


def _differences(replayed: SandboxEvent, found: SandboxEvent) -> Iterator[Difference]:
    text = replayed.raw[:MAX_TEXT]
    if not _same_time(replayed, found):
        yield Difference(DifferenceKind.TIME, replayed.line, text, None, _said(replayed.time), _said(found.time))
    for name in sorted(replayed.fields.keys() | found.fields.keys()):
        ours, theirs = replayed.fields.get(name, ()), found.fields.get(name, ())
        if not _same_values(name, ours, theirs):
            yield Difference(DifferenceKind.FIELD, replayed.line, text, name[:MAX_TEXT], _joined(ours), _joined(theirs))


def _same_time(replayed: SandboxEvent, found: SandboxEvent) -> bool:
    """Whether the times are one.

    An event without a time gets one from its neighbours or the clock. One that names no zone is read in the zone of
    the server, which is not known here: then a difference of whole quarters of an hour is the zone's.
    """
    if replayed.time is None:
        return True
    if found.time is None:
        return False
    apart = abs(replayed.time - found.time)
    if not replayed.zone_known and apart <= FARTHEST_ZONE_SECONDS:
        apart = abs(apart - round(apart / ZONE_SECONDS) * ZONE_SECONDS)
    return apart < TIME_SECONDS


def _same_values(name: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether the values are the same; event types and tags that other apps of the server give are no difference."""
    return set(ours) <= set(theirs) if name in CLASSES else ours == theirs


def _said(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.3f}"


def _joined(values: tuple[str, ...]) -> str | None:
    return ", ".join(values)[:MAX_TEXT] if values else None
