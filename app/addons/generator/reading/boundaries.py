"""Where events begin and end.

A log has one event a line, unless lines stand in the sample which cannot be events of their own: what follows a record
and neither begins as records do nor carries a time of its own belongs to the record before (as Splunk's default
BREAK_ONLY_BEFORE_DATE has it). LINE_BREAKER says this to Splunk in one pattern, which is far cheaper than merging
lines (props.conf.spec, SHOULD_LINEMERGE).
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.addons.generator.reading.leads import LEADS, Lead, lead_of
from app.addons.generator.settings.plan import literal

SINGLE_LINES = r"([\r\n]+)"
MIN_SHARE_OF_LEADS = 0.9
"""Of the lines that are records, so many begin with one of the leads found; else no pattern tells records apart."""
MIN_SHARE_LOOKING = 0.5
"""Of the lines without a lead, so many look like parts of an event (indented, a frame of a stack, a closing bracket);
or else there are more of them than of records, as where each record is a block of lines."""
MIN_CONTINUED = 0.1
MIN_SHARE_WHERE_CONTINUED = 0.6
"""Where a tenth of the lines are no events of their own, lines with a time somewhere may belong to events as well."""
MAX_SHARE_OF_TIMES = 0.1
MIN_BLOCKS = 2
MIN_LINES_OF_BLOCK = 2
HEAD = 1_000
"""Characters of a line in which a time makes the line a record of its own."""
_TIME = re.compile(r"\d{1,2}:\d{2}:\d{2}|\d{4}-\d{2}-\d{2}T|\b1\d{9}\b|\b1\d{12}\b")
_CONTINUES = re.compile(
    r"\s|at |\.{3} \d+ more|Caused by:|Suppressed:|Traceback \(|#\d+ |\[stacktrace\]|[)\]}]|\"[})\],]|"
    r"[\w.$]+(?:Exception|Error)\b|--|> "
)
_XML_NAME = re.compile(r"<([A-Za-z_][\w:.-]*)[\s>/]")
_COMMENTS = re.compile(
    r"#(?:Fields|Software|Version|Date|Start-Date|End-Date|Remark|"
    r"separator|set_separator|empty_field|unset_field|path|open|close|fields|types)\b[: \t]?"
)
"""Directives of the W3C extended log format, and of Zeek's logs."""


@dataclass(frozen=True)
class Boundaries:
    """The events of a sample, each with the line at which it begins, and the pattern that breaks them for Splunk."""

    events: tuple[str, ...]
    line_breaker: str
    comments: tuple[str, ...] = ()
    several_lines: bool = False
    notes: tuple[str, ...] = ()


def find_boundaries(lines: Sequence[str]) -> Boundaries:
    """The boundaries of the lines' events; comments of W3C and Zeek are set apart."""
    comments = tuple(line for line in lines if _COMMENTS.match(line))
    records = [line for line in lines if line.strip() and not _COMMENTS.match(line)] if comments else list(lines)
    found = _json_documents(records) or _xml_documents(records) or _blocks(records) or _records(records)
    return Boundaries(found.events, found.line_breaker, comments, found.several_lines, found.notes)


def _json_documents(lines: Sequence[str]) -> Boundaries | None:
    """Documents that stretch over lines: each begins with a brace in the first column of a line."""
    filled = [line for line in lines if line.strip()]
    if not filled or filled[0][0] not in "{[" or all(_is_document(line) for line in filled[:50]):
        return None
    indent = ""
    if filled[0].strip() == "[":
        indent = filled[1][: len(filled[1]) - len(filled[1].lstrip())] if len(filled) > 1 else ""
        filled = [line for line in filled if line.strip() not in ("[", "]")]
    events: list[list[str]] = []
    for line in filled:
        if line.startswith(indent + "{"):
            events.append([])
        if not events:
            return None
        events[-1].append(line)
    texts = tuple("\n".join(each).strip().rstrip(",") for each in events)
    if not all(_is_document(text) for text in texts):
        return None
    breaker = r"([\r\n,\]\[]+\s*)(?=\{)" if indent else r"([\r\n]+)(?=\{)"
    if indent and any(re.search(r"[\n,\[]\s*\{", text[1:]) for text in texts):
        return None
    return Boundaries(texts, breaker, several_lines=any(len(each) > 1 for each in events))


def _is_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _xml_documents(lines: Sequence[str]) -> Boundaries | None:
    """Elements that stretch over lines, all of one name."""
    filled = [line for line in lines if line.strip() and not line.startswith("<?xml")]
    names = Counter(match[1] for line in filled if (match := _XML_NAME.match(line)))
    if not names or not filled[0].startswith("<"):
        return None
    name = _XML_NAME.match(filled[0])
    if name is None or all(line.startswith(f"<{name[1]}") for line in filled):
        return None
    events: list[list[str]] = []
    for line in filled:
        if re.match(rf"<{re.escape(name[1])}[\s>/]", line):
            events.append([])
        events[-1].append(line)
    if not all("\n".join(each).rstrip().endswith((f"</{name[1]}>", "/>")) for each in events):
        return None
    return Boundaries(
        tuple("\n".join(each) for each in events), rf"([\r\n]+)(?=<{re.escape(name[1])}[\s>/])", several_lines=True
    )


def _blocks(lines: Sequence[str]) -> Boundaries | None:
    """Events that all begin with the words of the first line, as `# Time: …`, and go on over lines without a lead."""
    filled = [line for line in lines if line.strip()]
    words = re.match(r"[^\w\s]{0,4} ?[A-Za-z][A-Za-z_ -]{2,40}(?:: |=| (?=\d))", filled[0]) if filled else None
    if words is None or any(lead_of(line) for line in filled):
        return None
    starts = [index for index, line in enumerate(filled) if line.startswith(words[0])]
    timed = sum(1 for index in starts if re.search(r"\d{1,2}:\d{2}", filled[index]))
    own = sum(1 for line in filled if not line.startswith(words[0]) and re.search(r"\d{1,2}:\d{2}:\d{2}", line))
    if (
        own > MAX_SHARE_OF_TIMES * len(filled)
        or len(starts) < MIN_BLOCKS
        or len(filled) < MIN_LINES_OF_BLOCK * len(starts)
        or timed < 0.8 * len(starts)
    ):
        return None
    ends = [*starts[1:], len(filled)]
    events = tuple("\n".join(filled[start:end]) for start, end in zip(starts, ends, strict=True))
    return Boundaries(events, rf"([\r\n]+)(?={literal(words[0])})", several_lines=True)


def _records(lines: Sequence[str]) -> Boundaries:
    """Records of text."""
    filled = [line for line in lines if line.strip()]
    leads = [lead_of(line) for line in filled]
    first = next((index for index, lead in enumerate(leads) if lead is not None), None)
    if first is None or not _has_continuations(filled, leads):
        return Boundaries(tuple(filled), SINGLE_LINES)
    events: list[list[str]] = []
    for line, lead in zip(filled, leads, strict=True):
        if lead is not None or not events:
            events.append([])
        events[-1].append(line)
    notes = () if first == 0 else ("The sample begins in the middle of an event; its first lines belong to none.",)
    # Blank lines inside an event stay in Splunk's event: the sample's own text is what counts there.
    return Boundaries(tuple("\n".join(each) for each in events), _at_leads(leads), several_lines=True, notes=notes)


def _at_leads(leads: Sequence[Lead | None]) -> str:
    """The pattern that breaks before each of the leads."""
    used = [lead for lead in LEADS if any(each is lead for each in leads)]
    return rf"([\r\n]+)(?={'|'.join(lead.pattern for lead in used)})"


def broken_at_leads(boundaries: Boundaries) -> Boundaries:
    """The boundaries with events broken before leads, where each event has one: for logs that stacks may follow.

    The sample shows no event of several lines, but a library writes them when something fails.
    """
    leads = [lead_of(event) for event in boundaries.events]
    if boundaries.several_lines or None in leads:
        return boundaries
    note = "Lines that begin otherwise than the sample's events belong to the event before, as stack traces do."
    return replace(boundaries, line_breaker=_at_leads(leads), notes=(*boundaries.notes, note))


def _has_continuations(lines: Sequence[str], leads: Sequence[Lead | None]) -> bool:
    """Whether lines without a lead are parts of events: none has a time of its own, or most look like it."""
    others = [line for line, lead in zip(lines, leads, strict=True) if lead is None]
    if not others:
        return False
    looking = sum(1 for line in others if _CONTINUES.match(line))
    records = [line for line in others if not _CONTINUES.match(line) and _TIME.search(line[:HEAD])]
    led = len(lines) - len(others)
    if looking < MIN_SHARE_LOOKING * len(others) and len(others) < led:
        return False
    continued = len(others) - len(records) >= MIN_CONTINUED * len(lines)
    return led / (led + len(records)) >= (MIN_SHARE_WHERE_CONTINUED if continued else MIN_SHARE_OF_LEADS)
