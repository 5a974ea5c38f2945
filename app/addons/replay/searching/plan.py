"""What is done to the events of one source type, source and host when they are read, in Splunk's order.

Knowledge Manager manual, "The sequence of search-time operations": EXTRACT, REPORT, KV_MODE, FIELDALIAS, EVAL, LOOKUP.
"""

from app.addons.package.conf import ConfFile
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.searching.automatic import AutomaticFields
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.searching.inline import extract_inline, inline_extractions
from app.addons.replay.searching.transforms import extract_by_transforms, search_transforms
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings


class SearchPlan:
    """The steps, compiled once."""

    def __init__(self, settings: Settings, transforms: ConfFile, findings: Findings) -> None:
        self._findings = findings
        self.inline = inline_extractions(settings, findings)
        self.transforms = search_transforms(settings, transforms, findings)
        self._automatic = AutomaticFields(settings, findings)

    def fields(self, event: IndexedEvent) -> EventFields:
        """The fields of the event after all steps."""
        fields = EventFields(dict(event.fields))
        defaults = {"host": event.host, "source": event.source, "sourcetype": event.sourcetype}
        extract_inline(self.inline, event.raw, defaults, fields, self._findings)
        extract_by_transforms(self.transforms, event.raw, defaults, fields, self._findings)
        fields.extract_again(self._automatic.found(event.raw), event.fields)
        return fields
