"""What a replay yields: events with their times, fields, event types and tags."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.addons.timestamps.parsed import ParsedTime


@dataclass(frozen=True)
class ReplayedEvent:
    """One event. `line` is the line of the sample in which the event begins, from 1.

    `fields` holds each field's values in the order of extraction; search-time names, aliases and evals included.
    `extracted` are the fields that an extraction, and not an alias, eval or lookup, has yielded.
    """

    raw: str
    line: int
    time: ParsedTime | None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extracted: frozenset[str] = frozenset()
    eventtypes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sourcetype: str = ""
    problems: tuple[str, ...] = ()
