"""What a replay finds, as figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.addons.replay.events import ReplayedEvent


@dataclass(frozen=True)
class ExtractionProgress:
    """How far an extraction got in an event that it does not match.

    `matched` is the longest beginning of the expression, cut between tokens, that matches; `failing` the token behind,
    `position` where in the event the matched text ends (from 0), `near` the event's text from there.
    """

    setting: str
    matched: str
    failing: str
    position: int
    near: str


@dataclass(frozen=True)
class UnmatchedEvent:
    """An event from which nothing was extracted: where it begins, and how far each extraction got."""

    line: int
    text: str
    progress: tuple[ExtractionProgress, ...] = ()


@dataclass(frozen=True)
class ModelCoverage:
    """The fields that a data model of the CIM wants, for the events whose tags put them into the model.

    `present` says in how many of these events each required field has a value, `recommended` the same of the others.
    """

    model: str
    events: int
    present: Mapping[str, int] = field(default_factory=dict)
    recommended: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SlowPattern:
    """An expression that hit MATCH_LIMIT or DEPTH_LIMIT, the setting in which it stands, and in how many texts."""

    setting: str
    texts: int


@dataclass(frozen=True)
class ReplayReport:
    """The figures of a replay; shares are of the events, from 0 to 1.

    `boundaries` are the lines of the sample in which events begin. `outside` are events whose time Splunk would not
    take by MAX_DAYS_AGO or MAX_DAYS_HENCE, seen from the time of the replay. `fields` says in how many events each
    field has a value.
    """

    events: int = 0
    boundaries: tuple[int, ...] = ()
    with_time: int = 0
    outside: int = 0
    with_extraction: int = 0
    fields: Mapping[str, int] = field(default_factory=dict)
    fields_per_event: float = 0.0
    dropped: int = 0
    unmatched: tuple[UnmatchedEvent, ...] = ()
    models: tuple[ModelCoverage, ...] = ()
    slow: tuple[SlowPattern, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def time_share(self) -> float:
        """The share of events with a time; 0 where there are no events."""
        return self.with_time / self.events if self.events else 0.0

    @property
    def extraction_share(self) -> float:
        """The share of events from which at least one field was extracted; 0 where there are no events."""
        return self.with_extraction / self.events if self.events else 0.0


@dataclass(frozen=True)
class Replay:
    """The events and the figures."""

    events: tuple[ReplayedEvent, ...]
    report: ReplayReport
