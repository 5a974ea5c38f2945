"""Events as both sides have them: what the replay says of the sample, and what a search in Splunk shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from app.addons.replay.events import ReplayedEvent

CLASSES: Final = ("eventtype", "tag")
"""Fields in which Splunk shows the event types and tags of an event."""
_SET_BY_SPLUNK: Final = frozenset(
    [
        "index", "linecount", "punct", "source", "splunk_server", "splunk_server_group",
        "timeendpos", "timestartpos", "unix_category", "unix_group",
    ]
)  # fmt: skip
"""Default fields that no package makes (Knowledge Manager manual, "Use default fields")."""
_BEGINNINGS_OF_OTHERS: Final = ("_", "date_", "tag::", "spyne_")


@dataclass(frozen=True, slots=True)
class SandboxEvent:
    """One event. `time` is in seconds since 1970; None where the replay found none in the event.

    `fields` holds the values of each field that a package may make. `line` is the line of the sample in which the event
    begins, from 1; 0 for an event that Splunk shows. `zone_known` says whether the event's text names its zone.
    """

    raw: str
    time: float | None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    line: int = 0
    zone_known: bool = True

    @classmethod
    def of_replay(cls, event: ReplayedEvent) -> Self:
        """The event as the replay has it."""
        fields = dict(event.fields) | {"eventtype": event.eventtypes, "tag": event.tags}
        if event.sourcetype:
            fields["sourcetype"] = (event.sourcetype,)
        time = None if event.time is None else event.time.moment.timestamp()
        zone_known = event.time is None or event.time.zone_known
        return cls(event.raw, time, comparable(fields), event.line, zone_known)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """The event that `as_document` wrote."""
        fields = {name: tuple(values) for name, values in document["fields"].items()}
        return cls(document["raw"], document["time"], fields, document["line"], document["zone_known"])

    def as_document(self) -> dict[str, Any]:
        """The event as JSON."""
        return {
            "raw": self.raw,
            "time": self.time,
            "fields": {name: list(values) for name, values in self.fields.items()},
            "line": self.line,
            "zone_known": self.zone_known,
        }


def comparable(fields: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The fields that a package may make, in a stable order of values; without values that are empty."""
    kept = {name: tuple(sorted(filter(None, values))) for name, values in fields.items() if _is_of_package(name)}
    return {name: values for name, values in kept.items() if values}


def _is_of_package(name: str) -> bool:
    return name not in _SET_BY_SPLUNK and not name.startswith(_BEGINNINGS_OF_OTHERS)
