"""The order of day, month and year in numbers such as 03/04/2021, decided by the whole sample."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from app.addons.timestamps.automatic import DateOrder, parts_of
from app.addons.timestamps.instants import parsed_time
from app.addons.timestamps.shapes import ShapeMatch

REFERENCE = datetime(2100, 1, 1, tzinfo=UTC)
"""Times without a year are compared among themselves: any fixed reference serves, and a sample has one result."""
_MOST_WRONG = 0.02
"""A reading that fails in more of the events is refuted; fewer are damaged lines."""


@dataclass(frozen=True)
class OrderDecision:
    """The order, the other ones that the events allow as well, and the evidence in words (empty for none needed)."""

    order: DateOrder
    others: tuple[DateOrder, ...] = ()
    note: str = ""


def decide_order(matches: Sequence[ShapeMatch]) -> OrderDecision:
    """The order by evidence: a number above twelve, else times that rise with the events, else the more common reading.

    `matches` have an open order, in the order of the events.
    """
    if not matches:
        return OrderDecision(DateOrder.MONTH_FIRST)
    readings = {order: _moments(matches, order) for order in DateOrder}
    possible = [order for order in DateOrder if readings[order].count(None) <= _MOST_WRONG * len(matches)]
    text = matches[0].found[0]
    if not possible:
        best = min(DateOrder, key=lambda order: readings[order].count(None))
        return OrderDecision(best, note=f"no order of day and month fits all events, such as {text}")
    if len(possible) == 1:
        return OrderDecision(possible[0], note=_refuted(possible[0], matches))
    rising = [order for order in possible if _rises([each for each in readings[order] if each is not None])]
    others = {order: tuple(each for each in possible if each is not order) for order in possible}
    if len(rising) == 1:
        order = rising[0]
        return OrderDecision(order, others[order], f"{_words(order)}: only so do the times rise with the events")
    order = _usual(rising or possible, matches, readings)
    fit = " or ".join(_words(each) for each in possible)
    many = "both" if len(possible) == 2 else "several"  # noqa: PLR2004 - two
    return OrderDecision(order, others[order], f"{many} orders fit: {text} may have {fit}; {_words(order)} is assumed")


def _moments(matches: Sequence[ShapeMatch], order: DateOrder) -> list[datetime | None]:
    moments: list[datetime | None] = []
    for each in matches:
        parts = parts_of(each, order)
        parsed = None if parts is None else parsed_time(parts, each.found.span(), REFERENCE, UTC)
        moments.append(None if parsed is None else parsed.moment)
    return moments


def _rises(moments: Sequence[datetime]) -> bool:
    """Whether the times never fall and do move; logs are also written from the newest to the oldest."""
    if len(set(moments)) <= 1:
        return False
    steps = list(pairwise(moments))
    return all(a <= b for a, b in steps) or all(a >= b for a, b in steps)


def _usual(
    possible: Sequence[DateOrder], matches: Sequence[ShapeMatch], readings: Mapping[DateOrder, list[datetime | None]]
) -> DateOrder:
    """The more common reading: day first between dots, else Splunk's own default of the month first.

    Where the month cannot be first, `17/06/09` is the year first, as Log4j's `yy/MM/dd` writes; a first number that
    never changes beside a last one that does is the year too.
    """
    firsts = {each.found["n1"] for each in matches}
    lasts = {each.found["n3"] for each in matches}
    if DateOrder.YEAR_FIRST in possible and len(firsts) == 1 < len(lasts):
        return DateOrder.YEAR_FIRST
    separator = Counter(each.found["sep"] for each in matches).most_common(1)[0][0]
    usual = [DateOrder.MONTH_FIRST, DateOrder.YEAR_FIRST, DateOrder.DAY_FIRST]
    if separator == ".":
        usual = [DateOrder.DAY_FIRST, DateOrder.YEAR_FIRST, DateOrder.MONTH_FIRST]
    spread = {order: len({each.date() for each in readings[order] if each is not None}) for order in possible}
    fewest = min(spread.values())
    closest = [order for order in usual if order in spread and spread[order] == fewest]
    return closest[0] if closest else possible[0]


def _refuted(order: DateOrder, matches: Sequence[ShapeMatch]) -> str:
    names = dict(zip(("n1", "n2", "n3"), order.value, strict=True))
    day = next(name for name, part in names.items() if part == "d")
    proof = next((each.found[0] for each in matches if int(each.found[day]) > 12), matches[0].found[0])  # noqa: PLR2004
    return f"{_words(order)}: {proof} shows the day"


def _words(order: DateOrder) -> str:
    return {
        DateOrder.MONTH_FIRST: "the month first",
        DateOrder.DAY_FIRST: "the day first",
        DateOrder.YEAR_FIRST: "the year first",
    }[order]
