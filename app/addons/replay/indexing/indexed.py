"""An event as it is written to an index."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.addons.timestamps.parsed import ParsedTime


@dataclass(frozen=True)
class IndexedEvent:
    """One event; `fields` are the indexed fields, `line` the line of the sample in which the event begins, from 1."""

    raw: str
    line: int
    time: ParsedTime | None
    sourcetype: str
    source: str
    host: str
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
