"""From a sample to indexed events, in the order of Splunk's pipelines.

Parsing (LINE_BREAKER, TRUNCATE, header fields), merging (lines to events, times), typing (SEDCMD, TRANSFORMS).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.addons.replay.indexing.breaking import broken
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.indexing.merging import Merging
from app.addons.replay.indexing.structured import Record, StructuredFile
from app.addons.replay.indexing.times import Times
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import quoted_list, switch


@dataclass(frozen=True)
class Origin:
    """Where a sample comes from, as the input says."""

    sourcetype: str
    source: str
    host: str


def indexed_events(
    sample: str, origin: Origin, settings: Settings, times: Times, findings: Findings
) -> Iterator[IndexedEvent]:
    """The events of the sample with their times and header fields, before sed commands and transforms."""
    structured = StructuredFile(settings, findings)
    lines = broken(sample, settings, findings)
    if switch(settings.values, "SHOULD_LINEMERGE", default=not structured.is_structured):
        lines = Merging(settings, times.has_date, findings).merged(lines)
    stamped = quoted_list(settings.values.get("TIMESTAMP_FIELDS", "").strip("[]"))
    records = structured.records(lines) if structured.is_structured else (Record(line, {}) for line in lines)
    for record in records:
        text = _time_text(record, stamped)
        yield IndexedEvent(
            record.line.text,
            record.line.number,
            times.find(text) if text else None,
            origin.sourcetype,
            origin.source,
            origin.host,
            record.fields,
        )


def _time_text(record: Record, stamped: tuple[str, ...]) -> str:
    """The text in which the time is looked for: the fields of TIMESTAMP_FIELDS where they are there, else the event."""
    joined = " ".join(record.fields[name][0] for name in stamped if name in record.fields)
    return joined or record.line.text
