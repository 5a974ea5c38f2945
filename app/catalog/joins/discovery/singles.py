"""References of one column to one column: which are worth a look, and what each is worth. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.catalog.joins.discovery.estimates import measure, outside, screened, suffices
from app.catalog.joins.discovery.keys import Grain, Named, can_refer, grains, read_names
from app.catalog.joins.discovery.lookup import Targets
from app.catalog.joins.discovery.model import Measured, Pair, UniqueAnswers
from app.catalog.joins.discovery.naming import NONE, NameEvidence, is_count, is_identifying, is_measure
from app.catalog.joins.discovery.scoring import (
    ENOUGH,
    LEAST_CONTAINED,
    RIVAL,
    SMALL,
    UNNAMED_CHANCE,
    UNNAMED_CONTAINED,
    by_chance,
    contained,
    enough_values,
    score,
    unfilled,
)
from app.catalog.joins.discovery.words import TIME_TABLES
from app.warehouse.evidence.samples import ColumnEvidence, Family, JoinMeasure, TableEvidence

SECONDARY: Final = 0.85
"""Least evidence of a name for a unique column that is not the key of its table."""

OF_MEASURES: Final = 0.45
"""What is left of the evidence of a name that is a quantity's: `level` is one even where a table `levels` exists."""

OF_DAYS: Final = 0.72
"""Evidence for a column of dates towards the key of a table of days: `order_date`, `calendar`."""

OF_RANGE: Final = 0.62
"""Evidence of an identification that no table is named for, and that fills the range of one key alone: an unrelated
one would have to end within a tenth of it by accident."""

UNFILLED: Final = 0.1
"""Part of the range of a key that a column may leave free at either end and still fill it."""

MOST_NAMED: Final = 8
"""Targets of a column that are compared, the best named first: of hundreds of tables many have a word in common."""

NEARER: Final = 0.3
"""Evidence of a name for some table from which a target without any is doubted."""


@dataclass(frozen=True, slots=True)
class Single:
    """A column, a target, and what is known of the two."""

    pair: Pair
    name: NameEvidence
    measure: JoinMeasure
    chance: float
    small: bool
    """Whether both are dense numbers that count up from one."""
    told: bool
    """Whether the containment was measured, or the samples suffice."""
    score: float
    doubted: bool = False
    """Whether another target of the same column is likelier."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is looked up again and again of a set of tables."""

    tables: Mapping[str, TableEvidence]
    columns: Mapping[tuple[str, str], ColumnEvidence]
    named: Named
    grains: Mapping[str, Grain]
    targets: Targets

    def rows(self, table: str) -> int:
        """The rows of the table."""
        return self.tables[table].rows

    def is_key(self, table: str, column: str) -> bool:
        """Whether the column alone is what identifies a row of the table."""
        return self.grains[table].key == (column,)


def context(tables: Sequence[TableEvidence], answers: UniqueAnswers) -> Context:
    """The names, keys and targets of the tables."""
    named = read_names(tables)
    found = grains(tables, named, answers)
    columns = {(each.table, column.name): column for each in tables for column in each.columns}
    targets = [
        named.target(table, column)
        for table, grain in found.items()
        for column in (*(grain.key if grain.key and len(grain.key) == 1 else ()), *grain.secondary)
        if can_refer(columns[table, column])
    ]
    return Context({each.table: each for each in tables}, columns, named, found, Targets(targets))


def singles(known: Context, measured: Measured) -> list[Single]:
    """Every pair of a column and a key that names or values speak for, rivals of better ones marked as doubted."""
    found: list[Single] = []
    keys = [
        (table, grain.key[0])
        for table, grain in known.grains.items()
        if grain.key and len(grain.key) == 1 and can_refer(known.columns[table, grain.key[0]])
    ]
    for (table, _), column in known.columns.items():
        if can_refer(column):
            found += _ranked(list(_of_column(known, measured, table, column, keys)))
    return _one_way(found)


def _of_column(
    known: Context, measured: Measured, table: str, column: ColumnEvidence, keys: Sequence[tuple[str, str]]
) -> Iterator[Single]:
    """What the column may refer to: the targets that its name means, and keys that its values are those of."""
    name = known.named.columns[table, column.name]
    measuring = is_measure(name) or (column.family is Family.NUMBER and is_count(name))
    best, named = 0.0, {}
    for target, said in known.targets.of(name):
        place = target.table, target.column
        worth = replace(said, score=said.score * OF_MEASURES) if measuring else said
        if column.family is known.columns[place].family and _is_named_enough(known, worth, place):
            named[place] = worth
            best = max(best, worth.score)
    standing = 0.0
    for place, said in sorted(named.items(), key=lambda each: (-each[1].score, each[0]))[:MOST_NAMED]:
        if said.score < standing - NEARER:
            break  # what is named so much less would only be doubted
        single = _single(known, measured, table, column, place, said)
        if single is not None:
            yield single
            standing = max(standing, said.score if not single.told or contained(single.measure) >= RIVAL else 0.0)
    if measuring or column.family in {Family.DATE, Family.INSTANT}:
        yield from _of_days(known, measured, table, column, keys)
        return
    others = [place for place in keys if place not in named]
    yield from _of_values(known, measured, table, column, others, best, standing)


def _of_values(
    known: Context,
    measured: Measured,
    table: str,
    column: ColumnEvidence,
    keys: Sequence[tuple[str, str]],
    best: float,
    standing: float,
) -> Iterator[Single]:
    """Keys without a name in common that hold the column's values: doubted if there are several, or one is named.

    Args:
        known: what is known of all tables.
        measured: pairs that were measured.
        table: of the column.
        column: that may refer.
        keys: which its name does not mean.
        best: the best evidence of its name for any other key.
        standing: the same, of keys in which its values occur.
    """
    found = []
    for place in keys:
        said = _of_range(known, table, column, place) if standing < OF_RANGE else NONE
        if said is not NONE or _meets(known, table, column, place):
            single = _single(known, measured, table, column, place, said)
            if single is not None and contained(single.measure) >= UNNAMED_CONTAINED:
                found.append(single)
    for single in found:
        sure = len(found) == 1 and (best < NEARER or single.name.score > standing)
        yield single if sure else replace(single, doubted=True, score=round(single.score * RIVAL, 3))


def _of_range(known: Context, table: str, column: ColumnEvidence, place: tuple[str, str]) -> NameEvidence:
    """What it says that a column which identifies something fills the range of a key of dense numbers."""
    target = known.columns[place]
    if column.low is None or column.high is None or target.low is None or target.high is None:
        return NONE
    dense = column.family is Family.NUMBER and target.family is Family.NUMBER and by_chance(target) > UNNAMED_CHANCE
    if not dense or known.is_key(table, column.name) or not is_identifying(known.named.columns[table, column.name]):
        return NONE
    spread = target.high - target.low
    fills = column.high >= target.high - UNFILLED * spread and column.low <= target.low + UNFILLED * spread
    within = target.low <= column.low and column.high <= target.high
    if not fills or not within or column.sample.distinct < ENOUGH or place[0] == table:
        return NONE
    return NameEvidence(OF_RANGE, f"{column.name} identifies something, and fills the range of the key of {place[0]}")


def _is_named_enough(known: Context, said: NameEvidence, place: tuple[str, str]) -> bool:
    if known.columns[place].family in {Family.DATE, Family.INSTANT}:
        return False
    return known.is_key(*place) or said.score >= SECONDARY


def _of_days(
    known: Context, measured: Measured, table: str, column: ColumnEvidence, keys: Sequence[tuple[str, str]]
) -> Iterator[Single]:
    """References of a date to the key of a table of days, which every date has some name for."""
    if column.family is not Family.DATE or known.is_key(table, column.name):
        return
    for place in keys:
        target = known.columns[place]
        days = any(words and words[-1] in TIME_TABLES for words, _ in known.named.entities[place[0]])
        if days and place[0] != table and target.family is Family.DATE:
            said = NameEvidence(OF_DAYS, f"{column.name} is a date, and {place[0]} a table of days")
            single = _single(known, measured, table, column, place, said)
            if single is not None:
                yield single


def _meets(known: Context, table: str, column: ColumnEvidence, place: tuple[str, str]) -> bool:
    """Whether the values alone may show a reference: enough of them, in a key of texts or of sparse numbers."""
    target = known.columns[place]
    if place == (table, column.name) or column.family is not target.family or outside(column, target):
        return False
    if known.is_key(table, column.name) and column.family is Family.NUMBER:
        return False
    if len(column.sample.hashes) < enough_values(column) or not screened(column, target, UNNAMED_CONTAINED):
        return False
    return by_chance(target) <= UNNAMED_CHANCE


def _single(
    known: Context, measured: Measured, table: str, column: ColumnEvidence, place: tuple[str, str], said: NameEvidence
) -> Single | None:
    """The pair with its measure and score; None of one that cannot be a reference."""
    target = known.columns[place]
    pair = Pair(table, (column.name,), place[0], (place[1],))
    told = pair in measured or suffices(column, target)
    if pair not in measured and (outside(column, target) or (told and not screened(column, target, LEAST_CONTAINED))):
        return None
    found = measured.get(pair) or measure(column, known.rows(table), target, known.rows(place[0]))
    if not found.right_unique or (found.values and not found.left_matched_distinct and told):
        return None
    if table == place[0] and found.left_unique and not found.left_nulls:
        return None  # a copy of the key, or a name of each row: it leads every row to itself
    chance = by_chance(target)
    own = known.is_key(table, column.name) and said.score < SECONDARY
    small = chance > UNNAMED_CHANCE and (target.low or 0) <= SMALL
    worth = score(said.score, found, chance, own_key=own, enough=enough_values(column), free=unfilled(column, target))
    return Single(pair, said, found, chance, small, told, worth)


def _ranked(found: list[Single]) -> list[Single]:
    """The same, all but the best-named of those that would be suggested marked as doubted."""
    standing = [each for each in found if each.score >= RIVAL]
    if len(standing) < 2:  # noqa: PLR2004 - nothing rivals one
        return found
    best = max(standing, key=lambda each: (each.name.score, each.score, each.measure.coverage, each.pair.right_table))
    return [
        each if each is best or each.doubted else replace(each, doubted=True, score=round(each.score * RIVAL, 3))
        for each in found
    ]


def _one_way(found: list[Single]) -> list[Single]:
    """The same without the weaker direction of two columns that are both unique: the one that is named less."""
    by_pair = {each.pair: each for each in found}
    kept = []
    for each in found:
        pair = each.pair
        back = by_pair.get(Pair(pair.right_table, pair.right_columns, pair.left_table, pair.left_columns))
        if back is None or _strength(each) > _strength(back):
            kept.append(each)
    return kept


def _strength(single: Single) -> tuple[float, float, float, str]:
    """By which of two directions is chosen: name, score, containment, and the order of the tables."""
    return (round(single.name.score, 3), single.score, single.measure.containment, single.pair.right_table)
