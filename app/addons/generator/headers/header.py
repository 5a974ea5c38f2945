"""The header that a transport or a logging library has put before an event's own text, peeled off.

Two grammars are standards (RFC 5424, RFC 3164, the second as it is written in practice: with years, ISO times, relays).
The third is what logging libraries share: a time, a level, a thread, a class, a file in any order. There each event
says its own order; events of one order share an extraction.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.addons.generator.headers.library import header_orders
from app.addons.generator.headers.text import ISO_TIME, LEGACY_TIME, LEVELS, SYSLOG_TIME
from app.addons.generator.settings.plan import Extract
from app.addons.regexes import MatchLimit, RegexMatch, compile_regex

MESSAGE = "message"
"""The field that holds what follows the header."""
MIN_SHARE_OF_LIBRARY = 0.3
"""A library's headers are told each by its own pattern, so that lines of others may stand among them."""
STRUCTURED_DATA = "structured_data"
"""The field of RFC 5424's elements, which are pairs."""
MIN_SHARE = 0.6
"""Fewer events with a header: the header is part of some events' text and no header of the log."""

_TAG = r"(?:(?<process>[^\s:\[\],=%]{1,100})(?:\[(?<process_id>\d{1,10})\])?: *)?"
_CISCO = r"(?:%(?<facility>[A-Z][A-Z0-9_]*(?:-[A-Z][A-Z0-9_]*)*)-(?<severity_id>[0-7])-(?<message_id>[A-Z0-9_]+): *)?"
"""How network devices of Cisco begin: facility, severity, mnemonic ("System Message Format", Cisco IOS)."""
_MNEMONIC = re.compile(r"%[A-Z][A-Z0-9_-]*-[0-7]-[A-Z0-9_]+:")
_HOST = r"(?:(?<log_host>(?:[^\s\[\]:%]|:(?=\S))+) +)?"
"""A host's name or address; some devices write none, and the tag stands in its place."""
_STRUCTURED = r"-|(?:\[[^\]\\]*+(?:\\.[^\]\\]*+)*+\])+"


_NO_HOST = re.compile(rf"\W*{LEVELS}\W*|\d{{1,10}}|[-|]|.*[=\"'(){{}}].*")
MAX_SHARE_OF_ODD_HOSTS = 0.2


@dataclass(frozen=True)
class Header:
    """A header: its extractions, and each event's text behind the header; None for an event without one."""

    kind: str
    extracts: tuple[Extract, ...]
    bodies: tuple[str | None, ...]


def peel_header(events: Sequence[str]) -> Header | None:
    """The header that most events have; None where events begin with their own text."""
    peelers: tuple[Callable[[Sequence[str]], Header | None], ...] = (_rfc5424, _rfc3164, _library)
    return next((header for peel in peelers if (header := peel(events)) is not None), None)


def _rfc5424(events: Sequence[str]) -> Header | None:
    pattern = (
        r"^<(?<priority>\d{1,3})>\d{1,2} (?<log_time>\S+) (?<log_host>\S+) (?<process>\S+) (?<process_id>\S+) "
        rf"(?<message_id>\S+) (?<{STRUCTURED_DATA}>{_STRUCTURED})(?: (?:\x{{FEFF}})?(?<{MESSAGE}>(?s:.*)))?"
    )
    return _header("rfc5424", pattern, events)


def _rfc3164(events: Sequence[str]) -> Header | None:
    iso = any(re.match(rf"(?:<\d+>)?\S{{0,12}}{ISO_TIME}", event) for event in events)
    time = SYSLOG_TIME if iso else LEGACY_TIME
    relayed = rf"(?:(?<relayed_time>{time}) (?<relayed_host>[^\s:\[\]]+) +)?"
    numbered = rf"(?:(?<sequence>\d{{1,12}}): )?(?:[*.]?(?<device_time>{time})(?: [A-Z]{{3,4}})?: )?"
    cisco = numbered + _CISCO if any(_MNEMONIC.search(event) for event in events) else ""
    for relay in (relayed, ""):
        pattern = (
            rf"^(?:<(?<priority>\d{{1,3}})>(?:\d{{1,9}}: )?)?[*.]?(?<log_time>{time}):? +{_HOST}{relay}"
            rf"(?:: +)?{cisco}{_TAG}(?<{MESSAGE}>(?s:.*))"
        )
        header = _header("rfc3164", pattern, events)
        if header is None or not relay or _matched(pattern, events, "relayed_time"):
            return _only_if_syslog(header, pattern, events)
    return None


def _only_if_syslog(header: Header | None, pattern: str, events: Sequence[str]) -> Header | None:
    """The header, unless a library wrote it: then a level or a class stands where a host should."""
    if header is None:
        return None
    matches = [match for event in events if (match := _search(pattern, event))]
    plainly = sum(
        1 for match in matches if any(match.named.get(part) for part in ("priority", "process_id", "facility"))
    )
    if plainly > len(matches) / 2:
        return header
    odd = sum(1 for match in matches if _NO_HOST.fullmatch(match.named["log_host"] or "0"))
    iso = sum(1 for match in matches if re.match(r"\d", match.named["log_time"] or ""))
    untagged = sum(1 for match in matches if not match.named["process"])
    if odd > MAX_SHARE_OF_ODD_HOSTS * len(matches) or (iso > len(matches) / 2 and untagged > len(matches) / 2):
        return None
    return header


def _library(events: Sequence[str]) -> Header | None:
    """The headers of logging libraries, an extraction for each order of their parts."""
    orders = header_orders(events)
    bodies: list[str | None] = [None] * len(events)
    extracts: list[Extract] = []
    for number, order in enumerate(orders, start=1):
        pattern = rf"^{order.pattern}(?<{MESSAGE}>(?s:.*))"
        extracts.append(Extract("header" if len(orders) == 1 else f"header_{number:02d}", pattern))
        for index in order.members:
            match = _search(pattern, events[index])
            bodies[index] = None if match is None else (match.named[MESSAGE] or "")
    if sum(body is not None for body in bodies) < MIN_SHARE_OF_LIBRARY * len(events):
        return None
    return Header("library", tuple(extracts), tuple(bodies))


def _header(kind: str, pattern: str, events: Sequence[str]) -> Header | None:
    matches = [_search(pattern, event) for event in events]
    if sum(1 for match in matches if match) < MIN_SHARE * len(events):
        return None
    bodies = tuple(None if match is None else (match.named[MESSAGE] or "") for match in matches)
    return Header(kind, (Extract("header", pattern),), bodies)


def _matched(pattern: str, events: Sequence[str], group: str) -> bool:
    return any(match.named[group] for event in events if (match := _search(pattern, event)))


def _search(pattern: str, text: str) -> RegexMatch | None:
    try:
        return compile_regex(pattern).search(text)
    except MatchLimit:
        return None
