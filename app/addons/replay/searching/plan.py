"""What is done to the events of one source type, source and host when they are read, in Splunk's order.

Knowledge Manager manual, "The sequence of search-time operations": EXTRACT, REPORT, KV_MODE, FIELDALIAS, EVAL, LOOKUP.
"""

from collections.abc import Mapping

from app.addons.package.conf import ConfFile
from app.addons.package.files import Package
from app.addons.replay.eval.values import number_text
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.searching.aliases import alias_fields, field_aliases
from app.addons.replay.searching.automatic import AutomaticFields
from app.addons.replay.searching.calculated import calculate_fields, calculated_fields
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.searching.inline import extract_inline, inline_extractions
from app.addons.replay.searching.lookups import look_up, lookups
from app.addons.replay.searching.transforms import extract_by_transforms, search_transforms
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings


class SearchPlan:
    """The steps, compiled once."""

    def __init__(self, settings: Settings, transforms: ConfFile, package: Package, findings: Findings) -> None:
        self._findings = findings
        self.inline = inline_extractions(settings, findings)
        self.transforms = search_transforms(settings, transforms, findings)
        self._automatic = AutomaticFields(settings, findings)
        self._aliases = field_aliases(settings, findings)
        self._calculated = calculated_fields(settings, findings)
        self._lookups = lookups(settings, transforms, package, findings)

    def fields(self, event: IndexedEvent, defaults: Mapping[str, str]) -> EventFields:
        """The fields of the event after all steps; `defaults` are those that every event has."""
        fields = EventFields(dict(event.fields))
        extract_inline(self.inline, event.raw, defaults, fields, self._findings)
        extract_by_transforms(self.transforms, event.raw, defaults, fields, self._findings)
        fields.extract_again(self._automatic.found(event.raw), event.fields)
        alias_fields(self._aliases, fields)
        calculate_fields(self._calculated, defaults, fields, self._findings)
        look_up(self._lookups, defaults, fields)
        return fields


def default_fields(event: IndexedEvent) -> dict[str, str]:
    """The fields that every event has: host, source, sourcetype, _raw, and _time where there is a time."""
    found = {"host": event.host, "source": event.source, "sourcetype": event.sourcetype, "_raw": event.raw}
    if event.time is not None:
        found["_time"] = number_text(event.time.moment.timestamp())
    return {name: value for name, value in found.items() if value}
