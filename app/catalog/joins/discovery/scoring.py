"""How likely it is that a column refers to a key: log-odds of name, values and kind. Pure."""

import math
from typing import Final

from app.catalog.joins.discovery.estimates import standard_error
from app.warehouse.evidence.samples import ColumnEvidence, Family, JoinMeasure

PRIOR: Final = -4.0
"""Before anything is compared: of fifty pairs of a column and a key that pass the screen, about one is a reference.

This and all weights below are log-odds: 1 makes a reference 2.7 times as likely, 3 twenty times.
"""

NAME: Final = 6.0
"""Of a name that is the table's and its key's; half of the evidence adds half of it."""

VALUES: Final = 5.0
"""Of values that occur in the key and hardly would by chance, where there are enough of them."""

ENOUGH: Final = 20
"""Distinct values from which `VALUES` counts in full: nobody lists twenty codes of another table by accident, while
two or three (`A`, `B`) are the codes of many things."""

DENSE: Final = 0.8
"""Of numbers that occur in a dense key, and would by chance: it only shows that nothing speaks against them."""

FEW: Final = 3
"""Distinct values from which uuids count in full, as they never meet by accident, and from which `DENSE` does."""

UNFILLED: Final = -1.0
"""For the whole of the range of a dense key that twenty values or more leave free above them: old rows may be all
that is referred to, but a column that ends where the key ends is likelier."""

ORPHANS: Final = -6.0
"""For the whole by which values are missing: 15 % of orphans cost about 1, half of them 3."""

LEAST_CONTAINED: Final = 0.3
"""Share of the values below which a pair is no reference, whatever its name."""

OWN_KEY: Final = -3.0
"""Of a column that identifies the rows of its own table, `id`: another table's `id` is equal to it by counting."""

UNMEASURED: Final = -1.0
"""Of a pair of which no value could be compared."""

UNNAMED_CONTAINED: Final = 0.9
UNNAMED_CHANCE: Final = 0.2
"""What values must show where names say nothing: nine in ten occur in the key, as one in five at most do by chance."""

SMALL: Final = 10
"""A key of numbers that begins no higher counts up from one: any other numbers of its size are in it."""

RIVAL: Final = 0.5
"""What is left of the score of a target that is not the best of its column: it stays below the default bound."""

DECLARED: Final = 0.95
CONTRADICTED: Final = 0.6
"""Least score of a declared foreign key, and the most of one whose values mostly do not occur in its target."""

MOST: Final = 0.99
"""The largest score: evidence is never certainty."""


def by_chance(right: ColumnEvidence) -> float:
    """From 0 to 1, how likely an unrelated value of the same family occurs in the column.

    Of numbers, the larger of the part that the key fills of its range (halved if it does not count up from one, as
    another table may count from there too) and the part that it fills from zero up. Days are as dense as such numbers;
    texts and uuids meet by chance only when they are few, which the number of values tells.
    """
    if right.family in {Family.DATE, Family.INSTANT}:
        return 1.0
    if right.low is None or right.high is None:
        return 1.0 if right.family is Family.NUMBER else 0.0
    distinct = right.sample.distinct
    in_range = min(1.0, distinct / (right.high - right.low + 1))
    if right.low <= SMALL:
        return in_range
    return max(in_range / 2, min(1.0, distinct / (right.high + 1)))


def enough_values(column: ColumnEvidence) -> int:
    """Distinct values of the column from which their presence in a key counts in full."""
    return FEW if column.family is Family.UUID else ENOUGH


def unfilled(left: ColumnEvidence, right: ColumnEvidence) -> float:
    """The part of the key's range that lies above all values of the left; 0 of few values, and of no numbers."""
    if left.high is None or right.low is None or right.high is None or left.sample.distinct < ENOUGH:
        return 0.0
    return min(1.0, max(0.0, (right.high - left.high) / max(1.0, right.high - right.low)))


def contained(measured: JoinMeasure) -> float:
    """The mean of the shares of values and of rows that find their target: either alone is ruled by a few outliers."""
    return (measured.containment + 1 - measured.orphan_rate) / 2 if measured.values else 0.0


def score(
    name: float, measured: JoinMeasure, chance: float, *, own_key: bool, enough: int = ENOUGH, free: float = 0.0
) -> float:
    """The probability that left refers to right, from 0 to 1.

    Args:
        name: evidence of the names, from 0 to 1.
        measured: the join.
        chance: from `by_chance`.
        own_key: whether the left identifies the rows of its own table.
        enough: distinct values from which values count in full.
        free: from `unfilled`.
    """
    odds = PRIOR + NAME * name + (OWN_KEY if own_key else 0.0)
    if not measured.values:
        return probability(odds + UNMEASURED)
    share = contained(measured)
    matched = measured.values * measured.containment
    odds += VALUES * (1 - chance) * min(1.0, matched / enough) * share
    odds += DENSE * chance * min(1.0, matched / FEW) * share
    odds += ORPHANS * (1 - share) + UNFILLED * free * chance
    found = probability(odds)
    return min(found, 0.4) if share + standard_error(measured) < LEAST_CONTAINED else found


def probability(log_odds: float) -> float:
    """The probability of the log-odds, at most `MOST`, to three digits."""
    return round(min(MOST, 1 / (1 + math.exp(-log_odds))), 3)
