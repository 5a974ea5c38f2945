"""The report of a check as plain JSON, for the API, the command and the file that is kept."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.addons.lint.findings import LintFinding
from app.addons.replay.patterns import SlowSetting
from app.addons.replay.report import ModelCoverage, Replay, UnmatchedEvent

MAX_EXAMPLES = 3
MAX_VALUE_CHARACTERS = 200
MAX_FIELDS = 500


def check_document(
    replayed: Replay, findings: Sequence[LintFinding], slow: Sequence[SlowSetting], faults: Sequence[str]
) -> dict[str, Any]:
    """The document: the verdict first, then events, time, fields, models, what was not read, what the lint found."""
    report = replayed.report
    return {
        "passed": not faults,
        "faults": list(faults),
        "events": report.events,
        "dropped": report.dropped,
        "time": {"share": round(report.time_share, 4), "with_time": report.with_time, "outside": report.outside},
        "extraction": {
            "share": round(report.extraction_share, 4),
            "fields_per_event": round(report.fields_per_event, 2),
            "fields": _fields(replayed),
        },
        "eventtypes": dict(sorted(Counter(name for event in replayed.events for name in event.eventtypes).items())),
        "tags": dict(sorted(Counter(name for event in replayed.events for name in event.tags).items())),
        "models": [_model(each) for each in report.models],
        "unmatched": [_unmatched(each) for each in report.unmatched],
        "slow_patterns": [{"setting": each.setting, "text": each.text[:MAX_VALUE_CHARACTERS]} for each in slow],
        "problems": list(report.problems),
        "lint": [_finding(each) for each in findings],
    }


def _fields(replayed: Replay) -> list[dict[str, Any]]:
    """Each field with the events that have a value, the most frequent first, and some values."""
    examples: dict[str, dict[str, None]] = {}
    for event in replayed.events:
        for name, values in event.fields.items():
            seen = examples.setdefault(name, {})
            if len(seen) < MAX_EXAMPLES:
                seen.update((value[:MAX_VALUE_CHARACTERS], None) for value in values[:1])
    counts = sorted(replayed.report.fields.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        {"name": name, "events": count, "examples": list(examples.get(name, ()))[:MAX_EXAMPLES]}
        for name, count in counts[:MAX_FIELDS]
    ]


def _model(coverage: ModelCoverage) -> dict[str, Any]:
    return {
        "model": coverage.model,
        "events": coverage.events,
        "required": dict(coverage.present),
        "recommended": dict(coverage.recommended),
    }


def _unmatched(event: UnmatchedEvent) -> dict[str, Any]:
    return {
        "line": event.line,
        "text": event.text[:MAX_VALUE_CHARACTERS],
        "got_to": [
            {
                "setting": each.setting,
                "matched": each.matched[:MAX_VALUE_CHARACTERS],
                "failing": each.failing[:MAX_VALUE_CHARACTERS],
                "position": each.position,
                "near": each.near[:MAX_VALUE_CHARACTERS],
            }
            for each in event.progress
        ],
    }


def _finding(finding: LintFinding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "path": finding.path,
        "line": finding.line,
        "stanza": finding.stanza,
        "key": finding.key,
        "message": finding.message,
        "example": finding.example,
    }
