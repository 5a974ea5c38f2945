"""What splunk-appinspect's report says. The report comes from a program over hostile files: any shape is expected."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MAX_REPORT_BYTES: Final = 16 * 1024 * 1024
"""252 checks with at most 25 messages each make some hundred kilobytes."""
MAX_CHECKS: Final = 200
MAX_TEXT: Final = 1_000
_COUNTED: Final = ("error", "failure", "future_failure", "warning", "skipped", "not_applicable", "success")
_FATAL: Final = ("error", "failure")
_SHOWN: Final = frozenset({"error", "failure", "future_failure", "warning"})


class InspectionStatus(StrEnum):
    """How an inspection ended."""

    PASSED = "passed"
    """No error and no failure."""
    FAILED = "failed"
    """The checker refuses the package."""
    SKIPPED = "skipped"
    """There is no checker."""
    BROKEN = "broken"
    """The checker crashed, ran out of time or memory, or wrote no report."""


@dataclass(frozen=True)
class InspectedCheck:
    """One message of a check that did not pass. `result` is error, failure, future_failure or warning."""

    name: str
    result: str
    message: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Inspection:
    """The outcome; `reason` says why there is none, or why the checker is not believed."""

    status: InspectionStatus
    reason: str | None = None
    version: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[InspectedCheck, ...] = ()


def read_report(content: bytes) -> Inspection:
    """The outcome that the report states; `broken` for anything that is no report. Nothing raises."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Inspection(InspectionStatus.BROKEN, "The report of splunk-appinspect is no JSON.")
    reports = _mappings(_of(document, "reports"))
    version = next((_text(_of(_of(each, "run_parameters"), "appinspect_version")) for each in reports), None)
    checks = [check for report in reports for group in _mappings(_of(report, "groups")) for check in _checks(group)]
    if not checks:
        return Inspection(InspectionStatus.BROKEN, "The report of splunk-appinspect names no check.", version or None)
    counts = {name: sum(_text(each.get("result")) == name for each in checks) for name in _COUNTED}
    failed = any(counts[name] for name in _FATAL) or any(_count(document, name) for name in _FATAL)
    status = InspectionStatus.FAILED if failed else InspectionStatus.PASSED
    shown = sorted((each for check in checks for each in _messages(check)), key=lambda each: _rank(each.result))
    return Inspection(status, None, version or None, counts, tuple(shown[:MAX_CHECKS]))


def _rank(result: str) -> int:
    return _COUNTED.index(result)


def _checks(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _mappings(group.get("checks"))


def _messages(check: Mapping[str, Any]) -> Iterator[InspectedCheck]:
    """The messages of a check that did not pass; one without text where the check gives none."""
    result = _text(check.get("result"))
    if result not in _SHOWN:
        return
    name = _text(check.get("name"))
    messages = [each for each in _mappings(check.get("messages")) if _text(each.get("result")) in _SHOWN]
    if not messages:
        yield InspectedCheck(name, result, _text(check.get("description")))
    for each in messages:
        file = _text(each.get("message_filename"))
        line = each.get("message_line")
        number = line if isinstance(line, int) and not isinstance(line, bool) and line > 0 else None
        known = file if file not in ("", "None") else None
        yield InspectedCheck(name, _text(each.get("result")), _text(each.get("message")), known, number)


def _count(document: Any, name: str) -> int:
    counted = _of(_of(document, "summary"), name)
    return counted if isinstance(counted, int) else 0


def _of(document: Any, key: str) -> Any:
    return document.get(key) if isinstance(document, dict) else None


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """The text without what cannot be shown, cut to length; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:MAX_TEXT])
