"""The header that a transport or a logging library has put before an event's own text, peeled off.

Two grammars are standards (RFC 5424, RFC 3164, the second as it is written in practice: with years, ISO times, relays).
A third is what logging libraries share: a time, then in some order a thread, a level, something in brackets, the name
of a class. Each part is optional where some events lack it, so that an event of another part of the log is still read.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.addons.generator.plan import Extract
from app.addons.regexes import MatchLimit, RegexMatch, compile_regex

MESSAGE = "message"
"""The field that holds what follows the header."""
MIN_SHARE = 0.6
"""Fewer events with a header: the header is part of some events' text and no header of the log."""
MIN_SHARE_OF_PART = 0.2
MAX_PARTS = 6

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_NAMED_ZONE = r"(?:UTC|GMT|[ECMP][SD]T|CES?T|EES?T|WES?T|BST|IST|JST|KST|AE[SD]T|MSK|SGT|HKT)(?![A-Za-z0-9])"
_ZONE = rf"(?: ?(?:Z(?![A-Za-z0-9])|{_NAMED_ZONE}|[+-]\d{{2}}:?\d{{2}}))?"
_ISO = rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:T|[ _]{{1,2}}){_CLOCK}{_ZONE}"
_SYSLOG_TIME = rf"(?:{_MONTH} {{1,2}}\d{{1,2}} (?:\d{{4}} )?{_CLOCK}(?: {_NAMED_ZONE})?|{_ISO})"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY_OF_MONTH = rf"(?:{_MONTH} {{1,2}}\d{{1,2}}|\d{{1,2}} {_MONTH})"
_TIMES = (
    _ISO,
    rf"{_MONTH} {{1,2}}\d{{1,2}},? (?:\d{{4}},? )?{_CLOCK}(?: [AP]M)?{_ZONE}",
    rf"{_DAY},? {_DAY_OF_MONTH} (?:\d{{4}} )?{_CLOCK}(?: {_NAMED_ZONE})?(?: \d{{4}})?{_ZONE}",
    rf"\d{{1,2}}[/ -]{_MONTH}[/ -]\d{{4}}[: ]{_CLOCK}{_ZONE}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}(?:,? |T){_CLOCK}(?: ?[AaPp][Mm])?{_ZONE}",
    rf"\d{{6}} {{1,2}}{_CLOCK}",
    r"\d{8}[T ]?\d{6}",
    r"1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?![\d.])",
    _CLOCK,
)
LEVELS = (
    r"(?i:TRACE|DEBUG|VERBOSE|FINEST|FINER|FINE|CONFIG|INFO|INFORMATION(?:AL)?|NOTICE|WARN|WARNING|ERROR|ERR|"
    r"CRIT|CRITICAL|ALERT|EMERG|EMERGENCY|FATAL|SEVERE|PANIC)"
)
_SYSLOG_TAG = r"(?:(?<process>[^\s:\[\],=]{1,100})(?:\[(?<process_id>\d{1,10})\])?: *)?"


@dataclass(frozen=True)
class Header:
    """A header: its extraction, and each event's text behind the header; None for an event without it."""

    kind: str
    extract: Extract
    bodies: tuple[str | None, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One part of a library's header; `pattern` has one named group and is preceded by what separates parts."""

    name: str
    pattern: str


_PARTS = (
    _Part("thread_id", r"(?<thread_id>\d{1,10})(?=[ \]])"),
    _Part("process_id", r"\[(?<process_id>\d{1,10})\]:?"),
    _Part("channel_level", rf"(?<channel>[\w-]{{1,60}})\.(?<level>{LEVELS}):"),
    _Part("level", rf"[\[(<]?(?<level>{LEVELS})[\])>]?(?=[\s:|,\]-]|$):?"),
    _Part("thread", r"\[(?<thread>[^\[\]\n]{1,200})\]:?"),
    _Part("group", r"\((?<group>[^()\n]{1,200})\):?"),
    _Part(
        "logger",
        r"(?<logger>[A-Za-z_$][\w$-]{0,60}(?:[./:]{1,2}[A-Za-z_$][\w$-]{0,80}){1,12})(?::(?=\s|$)|(?= [-:|] ))",
    ),
    _Part("component", r"(?<component>[A-Za-z_][\w$-]{1,60}):(?=\s|$)"),
)


def peel_header(events: Sequence[str]) -> Header | None:
    """The header that most events have; None where events begin with their own text."""
    peelers: tuple[Callable[[Sequence[str]], Header | None], ...] = (_rfc5424, _rfc3164, _library)
    return next((header for peel in peelers if (header := peel(events)) is not None), None)


def _rfc5424(events: Sequence[str]) -> Header | None:
    pattern = (
        r"^<(?<priority>\d{1,3})>\d{1,2} (?<log_time>\S+) (?<log_host>\S+) (?<process>\S+) (?<process_id>\S+) "
        r"(?<message_id>\S+) (?<structured_data>-|(?:\[[^\]]*\])+)(?: (?:\xEF\xBB\xBF|\x{FEFF})?(?<message>(?s:.*)))?"
    )
    return _header("rfc5424", pattern, events)


def _rfc3164(events: Sequence[str]) -> Header | None:
    relayed = rf"(?:(?<relayed_time>{_SYSLOG_TIME}) (?<relayed_host>[^\s:\[\]]+) +)?"
    for relay in (relayed, ""):
        pattern = (
            rf"^(?:<(?<priority>\d{{1,3}})>(?:\d{{1,9}}: )?)?(?<log_time>{_SYSLOG_TIME}) (?<log_host>[^\s\[\]]+) +"
            rf"{relay}{_SYSLOG_TAG}(?<message>(?s:.*))"
        )
        header = _header("rfc3164", pattern, events)
        if header is None or not relay or _matched(pattern, events, "relayed_time"):
            return _only_if_syslog(header, pattern, events)
    return None


def _only_if_syslog(header: Header | None, pattern: str, events: Sequence[str]) -> Header | None:
    """The header, unless what stands where a host should is a level or a class: then a library wrote it."""
    if header is None:
        return None
    regex = compile_regex(pattern)
    hosts = [match.named["log_host"] or "" for event in events if (match := regex.search(event))]
    odd = [host for host in hosts if re.fullmatch(rf"\W*{LEVELS}\W*|\d{{1,10}}|[-|]|.*[=\"'(){{}}].*", host)]
    iso = sum(1 for event in events if re.match(r"(?:<\d+>)?\d{4}", event))
    processes = sum(1 for event in events if (match := regex.search(event)) and match.named["process"])
    if len(odd) > 0.2 * len(hosts) or (iso > 0.5 * len(events) and processes < 0.5 * len(events)):
        return None
    return header


def _library(events: Sequence[str]) -> Header | None:
    """A time at the start and the parts behind, each found in the order in which most events have them."""
    times = [time for time in _TIMES if any(re.match(rf"[\[(]?{time}", event) for event in events)]
    if not times:
        return None
    pattern = rf"^[\[(]?(?<log_time>{'|'.join(times)})[\])]?:?"
    rests = [event[match.end :] if (match := _search(pattern, event)) else None for event in events]
    if sum(1 for rest in rests if rest is not None) < MIN_SHARE * len(events):
        return None
    used: set[str] = set()
    for _ in range(MAX_PARTS):
        part = _next_part([rest for rest in rests if rest is not None], used)
        if part is None:
            break
        used.update(compile_regex(part.pattern).names)
        whole = rf"^[ \t]*(?:[-|:,] *)?{part.pattern}"
        pattern += rf"(?:[ \t]*(?:[-|:,] *)?{part.pattern})?"
        rests = [rest[match.end :] if rest is not None and (match := _search(whole, rest)) else rest for rest in rests]
    return _header("library", pattern + rf"[ \t]*(?:[-|:] +)?(?<{MESSAGE}>(?s:.*))", events)


def _next_part(rests: Sequence[str], used: set[str]) -> _Part | None:
    """The first kind of part that enough of the texts begin with."""
    for part in _PARTS:
        if used & set(compile_regex(part.pattern).names):
            continue
        whole = rf"^[ \t]*(?:[-|:,] *)?{part.pattern}"
        count = sum(1 for rest in rests if _search(whole, rest))
        if count and count >= MIN_SHARE_OF_PART * len(rests):
            return part
    return None


def _header(kind: str, pattern: str, events: Sequence[str]) -> Header | None:
    matches = [_search(pattern, event) for event in events]
    if sum(1 for match in matches if match) < MIN_SHARE * len(events):
        return None
    bodies = tuple(None if match is None else (match.named[MESSAGE] or "") for match in matches)
    return Header(kind, Extract("header", pattern), bodies)


def _matched(pattern: str, events: Sequence[str], group: str) -> bool:
    return any(match.named[group] for event in events if (match := _search(pattern, event)))


def _search(pattern: str, text: str) -> RegexMatch | None:
    try:
        return compile_regex(pattern).search(text)
    except MatchLimit:
        return None
