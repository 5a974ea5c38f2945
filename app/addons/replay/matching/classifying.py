"""Event types and tags of events: eventtypes.conf and tags.conf."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from app.addons.package.conf import ConfFile
from app.addons.replay.matching.conditions import Condition, SearchError, parse_search
from app.addons.replay.matching.judging import satisfies
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.values import switch

MAX_EVENT_TYPES = 500
MAX_TAG_STANZAS = 5_000


@dataclass(frozen=True)
class Classes:
    """The event types and tags of one event, each in alphabetical order."""

    eventtypes: tuple[str, ...]
    tags: tuple[str, ...]


_NO_CLASSES = Classes((), ())


class Classifying:
    """Knows the event types of a package and the tags of field values.

    An event type may name others (`eventtype=other`) and tags that stand in an earlier stanza; priorities and colours
    are of no interest here.
    """

    def __init__(self, eventtypes: ConfFile, tags: ConfFile, findings: Findings) -> None:
        self._types: list[tuple[str, Condition]] = []
        for stanza in eventtypes.stanzas[:MAX_EVENT_TYPES]:
            if stanza.name == "default" or switch(stanza.settings, "disabled", default=False):
                continue
            try:
                self._types.append((stanza.name, parse_search(stanza.settings.get("search", ""))))
            except SearchError as error:
                findings.add(f"eventtypes.conf [{stanza.name}] search: {error}")
        self._tags: dict[tuple[str, str], tuple[str, ...]] = {}
        for stanza in tags.stanzas[:MAX_TAG_STANZAS]:
            field, equals, value = unquote(stanza.name).partition("=")
            if not equals:
                if stanza.name != "default":
                    findings.add(f"tags.conf [{stanza.name[:80]}]: no field=value")
                continue
            enabled = tuple(name for name in stanza.settings if switch(stanza.settings, name, default=False))
            self._tags[field, value] = enabled
        self._tagged_fields = frozenset(field for field, _ in self._tags)

    def classes(self, raw: str, fields: Mapping[str, tuple[str, ...]], defaults: Mapping[str, str]) -> Classes:
        """The event types whose search holds and the tags of the event's values."""
        if not self._types and not self._tags:
            return _NO_CLASSES
        known = {**{name: (value,) for name, value in defaults.items()}, **fields}
        tags = self._tags_of(known)
        found: list[str] = []
        for name, condition in self._types:
            known["eventtype"], known["tag"] = tuple(found), tuple(sorted(tags))
            if satisfies(condition, raw, known):
                found.append(name)
                tags |= set(self._tags.get(("eventtype", name), ()))
        return Classes(tuple(sorted(found)), tuple(sorted(tags)))

    def _tags_of(self, fields: Mapping[str, tuple[str, ...]]) -> set[str]:
        return {
            tag
            for field in self._tagged_fields
            for value in fields.get(field, ())
            for tag in self._tags.get((field, value), ())
        }
