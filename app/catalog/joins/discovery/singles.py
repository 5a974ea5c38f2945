"""References of one column to one column: which are worth a look, and what each is worth. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.catalog.joins.discovery.context import Context, Key, Left, Place
from app.catalog.joins.discovery.estimates import measure, outside, screened, suffices
from app.catalog.joins.discovery.keys import can_refer, is_named_for
from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE, Measured, Pair
from app.catalog.joins.discovery.naming import NONE, NameEvidence, TargetName
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
from app.warehouse.evidence.samples import Family, JoinMeasure

SECONDARY: Final = 0.85
"""Least evidence of a name for a unique column that is not the key of its table."""

BESIDE_KEY: Final = 0.97
"""What is left of such evidence: of two columns of a table that may be meant, it is the key."""

OF_MEASURES: Final = 0.45
"""What is left of the evidence of a name that is a quantity's: `level` is one even where a table `levels` exists."""

OF_DAYS: Final = 0.72
"""Evidence for a column of dates towards the key of a table of days: `order_date`, `calendar`."""

OF_RANGE: Final = 0.62
"""Evidence of an identification that no table is named for, and that fills the range of one key alone: an unrelated
one would have to end within a tenth of it by accident."""

LEFT_FREE: Final = 0.1
"""Part of the range of a key that a column may leave free at either end and still fill it."""

MOST_NAMED: Final = 8
"""Targets of a column that are compared, the best named first: of hundreds of tables many have a word in common."""

MOST_KEPT: Final = 5
"""Targets of a column that are kept, the likeliest first: nobody reads a tenth alternative."""

NEARER: Final = 0.3
"""Evidence of a name for some table from which a target without any is doubted."""


@dataclass(frozen=True, slots=True)
class Single:
    """A column, a target, and what is known of the two."""

    pair: Pair
    name: NameEvidence
    measure: JoinMeasure
    small: bool
    """Whether both are dense numbers that count up from one."""
    told: bool
    """Whether the containment was measured, or the samples suffice."""
    score: float
    doubted: bool = False
    """Whether another target of the same column is likelier."""


def singles(known: Context, measured: Measured) -> list[Single]:
    """Every pair of a column and a key that names or values speak for, rivals of better ones marked as doubted."""
    found: list[Single] = []
    for place, column in known.columns.items():
        if can_refer(column):
            ranked = _ranked(_of_column(known, measured, known.left(place)))
            found += sorted(ranked, key=lambda each: (each.doubted, -each.score))[:MOST_KEPT]
    return _one_way(found)


def _of_column(known: Context, measured: Measured, left: Left) -> list[Single]:
    """What the column may refer to: the targets that its name means, and keys that its values are those of."""
    meant = _meant(known, left)
    best, standing, found = 0.0, 0.0, []
    for place, said in sorted(meant.items(), key=lambda each: (-each[1].score, each[0]))[:MOST_NAMED]:
        best = max(best, said.score)
        if said.score < standing - NEARER:
            break  # what is named so much less would only be doubted
        single = _single(known, measured, left, place, said)
        if single is not None:
            found.append(single)
            if not single.told or contained(single.measure) >= RIVAL:
                standing = max(standing, said.score)
    keys = known.keys.get(left.column.family, ())
    if left.column.family is Family.DATE and not left.is_key:
        found += _of_days(known, measured, left, keys)
    elif not left.measuring:
        unnamed = _of_values(known, measured, left, [key for key in keys if key.place not in meant], standing)
        for single in unnamed:
            sure = len(unnamed) == 1 and (best < NEARER or single.name.score > standing)
            found.append(single if sure else _doubted(single))
    return found


def _meant(known: Context, left: Left) -> Mapping[Place, NameEvidence]:
    """The targets that the name of the column speaks for, of its family."""
    meant = {}
    for target, said in known.targets.of(left.name):
        place = target.table, target.column
        worth = said.score * OF_MEASURES if left.measuring else said.score
        if left.column.family is not known.columns[place].family:
            continue
        if not known.is_key(place):
            worth = worth * BESIDE_KEY if worth >= SECONDARY and _is_own(target, left) else 0.0
        if worth and left.column.family not in {Family.DATE, Family.INSTANT}:
            meant[place] = replace(said, score=worth)
    return meant


def _is_own(target: TargetName, left: Left) -> bool:
    """Whether the unique column is one of its table's own, or called like the left: not a reference to elsewhere."""
    for reading in target.keys:
        if reading in left.name.readings or reading.suffix in {"code", "number"}:
            return True
        if reading.suffix and is_named_for(reading, target.entities):
            return True
    return False


def _of_values(known: Context, measured: Measured, left: Left, keys: Sequence[Key], standing: float) -> list[Single]:
    """Keys that hold the column's values, though its name does not mean them.

    Args:
        known: what is known of all tables.
        measured: pairs that were measured.
        left: the column.
        keys: of its family, which its name does not mean.
        standing: the best evidence of its name for a key in which its values occur.
    """
    found = []
    ranging = standing < OF_RANGE and left.identifying and not left.is_key and left.column.sample.distinct >= ENOUGH
    meeting = len(left.column.sample.hashes) >= enough_values(left.column) and not (
        left.is_key and left.column.family is Family.NUMBER
    )
    speaking = [(key, _of_range(left, key)) for key in keys if ranging and key.chance > UNNAMED_CHANCE]
    speaking = [(key, said) for key, said in speaking if said is not None]
    if len(speaking) > MOST_KEPT:
        speaking = []  # a range that so many keys have is that of none
    speaking += [(key, NONE) for key in keys if meeting and key.chance <= UNNAMED_CHANCE and _meets(left, key)]
    for key, said in speaking:
        single = _single(known, measured, left, key.place, said) if said is not None else None
        if single is not None and contained(single.measure) >= UNNAMED_CONTAINED:
            found.append(single)
    return found


def _of_range(left: Left, key: Key) -> NameEvidence | None:
    """What it says that a column which identifies something fills the range of a key of dense numbers."""
    column, target = left.column, key.column
    if column.low is None or column.high is None or target.low is None or target.high is None:
        return None
    free = LEFT_FREE * (target.high - target.low)
    within = target.low <= column.low <= target.low + free and target.high - free <= column.high <= target.high
    if not within or key.place[0] == left.table or column.family is not Family.NUMBER:
        return None
    return NameEvidence(
        OF_RANGE, f"{column.name} identifies something, and fills the range of the key of {key.place[0]}"
    )


def _meets(left: Left, key: Key) -> bool:
    """Whether the lowest values alone may show a reference to a key of texts or of sparse numbers."""
    if key.place == (left.table, left.column.name) or outside(left.column, key.column):
        return False
    return screened(left.column, key.column, UNNAMED_CONTAINED)


def _of_days(known: Context, measured: Measured, left: Left, keys: Sequence[Key]) -> Iterator[Single]:
    """References of a date to the key of a table of days, which every date has some name for."""
    for key in keys:
        if key.of_days and key.place[0] != left.table:
            said = NameEvidence(OF_DAYS, f"{left.column.name} is a date, and {key.place[0]} a table of days")
            single = _single(known, measured, left, key.place, said)
            if single is not None:
                yield single


def _single(known: Context, measured: Measured, left: Left, place: Place, said: NameEvidence) -> Single | None:
    """The pair with its measure and score; None of one that cannot be a reference."""
    column, target = left.column, known.columns[place]
    pair = Pair(left.table, (column.name,), place[0], (place[1],))
    found = measured.get(pair)
    told = found is not None or suffices(column, target)
    if found is None:
        if outside(column, target) or (told and not screened(column, target, LEAST_CONTAINED)):
            return None
        found = measure(column, left.rows, target, known.rows(place[0]))
    if not found.right_unique or (found.values and not found.left_matched_distinct and told):
        return None
    if left.table == place[0] and found.left_unique and not found.left_nulls:
        return None  # a copy of the key, or a name of each row: it leads every row to itself
    chance = 1.0 if left.measuring else by_chance(target)  # of what is measured, equal values prove nothing
    own = left.is_key and said.score < SECONDARY
    small = chance > UNNAMED_CHANCE and target.low is not None and target.low <= SMALL
    worth = score(said.score, found, chance, own_key=own, enough=enough_values(column), free=unfilled(column, target))
    return Single(pair, said, found, small, told, worth)


def _doubted(single: Single) -> Single:
    return single if single.doubted else replace(single, doubted=True, score=round(single.score * RIVAL, 3))


def _ranked(found: list[Single]) -> list[Single]:
    """The same, all but the best-named of those that would be suggested marked as doubted."""
    standing = [each for each in found if each.score >= DEFAULT_MIN_SCORE]
    if len(standing) < 2:  # noqa: PLR2004 - nothing rivals one
        return found
    best = max(standing, key=lambda each: (each.name.score, each.score, each.measure.coverage, each.pair.right_table))
    return [each if each is best else _doubted(each) for each in found]


def _one_way(found: list[Single]) -> list[Single]:
    """The same without the weaker direction of two columns that are both unique: the one that is named less."""
    by_pair = {each.pair: each for each in found}
    kept = []
    for each in found:
        back = by_pair.get(each.pair.turned)
        if back is None or _strength(each) > _strength(back):
            kept.append(each)
    return kept


def _strength(single: Single) -> tuple[float, float, float, str]:
    """By which of two directions is chosen: name, score, containment, and the order of the tables."""
    return (round(single.name.score, 3), single.score, single.measure.containment, single.pair.right_table)
