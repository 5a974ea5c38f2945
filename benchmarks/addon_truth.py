"""Log sources with expected values, split into events to generate from and events to score, and the score itself.

A folder has `index.json` and for each source `sample.log` and `events.jsonl`: of every event its raw text, its time,
expected field values, and which of these stand in the text literally. Sorted by their number `i`, the events with
i % 5 in (0, 2, 4) are generated from, the others are scored. A source of fewer than four events scores all events
that are not the first: with three events, one is generated from and two are scored.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.addons.replay.events import ReplayedEvent
from app.addons.timestamps.parsed import ParsedTime

GENERATING = (0, 2, 4)
FEW_EVENTS = 4
_FRACTION = re.compile(r"\.(\d+)")
_MICROSECONDS = 6
_NOT_WORD = re.compile(r"[^a-z0-9]+")

FAMILIES = (
    ("JSON", ("json",)),
    ("multi-line", ("multi-line",)),
    ("XML/CEF", ("xml", "cef", "leef")),
    ("delimited", ("csv", "tsv", "psv", "w3c", "delimited")),
    ("access logs", ("access", "http")),
    ("key=value", ("key=value", "logfmt")),
)
"""Families of formats, by words of the index's format text; the first that fits. All others are free text."""


@dataclass(frozen=True)
class TrueEvent:
    """What an event is known to be."""

    raw: str
    fields: Mapping[str, str]
    literal: tuple[str, ...]
    time: str = ""
    year_in_raw: bool = True


@dataclass(frozen=True)
class Source:
    """One source, split."""

    name: str
    format: str
    header: tuple[str, ...]
    generating: tuple[TrueEvent, ...]
    scored: tuple[TrueEvent, ...]

    @property
    def family(self) -> str:
        """The family of the format."""
        text = self.format.lower()
        return next((family for family, words in FAMILIES if any(word in text for word in words)), "free text")

    @property
    def is_json(self) -> bool:
        """Whether the format is of JSON events."""
        return self.format.startswith("JSON")

    def text(self, events: Sequence[TrueEvent]) -> str:
        """A sample of these events, the lines of the header before them."""
        return "\n".join((*self.header, *(event.raw for event in events))) + "\n"


def sources(folder: Path, names: Sequence[str] = ()) -> Iterator[Source]:
    """The sources of the folder, or those of the names."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for entry in index["sources"]:
        if not names or entry["name"] in names:
            yield _source(folder / entry["name"], entry)


def _source(folder: Path, entry: Mapping[str, Any]) -> Source:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").split("\n")
    documents = sorted((json.loads(line) for line in lines if line.strip()), key=lambda each: each["i"])
    events = [_event(document) for document in documents]
    numbers = range(len(events))
    chosen = [i for i in numbers if i % 5 in GENERATING] if len(events) >= FEW_EVENTS else [0]
    return Source(
        entry["name"],
        entry["format"],
        _header((folder / "sample.log").read_text(encoding="utf-8"), events),
        tuple(events[i] for i in chosen),
        tuple(events[i] for i in numbers if i not in chosen),
    )


def _event(document: Mapping[str, Any]) -> TrueEvent:
    return TrueEvent(
        document["raw"],
        {name: str(value) for name, value in document.get("fields", {}).items()},
        tuple(document.get("literal", ())),
        document.get("time") or "",
        document.get("year_in_raw", True),
    )


def _header(sample: str, events: Sequence[TrueEvent]) -> tuple[str, ...]:
    """Lines of no event that begin with `#`, each once, or a first line of names."""
    known = {line.rstrip() for event in events for line in event.raw.split("\n")}
    others = [line.rstrip("\r") for line in sample.split("\n") if line.strip() and line.rstrip() not in known]
    marked = dict.fromkeys(line for line in others if line.startswith("#"))
    if marked:
        return tuple(marked)
    return tuple(others[:1]) if others and sample.startswith(others[0]) else ()


@dataclass(frozen=True)
class Score:
    """Counts of one source, right ones and all, and what was wrong (at most a few of each)."""

    boundaries: tuple[int, int] = (0, 0)
    times: tuple[int, int] = (0, 0)
    values: tuple[int, int] = (0, 0)
    conflicts: tuple[int, int] = (0, 0)
    wrong: tuple[str, ...] = field(default=())


def share(counts: tuple[int, int]) -> float | None:
    """The share of right ones; None where there is nothing to be right about."""
    return counts[0] / counts[1] if counts[1] else None


def score(expected: Sequence[TrueEvent], replayed: Sequence[ReplayedEvent]) -> Score:
    """How right the replayed events are; a true event that is no replayed event has no time and no field right."""
    by_text: dict[str, list[ReplayedEvent]] = defaultdict(list)
    for each in reversed(replayed):
        by_text[each.raw.rstrip()].append(each)
    whole = timed = timed_right = values = found = clashes = 0
    wrong: list[str] = []
    for truth in expected:
        waiting = by_text.get(truth.raw.rstrip())
        event = waiting.pop() if waiting else None
        whole += event is not None
        if event is None:
            wrong.append(f"no event: {truth.raw[:160]!r}")
        if truth.time:
            right = event is not None and event.time is not None and same_time(truth, event.time)
            timed, timed_right = timed + 1, timed_right + right
            if not right:
                read = event.time.moment.isoformat() if event is not None and event.time is not None else None
                wrong.append(f"time {read} instead of {truth.time}: {truth.raw[:120]!r}")
        fields = event.fields if event is not None else {}
        all_values = {value.strip() for texts in fields.values() for value in texts}
        by_name = _by_name(fields)
        for name in truth.literal:
            value = truth.fields[name].strip()
            values, found = values + 1, found + (value in all_values)
            clash = bool(by_name.get(plain_name(name))) and value not in by_name[plain_name(name)]
            clashes += clash
            if clash:
                wrong.append(f"conflict {name}: {sorted(by_name[plain_name(name)])[:3]} instead of {value!r}")
            elif value not in all_values:
                wrong.append(f"missing {name}: {value[:100]!r}")
    return Score((whole, len(expected)), (timed_right, timed), (found, values), (clashes, values), tuple(wrong))


def plain_name(name: str) -> str:
    """The name in lower case with every other character than letters and digits as `_`."""
    return _NOT_WORD.sub("_", name.lower()).strip("_")


def _by_name(fields: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, values in fields.items():
        found[plain_name(name)] |= {value.strip() for value in values}
    return found


def same_time(truth: TrueEvent, read: ParsedTime) -> bool:
    """Whether the time is the true one, to the truth's precision.

    The same instant; the same wall clock where the truth has no zone; without the year where the text has none.
    """
    fraction = _FRACTION.search(truth.time)
    digits = min(_MICROSECONDS, len(fraction.group(1))) if fraction else 0
    text = truth.time.replace(fraction.group(0), f".{fraction.group(1)[:6]:0<6}") if fraction else truth.time
    expected = datetime.fromisoformat(text)
    moment = read.moment.astimezone(expected.tzinfo) if expected.tzinfo else read.moment.replace(tzinfo=None)
    unit = 10 ** (_MICROSECONDS - digits)
    left, right = (each.replace(microsecond=each.microsecond // unit * unit) for each in (moment, expected))
    if truth.year_in_raw:
        return left == right
    pattern = "%m-%d %H:%M:%S.%f"
    return left.strftime(pattern) == right.strftime(pattern)


def events_of_truth(expected: Sequence[TrueEvent]) -> list[ReplayedEvent]:
    """Replayed events made of the truth: what the score must find right in all."""
    found = []
    for line, truth in enumerate(expected, start=1):
        fields = {name: (truth.fields[name],) for name in truth.literal}
        text = _FRACTION.sub(lambda match: f".{match.group(1)[:6]:0<6}", truth.time)
        moment = datetime.fromisoformat(text) if truth.time else None
        time = None if moment is None else ParsedTime(moment.astimezone() if moment.tzinfo is None else moment, 0, 0)
        found.append(ReplayedEvent(truth.raw, line, time, fields, frozenset(fields)))
    return found
