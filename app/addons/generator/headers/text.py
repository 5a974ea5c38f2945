"""The texts that stand in headers: times and levels, as expressions that PCRE2 and `re` read alike.

They are wide, for what is to come; what such a text says as a moment is read by `app/addons/timestamps/`.
"""

from app.addons.generator.reading.words import CAPITAL_LEVELS, DAY, MONTH

CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_NAMED_ZONE = r"(?:UTC|GMT|[ECMP][SD]T|CES?T|EES?T|WES?T|BST|IST|JST|KST|AE[SD]T|MSK|SGT|HKT)(?![A-Za-z0-9])"
_ZONE = rf"(?: ?(?:Z(?![A-Za-z0-9])|{_NAMED_ZONE}|[+-]\d{{2}}:?\d{{2}}))?"
ISO_TIME = rf"\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:T|[ _]{{1,2}}){CLOCK}{_ZONE}"
LEGACY_TIME = rf"{MONTH} {{1,2}}\d{{1,2}} (?:\d{{4}} )?{CLOCK}(?: {_NAMED_ZONE})?"
SYSLOG_TIME = rf"(?:{LEGACY_TIME}|{ISO_TIME})"
_DAY_OF_MONTH = rf"(?:{MONTH} {{1,2}}\d{{1,2}}|\d{{1,2}} {MONTH})"
TIMES = (
    ISO_TIME,
    rf"{MONTH} {{1,2}}\d{{1,2}},? (?:\d{{4}},? )?{CLOCK}(?: [AP]M)?{_ZONE}",
    rf"{DAY},? {_DAY_OF_MONTH} (?:\d{{4}} )?{CLOCK}(?: {_NAMED_ZONE})?(?: \d{{4}})?{_ZONE}",
    rf"\d{{1,2}}[/ -]{MONTH}(?:[/ -]\d{{2,4}})?[: ]{CLOCK}{_ZONE}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}(?:,? |T){CLOCK}(?: ?[AaPp][Mm])?{_ZONE}",
    rf"\d{{6}} {{1,2}}{CLOCK}",
    r"\d{8}[T ]?\d{6}",
    r"1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?![\d.])",
    CLOCK,
)
DATED = TIMES[:5]
"""Times with a day: a number or a clock alone is no sign that a line begins."""
LEVELS = (
    r"(?:(?i:TRACE|DEBUG|VERBOSE|FINEST|FINER|FINE|CONFIG|NOTE|INFO|INFORMATION(?:AL)?|NOTICE|WARN|WARNING|ERROR|ERR|"
    r"CRIT|CRITICAL|ALERT|EMERG|EMERGENCY|FATAL|SEVERE|PANIC)|LOG|DETAIL|HINT|STATEMENT|CONTEXT|LOCATION)(?![A-Za-z0-9_])"
)
"""Severities of syslog, log4j, java.util.logging, Python and PostgreSQL."""
PLAIN_LEVEL = rf"\[?(?:{CAPITAL_LEVELS})\]?:"
"""A level in capitals and its colon, as it stands among words."""
