"""References of several columns to a key of several: which sets may be keys, and which columns may refer to them. Pure.

A column is the counterpart of another when both have the same name (without what their tables put before it), or
when both refer to the same key.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from app.catalog.joins.discovery.context import Context
from app.catalog.joins.discovery.keys import can_refer
from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE, KeyQuestion, Measured, Pair
from app.catalog.joins.discovery.naming import Reading, is_measure, is_prose, is_specific
from app.catalog.joins.discovery.scoring import score
from app.catalog.joins.discovery.singles import Single
from app.warehouse.evidence.samples import JoinMeasure, TableEvidence, ValueSample

SAME_NAME: Final = 0.95
"""Evidence of a counterpart with the same name."""

SAME_TARGET: Final = 0.85
"""Evidence of a counterpart that refers to the same key under another name."""

MOST_MEMBERS: Final = 3
"""Columns of a composite key that is asked for: of more, a database declares the key or has none."""

MOST_CONSIDERED: Final = 8
"""Columns of a table, the likeliest first, of which sets are made: 28 pairs and 56 triples."""

MOST_PAIRS_OF_TABLE: Final = 4
MOST_TRIPLES_OF_TABLE: Final = 2
"""Sets that are asked of one table: each costs a pass over its rows, and the likeliest stand first."""

DEVIATIONS: Final = 3.0
"""Standard errors by which estimated numbers of distinct values may fall short: once in seven hundred times."""


@dataclass(frozen=True, slots=True)
class Composite:
    """Columns that refer to a composite key."""

    pair: Pair
    name: float
    measure: JoinMeasure
    score: float


class Counterparts:
    """For every column the columns of other tables that are about the same."""

    def __init__(self, known: Context, found: Sequence[Single]) -> None:
        self._known = known
        self.refers = references(found)
        self._by_name: dict[object, list[tuple[str, str]]] = {}
        self._by_target: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for place, column in known.columns.items():
            if not can_refer(column):
                continue
            for reading in known.named.columns[place].readings:
                if reading.words:
                    self._by_name.setdefault((reading, column.family), []).append(place)
            self._by_target.setdefault(self.refers.get(place, place), []).append(place)

    def of(self, place: tuple[str, str]) -> Mapping[str, tuple[float, str]]:
        """By table the best counterpart, with its evidence; of the table itself none."""
        best: dict[str, tuple[float, str]] = {}
        family = self._known.columns[place].family
        for worth, places in (
            (SAME_TARGET, self._by_target.get(self.refers.get(place, place), ())),
            *((SAME_NAME, self._by_name.get((reading, family), ())) for reading in self._readings(place)),
        ):
            for table, name in places:
                if table != place[0] and worth > best.get(table, (0.0, ""))[0]:
                    best[table] = worth, name
        return best

    def _readings(self, place: tuple[str, str]) -> Iterator[Reading]:
        """How a counterpart may be called: as the column, or of a bare `id` as its table."""
        for reading in self._known.named.columns[place].readings:
            if reading.words:
                yield reading
            else:
                for words, _ in self._known.named.entities[place[0]]:
                    yield Reading(words, reading.suffix)


def references(found: Sequence[Single]) -> dict[tuple[str, str], tuple[str, str]]:
    """By column the key that it most likely refers to, of those that would be suggested."""
    return {
        (each.pair.left_table, each.pair.left_columns[0]): (each.pair.right_table, each.pair.right_columns[0])
        for each in sorted(found, key=lambda each: each.score)
        if not each.doubted and each.score >= DEFAULT_MIN_SCORE
    }


def questions(known: Context, found: Sequence[Single]) -> list[KeyQuestion]:
    """Sets of columns that may be the key of a table without one, and of which another table has a counterpart each."""
    counterparts = Counterparts(known, found)
    asked: list[KeyQuestion] = []
    for table in known.tables.values():
        if known.grains[table.table].weak and table.rows:
            asked += _of_table(known, table, counterparts)
    return asked


def _of_table(known: Context, table: TableEvidence, counterparts: Counterparts) -> Iterator[KeyQuestion]:
    ranks: dict[str, int] = {}
    shared: dict[str, list[str]] = {}
    for column in table.columns:
        place = table.table, column.name
        apt = can_refer(column) and not column.nulls and not is_prose(known.named.columns[place])
        others = counterparts.of(place) if apt else {}
        for other in others:
            shared.setdefault(other, []).append(column.name)
        if others:
            ranks[column.name] = _rank(known, place, counterparts)
    order = {column.name: index for index, column in enumerate(table.columns)}
    sets: set[tuple[str, ...]] = set()
    for names in shared.values():
        likeliest = sorted(sorted(names, key=lambda name: -ranks[name])[:MOST_CONSIDERED], key=order.__getitem__)
        for size in range(2, MOST_MEMBERS + 1):
            sets |= {each for each in combinations(likeliest, size) if _may_be_key(known, table, each)}
    ranked = sorted(sets, key=lambda each: (-sum(ranks[name] for name in each), [order[name] for name in each]))
    pairs = [each for each in ranked if len(each) == 2][:MOST_PAIRS_OF_TABLE]  # noqa: PLR2004
    # Of a triple every pair that may be the key has to be asked, too: else it might be one column too long.
    triples = [each for each in ranked if len(each) > 2 and sets.intersection(combinations(each, 2)) <= set(pairs)]  # noqa: PLR2004
    yield from (KeyQuestion(table.table, each) for each in (*pairs, *triples[:MOST_TRIPLES_OF_TABLE]))


def _rank(known: Context, place: tuple[str, str], counterparts: Counterparts) -> int:
    """How likely the column is part of a key: it refers to one, identifies by its name, or measures nothing."""
    name = known.named.columns[place]
    if is_measure(name):
        return 0
    if place in counterparts.refers:
        return 4
    return 3 if any(reading.suffix in {"id", "code", "number"} for reading in name.readings) else 1


def at_most(sample: ValueSample) -> float:
    """Distinct values that the column may have: as many as counted, or estimated with an error of 1/sqrt(n)."""
    if sample.complete or not sample.hashes:
        return float(sample.distinct)
    return sample.distinct * (1 + DEVIATIONS / math.sqrt(len(sample.hashes)))


def _may_be_key(known: Context, table: TableEvidence, names: tuple[str, ...]) -> bool:
    """Whether there are as many combinations as rows, and one of the columns has a name of its own."""
    distinct = [at_most(known.columns[table.table, name].sample) for name in names]
    specific = any(
        is_specific(reading) for name in names for reading in known.named.columns[table.table, name].readings
    )
    return specific and min(distinct) > 1 and math.prod(distinct) >= table.rows


def pairs(known: Context, found: Sequence[Single]) -> list[tuple[float, Pair]]:
    """For every composite key the columns of other tables that may refer to it, with the evidence of their names."""
    counterparts = Counterparts(known, found)
    named: list[tuple[float, Pair]] = []
    for table, grain in known.grains.items():
        for key in grain.composite:
            if all((table, name) in known.columns for name in key):
                named += _of_key(counterparts, table, key)
    return named


def _of_key(counterparts: Counterparts, table: str, key: tuple[str, ...]) -> Iterator[tuple[float, Pair]]:
    members = [counterparts.of((table, name)) for name in key]
    for other in members[0]:
        if all(other in each for each in members):
            columns = tuple(each[other][1] for each in members)
            if len(set(columns)) == len(columns):
                worth = sum(each[other][0] for each in members) / len(members)
                yield worth, Pair(other, columns, table, key)


def composites(known: Context, found: Sequence[Single], measured: Measured) -> list[Composite]:
    """What the measured pairs of composite keys are worth, the weaker of two directions left out."""
    scored = {}
    for name, pair in pairs(known, found):
        if pair in measured and measured[pair].right_unique and measured[pair].left_matched_distinct:
            chance = min(1.0, measured[pair].right_distinct / _combinations(known, pair))
            scored[pair] = Composite(pair, name, measured[pair], score(name, measured[pair], chance, own_key=False))
    return [each for each in scored.values() if _is_stronger(each, scored)]


def _combinations(known: Context, pair: Pair) -> int:
    return max(1, math.prod(known.columns[pair.right_table, name].sample.distinct for name in pair.right_columns))


def _is_stronger(each: Composite, scored: Mapping[Pair, Composite]) -> bool:
    """Whether the other direction, of tables that share a composite key, is not there or has more orphans."""
    for other in scored.values():
        pair = other.pair
        if pair.right_table == each.pair.left_table and pair.left_table == each.pair.right_table:
            same = set(zip(pair.right_columns, pair.left_columns, strict=True)) == set(
                zip(each.pair.left_columns, each.pair.right_columns, strict=True)
            )
            ours, theirs = ((it.measure.containment, it.pair.right_table) for it in (each, other))
            if same and theirs > ours:
                return False
    return True
