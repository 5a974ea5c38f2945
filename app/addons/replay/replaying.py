"""Replay of a package over a sample: what Splunk would make of the sample, in Splunk's order.

At index time: LINE_BREAKER, SHOULD_LINEMERGE, header fields, times, SEDCMD, TRANSFORMS. When events are read: EXTRACT,
REPORT, KV_MODE, FIELDALIAS, EVAL, LOOKUP, event types, tags (Knowledge Manager manual, "The sequence of search-time
operations"; props.conf.spec).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from app.addons.package.conf import ConfFile, conf_settings
from app.addons.package.files import Package
from app.addons.replay.events import ReplayedEvent
from app.addons.replay.figures import figures
from app.addons.replay.indexing.indexed import IndexedEvent
from app.addons.replay.indexing.reading import Origin, indexed_events
from app.addons.replay.indexing.sed import edited, sed_commands
from app.addons.replay.indexing.times import Times
from app.addons.replay.indexing.transforming import index_transforms, transformed
from app.addons.replay.matching.classifying import Classifying
from app.addons.replay.report import Replay
from app.addons.replay.searching.plan import SearchPlan, default_fields
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import effective_settings, first_sourcetype

MAX_EVENTS = 1_000_000
"""Events of a sample that are read: a line breaker that matches everywhere makes one of each character."""
MAX_PLANS = 200
"""Source types, sources and hosts that transforms may give to events: beyond, an event is read with the first plan."""


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
    if not origin.sourcetype:
        findings.add("props.conf has no stanza of a source type")
    settings = effective_settings(props, origin.sourcetype, source, host)
    sample = without_surrogates(sample)
    times = Times(settings, reference or datetime.now(UTC), findings)
    transforms = conf_settings(package, "transforms")
    sed, at_index = sed_commands(settings, findings), index_transforms(settings, transforms, findings)
    reading = _Reading(package, props, transforms, origin, findings)
    events: list[ReplayedEvent] = []
    dropped = 0
    for indexed in indexed_events(sample, origin, settings, times, findings):
        if len(events) + dropped >= MAX_EVENTS:
            findings.add(f"the sample has more than {MAX_EVENTS} events; those behind are not read")
            break
        kept = transformed(_edited(indexed, edited(indexed.raw, sed, findings)), at_index, findings)
        if kept is None:
            dropped += 1
        else:
            events.append(reading.event(kept))
    plan = reading.plan(origin.sourcetype, source, host)
    return Replay(tuple(events), figures(events, plan, times, dropped, findings))


def without_surrogates(text: str) -> str:
    """The text with `?` for halves of surrogate pairs, which no expression of PCRE2 can be matched against."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def _edited(event: IndexedEvent, raw: str) -> IndexedEvent:
    if raw == event.raw:
        return event
    return IndexedEvent(raw, event.line, event.time, event.sourcetype, event.source, event.host, event.fields)


class _Reading:
    """Reads indexed events; plans are made once for each source type, source and host."""

    def __init__(
        self, package: Package, props: ConfFile, transforms: ConfFile, origin: Origin, findings: Findings
    ) -> None:
        self._package, self._props, self._transforms = package, props, transforms
        self._origin, self._findings = origin, findings
        self._plans: dict[tuple[str, str, str], SearchPlan] = {}
        self._renamed: dict[str, str] = dict(self._renames())
        self._classifying = Classifying(conf_settings(package, "eventtypes"), conf_settings(package, "tags"), findings)

    def _renames(self) -> Iterator[tuple[str, str]]:
        """Source types that are read under another name (props.conf.spec, rename)."""
        for stanza in self._props.stanzas:
            if stanza.settings.get("rename"):
                yield stanza.name, stanza.settings["rename"].strip()

    def plan(self, sourcetype: str, source: str, host: str) -> SearchPlan:
        """What is done to events of that source type, source and host."""
        key = (self._renamed.get(sourcetype, sourcetype), source, host)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MAX_PLANS:
                return next(iter(self._plans.values()))
            settings = effective_settings(self._props, *key)
            plan = SearchPlan(settings, self._transforms, self._package, self._findings)
            self._plans[key] = plan
        return plan

    def event(self, event: IndexedEvent) -> ReplayedEvent:
        """The event as a search shows it."""
        sourcetype = self._renamed.get(event.sourcetype, event.sourcetype)
        defaults = {**default_fields(event), "sourcetype": sourcetype}
        fields = self.plan(event.sourcetype, event.source, event.host).fields(event, defaults)
        classes = self._classifying.classes(event.raw, fields.values, defaults)
        values = fields.values
        if event.host and event.host != self._origin.host:
            values.setdefault("host", (event.host,))
        return ReplayedEvent(
            event.raw,
            event.line,
            event.time,
            values,
            frozenset(name for name in (*fields.extracted, *event.fields) if name in values),
            classes.eventtypes,
            classes.tags,
            sourcetype,
        )
