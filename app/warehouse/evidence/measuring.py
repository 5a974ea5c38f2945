"""Measures what samples of single columns cannot tell: the uniqueness of column sets, and what a join does, exactly."""

from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from app.kernel.db.database import ReadSession
from app.warehouse.evidence import statements
from app.warehouse.evidence.collecting import compared_columns, looking
from app.warehouse.evidence.hashing import ComparedColumn
from app.warehouse.evidence.samples import HASHES, JoinMeasure, Multiplicity
from app.warehouse.inspection import RelationUnreadable
from app.warehouse.naming import RelationName
from app.warehouse.relations import run

ROWS_LOOKED_AT: Final = 200_000
"""Rows that a look without a need for exact numbers takes from a table: a repeated key of one in a thousand is found
among them for all but certain (1 - 0.999 ** 200,000), and the share of values that meet one has an error below 1 %."""


async def is_unique(
    session: ReadSession, relation: RelationName, names: Sequence[str], *, by: str, rows: int, seconds: float
) -> bool:
    """Whether no two rows have the same values in these columns, nor any of them none, as far as some rows show.

    Args:
        session: a transaction on one snapshot; its settings change.
        relation: what to look at.
        names: the columns.
        by: that of them with most distinct values: rows are taken by its value.
        rows: how many the relation has, about.
        seconds: that the statement may take.

    Raises as `looking` does.
    """
    async with looking(session, relation, seconds):
        columns = await _columns(session, relation, names)
        leading = next(column for column in columns if column.name == by)
        return bool((await run(session, statements.is_unique(relation, columns, leading, share(rows)))).scalar_one())


async def measure_join(
    session: ReadSession,
    left: tuple[RelationName, Sequence[str]],
    right: tuple[RelationName, Sequence[str]],
    *,
    seconds: float,
    threshold: int = HASHES,
) -> JoinMeasure:
    """What a join of two relations on equal columns does, of one moment; exact unless there is a threshold.

    Args:
        session: a transaction on one snapshot; its settings change.
        left: a relation and its columns.
        right: a relation and its columns, in the order of the left's.
        seconds: that it may take.
        threshold: values with a hash from here on are left out.

    Raises as `looking` does. Each side is read alone first, so that a problem names the one that it is of.
    """
    started = monotonic()
    sides, counted = [], []
    for relation, names in (left, right):
        async with looking(session, relation, seconds, monotonic() - started):
            sides.append(statements.Side(relation, await _columns(session, relation, names)))
            counted.append((await run(session, sides[-1].rows())).one())
    async with looking(session, f"The join of {left[0]} with {right[0]}", seconds, monotonic() - started):
        row = (await run(session, statements.measure(sides[0], sides[1], threshold))).one()
    return _measure(row, counted, threshold)


def share(rows: int) -> int:
    """The threshold below which some `ROWS_LOOKED_AT` of so many rows are; `HASHES` where that is all of them."""
    return HASHES if rows <= 2 * ROWS_LOOKED_AT else HASHES * ROWS_LOOKED_AT // rows


async def _columns(session: ReadSession, relation: RelationName, names: Sequence[str]) -> tuple[ComparedColumn, ...]:
    found = {column.name: column for column in await compared_columns(session, relation, names)}
    missing = [name for name in names if name not in found]
    if missing:
        raise RelationUnreadable(f"{relation} has no column {missing[0]} that could be compared.")
    return tuple(found[name] for name in names)


def _measure(row: Any, counted: Sequence[Any], threshold: int) -> JoinMeasure:
    exact = threshold >= HASHES
    scale = HASHES / threshold
    left, right = counted
    left_present = left.all_rows - left.nulls
    return JoinMeasure(
        left_rows=left.all_rows,
        left_nulls=left.nulls,
        left_distinct=row.left_distinct if exact else round(row.left_distinct * scale),
        left_matched_distinct=row.matched if exact else round(row.matched * scale),
        left_orphans=row.orphans if exact else round(left_present * row.orphans / max(1, row.left_present)),
        right_rows=right.all_rows,
        right_nulls=right.nulls,
        right_distinct=row.right_distinct if exact else round(row.right_distinct * scale),
        fan_out=Multiplicity(row.left_mean, row.left_p99, row.left_max) if row.matched else None,
        multiplication=Multiplicity(row.right_mean, row.right_p99, row.right_max) if row.matched else None,
        left_unique=row.left_most <= 1,
        right_unique=row.right_most <= 1,
        values=row.left_distinct,
        exact=exact,
    )
