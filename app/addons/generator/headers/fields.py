"""Fields within a header's fields: the pairs of RFC 5424's structured data, day and clock of the time."""

from collections.abc import Sequence

from app.addons.generator.headers.header import STRUCTURED_DATA, Header
from app.addons.generator.settings.plan import Extract, Extraction, Transform

_PAIR = r'([^\s=\]"]{1,64})="([^"\\]*+(?:\\.[^"\\]*+)*+)"'
"""PARAM-NAME and PARAM-VALUE of RFC 5424, section 6.3.3."""
_PARTS = r"^(?<log_date>[^\n]{1,40}?)(?:[T_ ,]+|(?<=\d{4}):)(?<log_clock>\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?)"


def structured_data(header: Header, events: Sequence[str]) -> tuple[Extraction, ...]:
    """The pairs of the structured data, where one of the events has any."""
    if header.kind != "rfc5424" or not any('="' in event for event in events):
        return ()
    settings = {"SOURCE_KEY": STRUCTURED_DATA, "REGEX": _PAIR, "FORMAT": "$1::$2", "CLEAN_KEYS": "true"}
    return (Extraction("structured-data", frozenset(), reports=(Transform("structured_data", settings),)),)


def time_parts(header: Header) -> tuple[Extraction, ...]:
    """Day and clock of the header's time, as fields of their own."""
    if header.kind == "rfc5424":
        return ()
    return (Extraction("time", frozenset(), extracts=(Extract("time_parts", _PARTS, "log_time"),)),)
