"""Time zones: what an event's text names, and what the setting TZ of props.conf names.

Splunk takes the zone of the text first, then TZ, then the forwarder's or its own (props.conf.spec, TZ). An abbreviation
such as EST has several meanings; Splunk's default is the North American one (props.conf.spec, TZ_ALIAS).
"""

import re
from collections.abc import Mapping
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

_HOURS_EAST = {
    "UTC": 0.0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "BRT": -3,
    "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "SAST": 2, "MSK": 3,
    "IST": 5.5, "PKT": 5, "SGT": 8, "HKT": 8, "JST": 9, "KST": 9,
    "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
ABBREVIATIONS: Mapping[str, tzinfo] = MappingProxyType(
    {name: timezone(timedelta(hours=hours)) if hours else UTC for name, hours in _HOURS_EAST.items()}
)
"""Abbreviations that events use, as hours east of UTC (IANA time zone database; North America where several fit).

No abbreviation here is also a word that follows a time in logs: GET (Georgia) and ART (Argentina) are left out.
"""
MAX_OFFSET = timedelta(hours=14)
"""The farthest zone is UTC+14 (Line Islands): a larger offset is no zone."""
_OFFSET = re.compile(r"([+-])(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_NAMED_OFFSET = re.compile(r"(?:UTC|GMT)([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)
_POSIX = re.compile(r"(?:[A-Za-z]{3,6}|<[+\-\w]{3,8}>)([+-]?)(\d{1,2})(?::(\d{2}))?", re.ASCII)
_IANA = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]{1,31}(?:/[A-Za-z0-9_+\-]{1,31}){0,2}", re.ASCII)


def zone_in_text(text: str) -> tzinfo | None:
    """The zone that an event's text names: `Z`, `+0200`, `-05:00`, `GMT+8`, an abbreviation or an IANA name.

    None for what names no zone. `GMT+10:00` lies ten hours east (the example of TZ_ALIAS in props.conf.spec).
    """
    known = ABBREVIATIONS.get(text.upper())
    if known is not None:
        return known
    numeric = _OFFSET.fullmatch(text) or _NAMED_OFFSET.fullmatch(text)
    if numeric is not None:
        sign, *numbers = numeric.groups()
        return _fixed(sign == "-", *(int(number or 0) for number in numbers))
    return _iana(text) if "/" in text else None


def zone_of_setting(text: str) -> tzinfo | None:
    """The zone that TZ names: an IANA name, an offset, or a POSIX string without rules of its own.

    None for anything else: Splunk then goes on as if TZ were not set. In POSIX's form hours count west: `EST5` is
    UTC-05:00 (POSIX.1-2017, 8.3 Other Environment Variables).
    """
    stripped = text.strip()
    zone = _iana(stripped) or zone_in_text(stripped)
    if zone is not None:
        return zone
    posix = _POSIX.fullmatch(stripped)
    if posix is None:
        return None
    sign, hours, minutes = posix.groups()
    return _fixed(sign != "-", int(hours), int(minutes or 0))


def _fixed(west: bool, hours: int, minutes: int, seconds: int = 0) -> tzinfo | None:
    if minutes >= 60 or seconds >= 60:  # noqa: PLR2004 - minutes of an hour
        return None
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if offset > MAX_OFFSET:
        return None
    return timezone(-offset if west else offset) if offset else UTC


@lru_cache(maxsize=512)
def _iana(name: str) -> tzinfo | None:
    if _IANA.fullmatch(name) is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # not found; a folder of the database; a damaged file
        return None
