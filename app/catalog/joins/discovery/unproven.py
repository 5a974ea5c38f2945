"""References that evidence does not prove, and that are kept in sight: keys that some rows broke, and accepted joins.

A key into which rows came twice is no key any more, and so nothing refers to it. Whoever looks for the join is to see
what became of it. So such pairs stay candidates with a score below the default bound. Pure.
"""

from collections.abc import Collection, Iterator, Mapping

from app.catalog.joins.discovery.context import Context, Left
from app.catalog.joins.discovery.estimates import measure, suffices
from app.catalog.joins.discovery.keys import can_refer
from app.catalog.joins.discovery.model import Measured, Pair
from app.catalog.joins.discovery.scoring import LEAST_CONTAINED, RIVAL, by_chance, contained, enough_values, score
from app.catalog.joins.discovery.singles import SECONDARY, Single
from app.warehouse.evidence.samples import Family, JoinMeasure


def broken(known: Context, measured: Measured, settled: Collection[tuple[str, str]]) -> Iterator[Single]:
    """Of each column that is not settled, the reference to the nearly unique column that it is named for.

    Args:
        known: what is known of all tables.
        measured: pairs that were measured.
        settled: tables and columns that refer elsewhere with a score that is suggested.
    """
    for place, column in known.columns.items():
        if place not in settled and can_refer(column) and column.family not in {Family.DATE, Family.INSTANT}:
            found = list(_of_column(known, measured, known.left(place)))
            if found:
                yield max(found, key=lambda each: (each.name.score, each.score, each.pair.right_table))


def _of_column(known: Context, measured: Measured, left: Left) -> Iterator[Single]:
    column = left.column
    for target, said in known.nearly.of(left.name):
        other = known.columns[target.table, target.column]
        if left.measuring or other.family is not column.family:
            continue
        pair = Pair(left.table, (column.name,), target.table, (target.column,))
        found = measured.get(pair) or measure(column, left.rows, other, known.rows(target.table))
        if not found.left_matched_distinct or contained(found) < LEAST_CONTAINED:
            continue
        worth = score(
            said.score,
            found,
            by_chance(other),
            own_key=left.is_key and said.score < SECONDARY,
            enough=enough_values(column),
        )
        yield Single(pair, said, found, small=False, told=True, score=round(worth * RIVAL, 3))


def untold(known: Context, pairs: Collection[Pair]) -> list[Pair]:
    """Those of the pairs that are there of which samples do not tell what they do."""
    return [pair for pair in pairs if is_there(known, pair) and not _is_told(known, pair)]


def measures(known: Context, measured: Measured, pairs: Collection[Pair]) -> Mapping[Pair, JoinMeasure]:
    """What each of the pairs does, by its measure or by samples; a pair of which neither tells is left out."""
    found = {}
    for pair in pairs:
        if pair in measured:
            found[pair] = measured[pair]
        elif is_there(known, pair) and len(pair.left_columns) == 1:
            left, right = (pair.left_table, pair.left_columns[0]), (pair.right_table, pair.right_columns[0])
            found[pair] = measure(known.columns[left], known.rows(left[0]), known.columns[right], known.rows(right[0]))
    return found


def is_there(known: Context, pair: Pair) -> bool:
    """Whether all columns of the pair are known."""
    left, right = ((pair.left_table, pair.left_columns), (pair.right_table, pair.right_columns))
    return all((table, name) in known.columns for table, names in (left, right) for name in names)


def _is_told(known: Context, pair: Pair) -> bool:
    if len(pair.left_columns) > 1:
        return False
    left, right = (pair.left_table, pair.left_columns[0]), (pair.right_table, pair.right_columns[0])
    return suffices(known.columns[left], known.columns[right])
