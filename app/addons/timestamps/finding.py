"""The time of an event by the settings of props.conf: TIME_PREFIX, MAX_TIMESTAMP_LOOKAHEAD, TIME_FORMAT, TZ.

What Splunk does where nothing is found (the time of the event before, else the present) is decided by whoever knows the
events before: `app/addons/replay`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.addons.regexes import MatchLimit, RegexError, compile_regex
from app.addons.timestamps.automatic import recognise
from app.addons.timestamps.parsed import ParsedTime
from app.addons.timestamps.time_format import TimeFormatError, compile_time_format
from app.addons.timestamps.zones import zone_of_setting

DEFAULT_LOOKAHEAD = 128
MAX_DAYS_AGO = 2_000
MAX_DAYS_HENCE = 2
"""Defaults of props.conf.spec: MAX_TIMESTAMP_LOOKAHEAD, MAX_DAYS_AGO, MAX_DAYS_HENCE."""


@dataclass(frozen=True)
class TimeSettings:
    """The settings of one stanza that say where and how an event's time is read.

    `time_prefix` is a PCRE2 pattern, `time_format` a strptime format; `lookahead` counts characters from the end of the
    prefix, 0 and -1 set no bound; `zone` is an IANA name or an offset (TZ).
    """

    time_prefix: str | None = None
    time_format: str | None = None
    lookahead: int = DEFAULT_LOOKAHEAD
    zone: str | None = None
    max_days_ago: int = MAX_DAYS_AGO
    max_days_hence: int = MAX_DAYS_HENCE


def find_time(event: str, settings: TimeSettings, reference: datetime) -> ParsedTime | None:
    """The time that Splunk reads from the event; None where it reads none, whatever the settings are.

    `reference` is the aware time of reading. An event without the prefix has no time; a prefix or format that does not
    compile, and a prefix that reaches Splunk's match limit, read none. UTC stands for the zone of Splunk's machine
    where neither text nor settings name one.
    """
    start = _prefix_end(event, settings.time_prefix)
    if start is None:
        return None
    end = len(event) if settings.lookahead <= 0 else min(len(event), start + settings.lookahead)
    zone = _zone(settings)
    if not settings.time_format:
        return recognise(event, start, end, reference, zone)
    try:
        compiled = compile_time_format(settings.time_format)
    except TimeFormatError:
        return None
    return compiled.match(event[:end] if end < len(event) else event, start, reference, zone)


def outside(parsed: ParsedTime, settings: TimeSettings, reference: datetime) -> bool:
    """Whether the time lies beyond MAX_DAYS_AGO or MAX_DAYS_HENCE.

    Splunk then warns and takes the time of the last acceptable event, else the present. Samples are often older than
    that, so `find_time` does not ask.
    """
    age = reference - parsed.moment
    return age > timedelta(days=settings.max_days_ago) or -age > timedelta(days=settings.max_days_hence)


def _prefix_end(event: str, prefix: str | None) -> int | None:
    if not prefix:
        return 0
    try:
        found = compile_regex(prefix).search(event)
    except (RegexError, MatchLimit, UnicodeEncodeError):  # the last: a lone surrogate, which is no text for PCRE2
        return None
    return None if found is None else found.end


def _zone(settings: TimeSettings) -> tzinfo:
    return (zone_of_setting(settings.zone) if settings.zone else None) or UTC
