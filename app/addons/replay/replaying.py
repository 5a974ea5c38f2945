"""Replay of a package over a sample: what Splunk would make of the sample, in Splunk's order."""

from collections import Counter
from datetime import UTC, datetime

from app.addons.package.conf import conf_settings
from app.addons.package.files import Package
from app.addons.replay.events import ReplayedEvent
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.indexing.reading import Origin, indexed_events
from app.addons.replay.indexing.times import Times
from app.addons.replay.report import Replay, ReplayReport, SlowPattern
from app.addons.replay.searching.plan import SearchPlan
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import effective_settings, first_sourcetype


def replay(
    package: Package,
    sample: str,
    *,
    sourcetype: str | None = None,
    source: str = "sample.log",
    host: str = "",
    reference: datetime | None = None,
) -> Replay:
    """The events that Splunk would show of the sample, and the figures.

    Without a source type that of the package's first stanza of one is taken. `reference` is the aware time of reading,
    without it the present. No package and no sample raises: what is wrong is a problem of the report.
    """
    props, findings = conf_settings(package, "props"), Findings()
    origin = Origin(first_sourcetype(props) if sourcetype is None else sourcetype, source, host)
    settings = effective_settings(props, origin.sourcetype, source, host)
    times = Times(settings, reference or datetime.now(UTC), findings)
    plan = SearchPlan(settings, conf_settings(package, "transforms"), findings)
    events = tuple(_searched(event, plan) for event in indexed_events(sample, origin, settings, times, findings))
    return Replay(events, _report(events, times, findings))


def _searched(event: IndexedEvent, plan: SearchPlan) -> ReplayedEvent:
    fields = plan.fields(event)
    return ReplayedEvent(
        event.raw,
        event.line,
        event.time,
        fields.values,
        frozenset(fields.extracted | event.fields.keys()),
        sourcetype=event.sourcetype,
    )


def _report(events: tuple[ReplayedEvent, ...], times: Times, findings: Findings) -> ReplayReport:
    fields = Counter(name for event in events for name in event.fields)
    return ReplayReport(
        events=len(events),
        boundaries=tuple(event.line for event in events),
        with_time=sum(event.time is not None for event in events),
        outside=sum(event.time is not None and times.is_outside(event.time) for event in events),
        with_extraction=sum(bool(event.extracted) for event in events),
        fields=dict(sorted(fields.items())),
        fields_per_event=sum(fields.values()) / len(events) if events else 0.0,
        slow=tuple(SlowPattern(setting, texts) for setting, texts in sorted(findings.slow.items())),
        problems=tuple(findings.problems),
    )
