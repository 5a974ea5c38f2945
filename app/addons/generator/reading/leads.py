"""How records begin: the leads by which a line is told to be the first one of an event.

Each lead is a pattern that PCRE2 and `re` read alike, of bounded length, anchored by its user.
"""

import re
from dataclasses import dataclass

from app.addons.generator.reading.words import CAPITAL_LEVELS, DAY, MONTH

_CLOCK = r"\d{1,2}:\d{2}"


@dataclass(frozen=True)
class Lead:
    """One way in which records begin."""

    name: str
    pattern: str

    @property
    def regex(self) -> re.Pattern[str]:
        """The pattern, anchored by `match`."""
        return _COMPILED[self.name]


LEADS = (
    Lead("priority", r"<\d{1,3}>"),
    Lead("event-format", r"(?:CEF|LEEF):\d"),
    Lead("iso", rf"[\[(\"']?\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}[T _,]+{_CLOCK}"),
    Lead("numeric", rf"[\[(\"']?\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}[T _,]+{_CLOCK}"),
    Lead("syslog", rf"\[?{MONTH} {{1,2}}\d{{1,2}},? (?:\d{{4}},? )?{_CLOCK}"),
    Lead("ctime", rf"\[?{DAY},? (?:{MONTH} {{1,2}}\d{{1,2}}|\d{{1,2}} {MONTH}) "),
    Lead("apache", rf"\[?\d{{1,2}}[/ -]{MONTH}[/ -]\d{{2,4}}[: ]{_CLOCK}"),
    Lead("mashed", rf"\d{{6}} {{1,2}}{_CLOCK}"),
    Lead("compact", r"\[?\d{8}[T ]?\d{6}\b"),
    Lead("epoch", r"\[?1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?\b"),
    Lead("clock", rf"\[?{_CLOCK}:\d{{2}}\b"),
    Lead("klog", rf"[DIWEF]\d{{4}} {_CLOCK}"),
    Lead("role", r"\d{1,10}:[A-Z] \d{1,2} "),
    Lead("level", rf"\[?(?:{CAPITAL_LEVELS})\b"),
)
_COMPILED = {lead.name: re.compile(lead.pattern) for lead in LEADS}


def lead_of(line: str) -> Lead | None:
    """The lead with which the line begins; None where it begins otherwise."""
    return next((lead for lead in LEADS if lead.regex.match(line)), None)
