"""The time settings that fit a sample: where the event's time stands, by which format, measured by `find_time` itself.

What is proposed has read the events: no proposal rests on the look of a text alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.addons.timestamps.automatic import DateOrder
from app.addons.timestamps.day_order import REFERENCE, OrderDecision, decide_order
from app.addons.timestamps.finding import DEFAULT_LOOKAHEAD, TimeSettings, find_time
from app.addons.timestamps.occurrences import (
    MOST_MISSING,
    Occurrence,
    ScannedEvent,
    at_place,
    likeliest,
    occurrences,
    open_orders,
    ranked_places,
    scan,
)
from app.addons.timestamps.prefixes import prefixes
from app.addons.timestamps.proposal_notes import notes_of, zone_evidence
from app.addons.timestamps.time_format import compile_time_format

MOST_EVENTS = 400
"""So many events, evenly spread, are looked at closely; all are read by the settings that are proposed."""
LEAST_SHARE = 1 - MOST_MISSING
"""A format that reads fewer of the events is not proposed."""
_GAIN = 0.02
"""A format gives way to recognition that reads so much more: a sample of two formats, no damaged line."""
_MOST_FORMATS = 4
_MOST_ALTERNATIVES = 3
_SLACK = 8
"""Characters added to the lookahead of recognition: another event may have a longer name or fraction."""


@dataclass(frozen=True)
class TimestampProposal:
    """Settings that fit, and how well. No `time_format`: Splunk's recognition reads more than any single format.

    `share` is the part of all events in which these settings read the time. `time_prefix` may be empty. `notes` say
    what was assumed; `alternatives` are settings that fit as well or read another time of the events.
    """

    time_prefix: str
    time_format: str | None
    lookahead: int
    zone: str | None
    share: float
    notes: tuple[str, ...] = ()
    alternatives: tuple[TimeSettings, ...] = ()

    @property
    def settings(self) -> TimeSettings:
        """The settings as `find_time` takes them."""
        return TimeSettings(self.time_prefix or None, self.time_format, self.lookahead, self.zone)


@dataclass(frozen=True)
class _Sample:
    """The events that are looked at closely, the times in each, and the order of numbers in dates."""

    events: tuple[ScannedEvent, ...]
    times: tuple[Sequence[Occurrence], ...]
    order: OrderDecision | None


@dataclass(frozen=True)
class _Fit:
    """Settings, and the share of the sample's events in which they read the wanted time."""

    settings: TimeSettings
    share: float


def propose_timestamp(events: Sequence[str]) -> TimestampProposal | None:
    """The settings that read the events' times; None where the events have no times."""
    step = max(1, -(-len(events) // MOST_EVENTS))
    closely = events[::step]
    sample = _sampled(closely)
    places = ranked_places(sample.times)
    wanted = at_place(sample.times, places[0]) if places else likeliest(sample.times)
    best = _fit(sample.events, wanted)
    if best is None:
        return None
    zone, zone_note = zone_evidence(closely, wanted, sample.times)
    settings = replace(best.settings, zone=zone)
    share = _share_read(events, settings, best.share if len(closely) == len(events) else None)
    if not share:
        return None
    notes = [*notes_of(wanted, sample.times, _used_order(sample.order, wanted))]
    notes += [zone_note] if zone_note else []
    if settings.time_format is None:
        notes.append("no TIME_FORMAT: Splunk's recognition reads more of the events than any single format")
    if share < 1:
        notes.append(f"{round((1 - share) * len(events))} of {len(events)} events have no time by these settings")
    alternatives = _alternatives(sample, places, settings)
    return TimestampProposal(
        settings.time_prefix or "", settings.time_format, settings.lookahead, zone, share, tuple(notes), alternatives
    )


def _sampled(events: Sequence[str]) -> _Sample:
    scanned = tuple(scan(each) for each in events)
    numbers = open_orders(scanned)
    order = decide_order(numbers) if numbers else None
    date_order = order.order if order is not None else DateOrder.MONTH_FIRST
    return _Sample(scanned, tuple(occurrences(each, date_order) for each in scanned), order)


def _used_order(order: OrderDecision | None, wanted: Sequence[Occurrence | None]) -> OrderDecision | None:
    """The decision where the proposed times have numbers whose order was open."""
    if order is None:
        return None
    return order if any(each is not None and _is_numeric(each.time_format) for each in wanted) else None


def _is_numeric(time_format: str) -> bool:
    return re.match(r"%[mdy]([-/.])%[md]\1%[dyY]", time_format) is not None


def _fit(events: Sequence[ScannedEvent], wanted: Sequence[Occurrence | None]) -> _Fit | None:
    """The best settings for these times: a prefix with a format, else a prefix or none with recognition."""
    known = [(event, each) for event, each in zip(events, wanted, strict=True) if each is not None]
    if not known:
        return None
    before = [event.text[: each.time.start] for event, each in known]
    leads = prefixes(before, [each.key for _, each in known])
    formatted = _best(
        [_formatted(lead, form) for lead in leads for form in _formats([e for _, e in known])], events, wanted
    )
    if formatted is not None and formatted.share == 1:
        return formatted
    farthest = max(each.time.end for _, each in known)
    recognised = _best([_recognised(lead, known) for lead in leads] + [_unled(farthest)], events, wanted)
    if formatted is None or formatted.share < LEAST_SHARE:
        return recognised
    if recognised is not None and recognised.share >= formatted.share + _GAIN:
        return recognised
    return formatted


def _best(
    candidates: Sequence[TimeSettings], events: Sequence[ScannedEvent], wanted: Sequence[Occurrence | None]
) -> _Fit | None:
    """The settings that read most of the wanted times, the first of equals."""
    best: _Fit | None = None
    for settings in candidates:
        share = _share_fitting(events, wanted, settings)
        if share and (best is None or share > best.share):
            best = _Fit(settings, share)
        if share == 1:
            break
    return best


def _formatted(lead: str, time_format: str) -> TimeSettings:
    return TimeSettings(lead or None, time_format, compile_time_format(time_format).longest + _spaces(time_format))


def _spaces(time_format: str) -> int:
    """Room for a second space where the format has one, as in `Jun  8`."""
    return time_format.count(" ")


def _recognised(lead: str, known: Sequence[tuple[ScannedEvent, Occurrence]]) -> TimeSettings:
    longest = max(each.time.end - each.time.start for _, each in known)
    return TimeSettings(lead or None, None, longest + _SLACK)


def _unled(farthest: int) -> TimeSettings:
    return TimeSettings(None, None, DEFAULT_LOOKAHEAD if farthest <= DEFAULT_LOOKAHEAD else farthest + _SLACK)


def _formats(found: Sequence[Occurrence]) -> list[str]:
    """The formats of the times, the most frequent first, before them the one that is wide enough for all."""
    counted = Counter(each.time_format for each in found)
    common = [each for each, _ in counted.most_common(_MOST_FORMATS)]
    widened = dict.fromkeys(_widened(each, list(counted)) for each in common)
    return list(dict.fromkeys([*widened, *common]))


def _widened(time_format: str, all_formats: Sequence[str]) -> str:
    """The format with the longest fraction that any of the events has, and with names both short and long."""
    digits = max((each for form in all_formats for each in re.findall(r"%([369])N", form)), default="")
    widened = re.sub(r"%[369]N", f"%{digits}N", time_format)
    for long, short in (("%B", "%b"), ("%A", "%a")):
        if any(long in each for each in all_formats) and any(short in each for each in all_formats):
            widened = widened.replace(short, long)
    return widened


def _share_fitting(
    events: Sequence[ScannedEvent], wanted: Sequence[Occurrence | None], settings: TimeSettings
) -> float:
    """The share of events in which the settings read the wanted moment, its zone included."""
    fitting = 0
    for event, each in zip(events, wanted, strict=True):
        if each is None:
            continue
        found = find_time(event.text, settings, REFERENCE)
        fitting += found is not None and (found.moment, found.zone_known) == (each.time.moment, each.time.zone_known)
    return fitting / len(events)


def _share_read(events: Sequence[str], settings: TimeSettings, measured: float | None) -> float:
    """The share of all events in which the settings read a time; the measured one where that was of all events."""
    if measured is not None:
        return measured
    return sum(find_time(each, settings, REFERENCE) is not None for each in events) / len(events)


def _alternatives(sample: _Sample, places: Sequence[tuple[str, int]], chosen: TimeSettings) -> tuple[TimeSettings, ...]:
    """Settings for the other orders of the date and for the other times of the events."""
    found: list[TimeSettings] = []
    if sample.order is not None and chosen.time_format is not None and _is_numeric(chosen.time_format):
        found += [replace(chosen, time_format=_reordered(chosen.time_format, each)) for each in sample.order.others]
    for place in places[1:_MOST_ALTERNATIVES]:
        fit = _fit(sample.events, at_place(sample.times, place))
        if fit is not None:
            found.append(fit.settings)
    return tuple(each for each in found[:_MOST_ALTERNATIVES] if each != chosen)


def _reordered(time_format: str, order: DateOrder) -> str:
    """The same format with the three numbers of the date in another order."""
    year = "%Y" if "%Y" in time_format else "%y"
    separator = time_format[2]
    date = separator.join(year if part == "y" else f"%{part}" for part in order.value)
    return date + time_format[8:]
