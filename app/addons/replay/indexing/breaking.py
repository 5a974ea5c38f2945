r"""How a sample is broken into lines: LINE_BREAKER and TRUNCATE (props.conf.spec, "Line breaking").

The text of the first capturing group is discarded: what stands before the group belongs to the line before, what
stands behind to the next. In a match in which the first group took no part the leftmost that did is the break; where
none did, the break is empty and stands before the match.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.addons.regexes import RegexMatch
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings
from app.addons.replay.settings.values import number

DEFAULT_BREAKER = r"([\r\n]+)"
DEFAULT_TRUNCATE = 10_000
"""Bytes of a line: props.conf.spec, TRUNCATE."""
_DEFAULT_BREAK = re.compile(r"[\r\n]+")
LOOKBEHIND = 100
"""What an expression sees before the place where the search begins: props.conf.spec, LINE_BREAKER_LOOKBEHIND."""
_WINDOW, _MARGIN = 2_048, 512
"""Characters: a search takes time in proportion to the text that is handed over, so a window is, which grows; a match
that ends within the margin of the window's end is looked for again in a wider one, as it may look further ahead."""
_WIDEST_CHARACTER = 4
"""Bytes that one character takes at most in UTF-8."""


@dataclass(frozen=True)
class Line:
    """A text between two breaks; `number` is the sample's line in which the text begins, from 1."""

    text: str
    number: int


def broken(sample: str, settings: Settings, findings: Findings) -> Iterator[Line]:
    """The lines of the sample; those without any visible character are dropped, as Splunk does."""
    pattern = settings.values.get("LINE_BREAKER", "").strip() or DEFAULT_BREAKER
    limit = number(settings.values, "TRUNCATE", DEFAULT_TRUNCATE)
    begin, counted, line = 0, 0, 1
    for left, right in _breaks(sample, pattern, settings, findings):
        if sample[begin:left].strip():
            line += sample.count("\n", counted, begin)
            counted = begin
            yield Line(truncated(sample[begin:left], limit), line)
        begin = right
    if sample[begin:].strip():
        line += sample.count("\n", counted, begin)
        yield Line(truncated(sample[begin:], limit), line)


def truncated(text: str, limit: int) -> str:
    """The text cut to that many bytes of UTF-8, no character cut in two; the whole text where the limit is 0."""
    if limit <= 0 or len(text) * _WIDEST_CHARACTER <= limit:
        return text
    encoded = text.encode("utf-8", errors="replace")
    return text if len(encoded) <= limit else encoded[:limit].decode("utf-8", errors="ignore")


def _breaks(sample: str, pattern: str, settings: Settings, findings: Findings) -> Iterator[tuple[int, int]]:
    if pattern == DEFAULT_BREAKER:
        yield from (found.span() for found in _DEFAULT_BREAK.finditer(sample))
        return
    compiled = findings.compile(settings.named("LINE_BREAKER"), pattern)
    if compiled is None:
        yield from (found.span() for found in _DEFAULT_BREAK.finditer(sample))
        return
    if not compiled.regex.groups:
        findings.add(f"{compiled.setting}: the expression has no capturing group, which Splunk needs")
    yield from _found_breaks(sample, compiled, findings)


def _found_breaks(sample: str, pattern: SettingPattern, findings: Findings) -> Iterator[tuple[int, int]]:
    """The breaks, looked for in a window that grows until a match ends well inside."""
    at, left_of, width = 0, 0, _WINDOW
    while at < len(sample):
        begin, end = max(0, at - LOOKBEHIND), min(len(sample), at + width)
        match = findings.search(pattern, sample[begin:end], at - begin)
        if end < len(sample) and (match is None or begin + match.end + _MARGIN > end):
            width *= 4
            continue
        if match is None:
            return
        left, right = _break_of(match)
        if begin + left >= left_of and begin + right > 0:
            left_of = begin + right
            yield begin + left, begin + right
        at, width = max(begin + match.end, at + 1), _WINDOW


def _break_of(match: RegexMatch) -> tuple[int, int]:
    for index in range(1, len(match.groups)):
        if match.groups[index] is not None:
            return match.spans[index]
    return match.start, match.start
