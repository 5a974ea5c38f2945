"""Every time in an event, and which of the places where times stand is the event's own.

A place is the same in all events: the value of one key, or the first, second, ... time that no key announces.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from app.addons.timestamps.automatic import DateOrder, format_of, has_open_order, parts_of
from app.addons.timestamps.day_order import REFERENCE
from app.addons.timestamps.instants import parsed_time
from app.addons.timestamps.keys import Key, Telling, body_start, depth, key_before, telling
from app.addons.timestamps.parsed import ParsedTime
from app.addons.timestamps.shapes import Reader, ShapeMatch, shape_matches

MAX_CHARACTERS = 2_000
"""Of each event so much is looked at: times that belong to the event stand near its beginning."""
_MOST_TIMES = 24
"""Of one event so many times are kept."""
MOST_MISSING = 0.1
"""A place that more of the events lack is not the event's time (a format must read nine of ten)."""
_FEWEST_TO_COMPARE = 5
"""With fewer events a time that stays the same is no evidence."""
_SAME = 0.9
"""A time that is the same in more of the events does not move with them."""

Place = tuple[str, int]
"""A key's name and 0, or no name and the ordinal number among the times without a key."""


@dataclass(frozen=True)
class Occurrence:
    """One time in one event; `in_body` says whether the time stands within JSON, XML or key=value pairs."""

    time: ParsedTime
    time_format: str
    key: Key | None
    in_body: bool
    depth: int
    place: Place


@dataclass(frozen=True)
class ScannedEvent:
    """The texts of an event that look like times, as they stand from the left."""

    text: str
    matches: tuple[Sequence[ShapeMatch], ...]


def scan(event: str) -> ScannedEvent:
    """What looks like a time in the first 2,000 characters of the event."""
    text = event[:MAX_CHARACTERS]
    found: list[Sequence[ShapeMatch]] = []
    for matches in shape_matches(text, 0, len(text), Reader.FORMAT_ALONE):
        found.append(matches)
        if len(found) == _MOST_TIMES:
            break
    return ScannedEvent(text, tuple(found))


def open_orders(events: Sequence[ScannedEvent]) -> list[ShapeMatch]:
    """The first text of each event in which the order of day and month is open."""
    firsts = (
        next((each for matches in event.matches for each in matches if has_open_order(each)), None) for event in events
    )
    return [each for each in firsts if each is not None]


def occurrences(event: ScannedEvent, order: DateOrder) -> list[Occurrence]:
    """The times of the event from the left, none overlapping; the longest reading that is a moment counts."""
    body = body_start(event.text)
    found: list[Occurrence] = []
    unnamed, reached = 0, 0
    for matches in event.matches:
        if matches[0].found.start() < reached:
            continue
        read = _read(matches, order)
        if read is None:
            continue
        time, time_format = read
        reached = time.end
        key = key_before(event.text, time.start)
        place = (key.name, 0) if key is not None else ("", unnamed)
        if any(each.place == place for each in found):
            continue
        unnamed += key is None
        in_body = body is not None and time.start >= body
        found.append(Occurrence(time, time_format, key, in_body, depth(event.text, time.start), place))
    return found


def _read(matches: Sequence[ShapeMatch], order: DateOrder) -> tuple[ParsedTime, str] | None:
    for each in matches:
        orders = (order, *(other for other in DateOrder if other is not order)) if has_open_order(each) else (order,)
        for attempt in orders:
            parts = parts_of(each, attempt)
            time = None if parts is None else parsed_time(parts, each.found.span(), REFERENCE, UTC)
            if time is not None:
                return time, format_of(each, attempt)
    return None


def ranked_places(events: Sequence[Sequence[Occurrence]]) -> list[Place]:
    """The places that nine of ten events have, the likeliest first.

    A time before the body comes first, then within a body the key that tells most and lies least deep, then whatever is
    leftmost. A place where the time stays the same while that of another rises with the events comes after that one.
    """
    by_place: dict[Place, list[Occurrence]] = defaultdict(list)
    for event in events:
        for each in event:
            by_place[each.place].append(each)
    least = max(1, len(events) * (1 - MOST_MISSING))
    frequent = {place: found for place, found in by_place.items() if len(found) >= least}
    order = sorted(frequent, key=lambda place: _preference(frequent[place]))
    moving = {place for place in order if _moves([each.time.moment for each in frequent[place]])}
    if not moving:
        return order
    return sorted(order, key=lambda place: _stays([each.time.moment for each in frequent[place]]))


def _preference(found: Sequence[Occurrence]) -> tuple[int, int, float, float]:
    in_body = sum(each.in_body for each in found) * 2 > len(found)
    start = sum(each.time.start for each in found) / len(found)
    key = found[0].key
    if not in_body:
        return (0, 0, 0.0, start)
    rank = telling(key.name) if key is not None else Telling.NO
    level = sum(each.depth for each in found) / len(found)
    if rank >= Telling.SOME_TIME:
        return (1, -rank, level, start)
    return (2, 0, 0.0, start)


def _moves(moments: Sequence[datetime]) -> bool:
    """Whether the times rise with the events, most of them different."""
    if len(moments) < _FEWEST_TO_COMPARE or len(set(moments)) * 2 < len(moments):
        return False
    rising = sum(a <= b for a, b in pairwise(moments))
    return rising >= _SAME * (len(moments) - 1)


def _stays(moments: Sequence[datetime]) -> bool:
    return len(moments) >= _FEWEST_TO_COMPARE and Counter(moments).most_common(1)[0][1] >= _SAME * len(moments)


def at_place(events: Sequence[Sequence[Occurrence]], place: Place) -> list[Occurrence | None]:
    """The time of each event at that place; None where the event has none there."""
    by_event: list[Mapping[Place, Occurrence]] = [{each.place: each for each in event} for event in events]
    return [each.get(place) for each in by_event]


def likeliest(events: Sequence[Sequence[Occurrence]]) -> list[Occurrence | None]:
    """The likeliest time of each event by itself, for events that share no place."""
    return [min(event, key=lambda each: _preference([each]), default=None) for event in events]
