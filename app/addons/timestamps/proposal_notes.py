"""What a proposal of time settings assumes, in words, and what the events say of their zone."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from app.addons.timestamps.day_order import OrderDecision
from app.addons.timestamps.occurrences import Occurrence

UTC_SETTING = "UTC"
_SAME_MOMENT = timedelta(seconds=2)
"""Two times of one event that differ by less are the same moment: the one is rounded, or written a little later."""
_QUARTER = timedelta(minutes=15)
_FARTHEST = timedelta(hours=14)
_MOST = 0.9
_FEWEST = 3
"""Events that must show it before two times of an event prove a zone."""
_UTC_KEY = re.compile(r"utc|gmt|zulu", re.IGNORECASE)
_W3C_HEADER = re.compile(r"\A#(?:Fields: [^\r\n]*\bdate\s+time\b|Software: Microsoft Internet Information Services)")
_IIS_COLUMNS = re.compile(
    r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:\S+ ){0,3}[0-9A-Fa-f.:]{3,45} [A-Z]{3,12} \S+ \S+ \d{1,5} \S+ "
    r"[0-9A-Fa-f.:]{3,45} ",
    re.ASCII,
)
"""The default columns of an IIS log in W3C format: date, time, server, method, stem, query, port, user, client."""


def zone_evidence(
    events: Sequence[str], times: Sequence[Occurrence | None], others: Sequence[Sequence[Occurrence]]
) -> tuple[str | None, str]:
    """The zone for TZ and the note on it: only UTC is proposed, and only by evidence; nothing where texts have a zone.

    `others` are all times of each event.
    """
    known = [each for each in times if each is not None]
    zoned = sum(each.time.zone_known for each in known)
    if zoned == len(known):
        return None, ""
    standard = _utc_by_standard(events, known)
    if standard is not None:
        return UTC_SETTING, f"no zone in the text: {standard}"
    shown = _shown_offset(times, others)
    if shown is None:
        missing = "not every event names a zone" if zoned else "no zone in the text"
        return None, f"{missing}: Splunk takes TZ, else the forwarder's zone"
    offset, name = shown
    if not offset:
        return UTC_SETTING, f"no zone in the text: {name} in the same events shows UTC"
    sign = "-" if offset < timedelta() else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return None, (
        f"no zone in the text: {name} in the same events shows UTC{sign}{hours:02}:{minutes:02}; set TZ to that zone"
    )


def _utc_by_standard(events: Sequence[str], known: Sequence[Occurrence]) -> str | None:
    """Why the times are UTC by their key or by the format of the log; None where nothing says so."""
    if all(each.key is not None and _UTC_KEY.search(each.key.name) for each in known):
        return "the key says UTC"
    if any(_W3C_HEADER.match(each) for each in events):
        return "the times of the W3C extended log file format are UTC"
    if sum(_IIS_COLUMNS.match(each) is not None for each in events) >= _MOST * len(events):
        return "the columns are those of IIS's W3C log, whose times are UTC"
    return None


def _shown_offset(
    times: Sequence[Occurrence | None], others: Sequence[Sequence[Occurrence]]
) -> tuple[timedelta, str] | None:
    """The offset that another time with a zone shows in nearly all events, and what that time is called."""
    shown: Counter[tuple[timedelta, str]] = Counter()
    compared = 0
    for time, event in zip(times, others, strict=True):
        other = next((each for each in event if each.time.zone_known and time is not None and each is not time), None)
        if time is None or other is None:
            continue
        compared += 1
        apart = time.time.moment - other.time.moment
        offset = round(apart / _QUARTER) * _QUARTER
        if time.time.year_known and abs(offset) <= _FARTHEST and abs(apart - offset) <= _SAME_MOMENT:
            shown[offset, _name(other)] += 1
    if not shown:
        return None
    best, count = shown.most_common(1)[0]
    return best if count >= _FEWEST and count >= _MOST * compared else None


def _name(each: Occurrence) -> str:
    return each.key.name if each.key is not None else "another time"


def notes_of(
    times: Sequence[Occurrence | None], others: Sequence[Sequence[Occurrence]], order: OrderDecision | None
) -> Iterator[str]:
    """What was assumed about the order of the date, the year, and a more exact time elsewhere in the events."""
    known = [each for each in times if each is not None]
    if order is not None and order.note:
        yield order.note
    if any(not each.time.year_known for each in known):
        yield "no year in the text: Splunk takes the last year in which the time is not in the future"
    exact = _more_exact(times, others)
    if exact is not None:
        yield exact


def _more_exact(times: Sequence[Occurrence | None], others: Sequence[Sequence[Occurrence]]) -> str | None:
    """The note on a time of the body that says the year or the zone where the event's time does not."""
    found: Counter[tuple[str, str]] = Counter()
    for time, event in zip(times, others, strict=True):
        if time is None:
            continue
        for each in event:
            gained = _gained(time, each)
            if each is not time and gained and _near(time.time.moment, each.time.moment):
                found[_name(each), gained] += 1
    if not found:
        return None
    (name, gained), count = found.most_common(1)[0]
    if count * 2 < len(times):
        return None
    return f"the body carries a more exact time ({name}), with {gained}"


def _gained(time: Occurrence, other: Occurrence) -> str:
    gains = []
    if other.time.year_known and not time.time.year_known:
        gains.append("year")
    if other.time.zone_known and not time.time.zone_known:
        gains.append("zone")
    return " and ".join(gains)


def _near(first: datetime, second: datetime) -> bool:
    """Whether both are of the same days of a year; the years may differ, as one of them may be assumed."""
    return abs(first.timetuple().tm_yday - second.timetuple().tm_yday) <= 1
