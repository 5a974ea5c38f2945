"""Collects the evidence of a relation: all of its columns in one pass, or what batches changed since the last time.

How much of a column is kept follows from how many distinct values random pages let expect; the pass itself keeps to
`SAMPLE_SIZE` values, so that a wrong guess costs time and never memory.
"""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.db.database import ReadSession, WriteInReadSessionError, sqlstate
from app.kernel.problems import Problem, Unavailable
from app.warehouse.evidence import statements
from app.warehouse.evidence.hashing import FAMILIES, ComparedColumn
from app.warehouse.evidence.merging import merged, sampled
from app.warehouse.evidence.samples import HASHES, SAMPLE_SIZE, ColumnEvidence, Family, ValueSample
from app.warehouse.inspection import Inspector, RelationUnreadable
from app.warehouse.naming import RelationName
from app.warehouse.profile import SAMPLE_ROWS, estimated_distinct, is_sampleable, sample_clause
from app.warehouse.relations import run

WANTED: Final = SAMPLE_SIZE + SAMPLE_SIZE // 2
"""Values that a threshold is to let through: more than are kept, since their number is a guess."""

MOST_CHANGED: Final = 0.2
"""Share of a relation's rows up to which the change of evidence is worked out; beyond, one pass over all costs less."""

Range = tuple[float | None, float | None]
"""Smallest and largest value of a column, as numbers."""

MOST_FOLLOWED: Final = 100_000
"""Rows up to which a change is followed: their places are held in memory and written into a statement."""

COLUMNS_AT_ONCE: Final = 500
"""PostgreSQL answers at most 1,664 columns (MaxTupleAttributeNumber), and a range has two."""

SETTINGS: Final = ("SET LOCAL jit = off", "SET LOCAL work_mem = '64MB'")

_QUERY_CANCELED, _LOCKED = "57014", "55P03"
_SERVER_AWAY: Final = frozenset({"57P01", "57P02", "57P03"})
_FOR_NOW: Final = ("40", "53")
"""SQLSTATE classes of what passes: a transaction that lost against another, and a want of memory, disk or the like."""

_COLUMNS = text("""
WITH RECURSIVE known AS (
  SELECT a.attname AS name, a.attnum AS number, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
         t.oid, t.typname, t.typtype::text AS typtype, t.typbasetype
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
   WHERE a.attrelid = to_regclass(:relation) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT known.name, known.number, known.type, t.oid, t.typname, t.typtype::text, t.typbasetype
    FROM known JOIN pg_catalog.pg_type AS t ON t.oid = known.typbasetype WHERE known.typtype = 'd')
SELECT name, type, CASE typtype WHEN 'e' THEN 'enum' ELSE typname END AS base
  FROM known WHERE typtype <> 'd' ORDER BY number
""")


class EvidenceTooSlow(Unavailable):
    """The relation could not be looked at in the time that is given to it."""

    code, title = "evidence-too-slow", "Looking at the relation takes too long"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a governed relation held when it was looked at: what its batches changed since can be told by that."""

    batch: int
    """The last batch that wrote a row which is there."""
    fingerprint: int


@dataclass(frozen=True, slots=True)
class RelationEvidence:
    """The evidence of a relation, of one moment."""

    rows: int
    columns: tuple[ColumnEvidence, ...]
    mark: Mark | None = None
    """None of a relation that is not governed."""


@asynccontextmanager
async def looking(
    session: ReadSession, relation: RelationName | str, seconds: float, spent: float = 0.0
) -> AsyncIterator[None]:
    """A block of long statements, each of which may take so many seconds less those that are spent.

    Args:
        session: a transaction; its settings change.
        relation: what all of them read, by which a problem names it.
        seconds: that a statement may take.
        spent: how many of them went to statements before.

    Raises:
        EvidenceTooSlow: a statement took longer, or waited too long for a lock.
        RelationUnreadable: the relation or a column is gone, may not be read, or fails when it is.
    """
    limit = max(1, math.ceil((seconds - spent) * 1000))  # 0 would be no limit
    try:
        for setting in (*SETTINGS, f"SET LOCAL statement_timeout = {limit}"):
            await session.execute(text(setting))
        yield
    except (DBAPIError, WriteInReadSessionError) as error:
        problem = _problem_of(error, relation, seconds)
        if problem is None:
            raise
        raise problem from error


def _problem_of(
    error: DBAPIError | WriteInReadSessionError, relation: RelationName | str, seconds: float
) -> Problem | None:
    """What an error says of the relation; None when it says something of the server or of the connection to it.

    A view may run any function, and a foreign table any server's: whatever fails while the connection stays is theirs.
    """
    if isinstance(error, WriteInReadSessionError):
        return RelationUnreadable(f"{relation} writes when it is read.")
    state = sqlstate(error) or ""
    if error.connection_invalidated or not state or state in _SERVER_AWAY:
        return None
    if state == _QUERY_CANCELED:
        return EvidenceTooSlow(f"{relation} could not be looked at within {seconds:g} s.")
    if state == _LOCKED:
        return EvidenceTooSlow(f"{relation} is locked by another transaction.")
    if state.startswith(_FOR_NOW):
        return EvidenceTooSlow(f"{relation} cannot be looked at now: the server lacks room, or was interrupted.")
    return RelationUnreadable(f"{relation} cannot be read.")


async def compared_columns(
    session: ReadSession, relation: RelationName, names: Sequence[str], seed: int = 0
) -> tuple[ComparedColumn, ...]:
    """Those of the named columns whose values can be compared, in the relation's order; their hashes have the seed."""
    rows = await session.execute(_COLUMNS, {"relation": relation.sql})
    wanted = set(names)
    return tuple(
        ComparedColumn(row.name, row.type, row.base, FAMILIES.get(row.base, Family.TEXT), seed)
        for row in rows
        if row.name in wanted and (row.base in FAMILIES or row.base == "enum")
    )


async def collect(
    session: ReadSession, relation: RelationName, names: Sequence[str], *, governed: bool, seed: int, seconds: float
) -> RelationEvidence:
    """The evidence of the named columns of a relation, by one pass over all its rows.

    Args:
        session: a transaction on one snapshot; its settings change.
        relation: what to look at.
        names: columns; those that cannot be compared are left out.
        governed: whether batches write it, so that what they change can be told later.
        seed: of the hashes of values.
        seconds: that each statement may take.

    Raises as `looking` does.
    """
    async with looking(session, relation, seconds):
        if not await Inspector(session).readable(relation, names):
            raise RelationUnreadable(f"{relation} is gone, has other columns, or may not be read.")
        columns = await compared_columns(session, relation, names, seed)
        if governed:
            marked = (await run(session, statements.mark(relation, None))).one()
            rows, mark = marked.rows, Mark(marked.batch, marked.fingerprint)
        else:
            rows = int((await run(session, f"SELECT count(*) FROM {relation.sql}")).scalar_one())  # noqa: S608 - quoted
            mark = None
        if not columns or not rows:
            return RelationEvidence(rows, tuple(_nothing(column, rows) for column in columns), mark)
        # By all rows: the range of some would shut out what refers to the newest.
        ranges = await _ranges(session, relation.sql, columns)
        thresholds = await _expected(session, relation, columns, rows)
        found = await run(session, statements.sample(relation.sql, columns, thresholds))
        samples = sampled(found, thresholds)
    evidence = [
        ColumnEvidence(column.name, column.type, column.family, nulls, *ranges[number], sample)
        for number, (column, (nulls, sample)) in enumerate(zip(columns, samples, strict=True))
    ]
    return RelationEvidence(rows, tuple(evidence), mark)


async def follow(
    session: ReadSession, relation: RelationName, before: RelationEvidence, *, seed: int, seconds: float
) -> RelationEvidence | None:
    """The evidence of a governed relation as its batches changed it since; None when it must be collected anew.

    What the batches wrote and what they replaced must explain the whole difference: after a rollback, or when images
    are gone, it does not.

    Args:
        session: a transaction on one snapshot; its settings change.
        relation: governed, with the same columns as before.
        before: its evidence, with a mark.
        seed: of the hashes of values, as it was before.
        seconds: that each statement may take.

    Raises as `looking` does.
    """
    if before.mark is None:
        return None
    since = before.mark.batch
    async with looking(session, relation, seconds):
        columns = await compared_columns(session, relation, [column.name for column in before.columns], seed)
        if [(column.name, column.type) for column in columns] != [(each.name, each.type) for each in before.columns]:
            return None
        now = (await run(session, statements.mark(relation, since))).one()
        mark = Mark(now.batch, now.fingerprint)
        if mark == before.mark and now.rows == before.rows:
            return before
        if now.later > min(MOST_CHANGED * now.rows, MOST_FOLLOWED):
            return None
        places = await run(session, statements.places(relation, since))
        later = [f"({page},{place})" for ((page, place),) in places]
        source = statements.changed(relation, columns, since, later)
        change = (await run(session, statements.change_of_mark(source))).one()
        if (before.rows + change.rows, before.mark.fingerprint + change.fingerprint) != (now.rows, now.fingerprint):
            return None
        thresholds = [column.sample.threshold for column in before.columns]
        times = f"sum({statements.T}.{statements.SIGN})::int8"
        found = await run(session, statements.sample(source, columns, thresholds, times))
        ranges = await _ranges(session, source, columns)
        changes = merged(before.columns, found, ranges)
    return None if changes is None else replace(before, rows=now.rows, columns=changes, mark=mark)


async def _expected(
    session: ReadSession, relation: RelationName, columns: Sequence[ComparedColumn], rows: int
) -> list[int]:
    """The threshold of each column below which some `WANTED` of its values are expected; of a small relation, all."""
    if rows <= SAMPLE_ROWS:
        return [HASHES] * len(columns)
    clause = sample_clause(relation, rows, sampleable=await is_sampleable(session, relation))
    spread = await run(session, statements.spread(f"(SELECT * FROM {clause})", columns))  # noqa: S608 - quoted names
    distinct = {row.c: estimated_distinct(row.present, row.distincts, row.singletons, rows) for row in spread}
    expected = (distinct.get(number, 0) for number in range(len(columns)))
    return [HASHES if each <= WANTED else HASHES * WANTED // each for each in expected]


async def _ranges(session: ReadSession, source: str, columns: Sequence[ComparedColumn]) -> list[Range]:
    """The range of each column, by all rows."""
    found: list[Range] = []
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        some = columns[start : start + COLUMNS_AT_ONCE]
        row = (await run(session, statements.ranges(source, some))).one()
        found += [(row[1 + 2 * number], row[2 + 2 * number]) for number in range(len(some))]
    return found


def _nothing(column: ComparedColumn, rows: int) -> ColumnEvidence:
    """The evidence of a column without a value."""
    return ColumnEvidence(column.name, column.type, column.family, rows, None, None, ValueSample.of([], HASHES))
