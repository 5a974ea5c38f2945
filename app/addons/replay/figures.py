"""The figures of a replay."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from app.addons.replay.cim import coverage
from app.addons.replay.events import ReplayedEvent
from app.addons.replay.indexing.times import Times
from app.addons.replay.progress import progress
from app.addons.replay.report import ExtractionProgress, ReplayReport, SlowPattern, UnmatchedEvent
from app.addons.replay.searching.inline import PREFIX
from app.addons.replay.searching.plan import SearchPlan
from app.addons.replay.settings.findings import Findings

MAX_UNMATCHED = 20
"""Events without any extraction that a report shows."""
MAX_EXTRACTIONS = 20
"""Extractions whose progress a report shows for one event."""
SHOWN_CHARACTERS = 2_000


def figures(
    events: Sequence[ReplayedEvent], plan: SearchPlan, times: Times, dropped: int, findings: Findings
) -> ReplayReport:
    """The report of the events; `plan` are the extractions of the sample's own source type."""
    fields = Counter(name for event in events for name in event.fields)
    unmatched = [event for event in events if not event.extracted][:MAX_UNMATCHED]
    return ReplayReport(
        events=len(events),
        boundaries=tuple(event.line for event in events),
        with_time=sum(event.time is not None for event in events),
        outside=sum(event.time is not None and times.is_outside(event.time) for event in events),
        with_extraction=sum(bool(event.extracted) for event in events),
        fields=dict(sorted(fields.items())),
        fields_per_event=sum(fields.values()) / len(events) if events else 0.0,
        dropped=dropped,
        unmatched=tuple(
            UnmatchedEvent(event.line, event.raw[:SHOWN_CHARACTERS], _progress(event.raw, plan)) for event in unmatched
        ),
        models=coverage(events),
        slow=tuple(SlowPattern(setting, texts) for setting, texts in sorted(findings.slow.items())),
        problems=tuple(findings.problems),
    )


def _progress(raw: str, plan: SearchPlan) -> tuple[ExtractionProgress, ...]:
    """How far each extraction from the raw text got in the event."""
    expressions = [
        (each.pattern.setting, each.expression, PREFIX) for each in plan.inline if each.source in {"", "_raw"}
    ]
    expressions += [
        (each.pattern.setting, each.pattern.regex.pattern, "")
        for each in plan.transforms
        if each.pattern is not None and each.source == "_raw"
    ]
    text = raw[:SHOWN_CHARACTERS]
    found = (progress(setting, expression, prefix, text) for setting, expression, prefix in expressions)
    return tuple(islice((each for each in found if each is not None), MAX_EXTRACTIONS))
