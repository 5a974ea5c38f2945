# ruff: noqa: S608 - every identifier is quoted, and every number is ours
"""SQL of evidence: the one pass that samples all columns, uniqueness of column sets, the measure of a join. Pure.

Aliases are ours (`app/warehouse/naming.py`), and a user's columns are qualified by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.warehouse.evidence.hashing import ComparedColumn, bound, comparable, on_a_line, row_hash, size_of, value_hash
from app.warehouse.evidence.samples import HASHES, SAMPLE_SIZE
from app.warehouse.layout import BATCH, HASH, IMAGE_BY, IMAGE_OP
from app.warehouse.naming import RelationName, before_relation, own, quote

T, V = own("t"), own("v")
SIGN, PRINT = own("sign"), own("print")
_L, _R, _M = own("l"), own("r"), own("m")


def _column(column: ComparedColumn, alias: str = T) -> str:
    return f"{alias}.{quote(column.name)}"


def sample(source: str, columns: Sequence[ComparedColumn], thresholds: Sequence[int], times: str = "count(*)") -> str:
    """Rows `(c, h, times)`: of column number c the values whose hash is below its threshold, and their rows; one pass.

    Of each column the `SAMPLE_SIZE` values with the lowest hashes and the one after them, which says that there are
    more; and a row whose h is null, for its nulls.

    Args:
        source: SQL of what is read, in FROM.
        columns: which to sample.
        thresholds: of each of the columns.
        times: SQL of what is counted.
    """
    listed = ", ".join(
        f"({number}, {value_hash(column, _column(column))}, {bound(threshold)}::int8)"
        for number, (column, threshold) in enumerate(zip(columns, thresholds, strict=True))
    )
    return f"""
SELECT c, h, times
  FROM (SELECT {V}.c, {V}.h, {times} AS times, row_number() OVER (PARTITION BY {V}.c ORDER BY {V}.h) AS place
          FROM {source} AS {T} CROSS JOIN LATERAL (VALUES {listed}) AS {V}(c, h, most)
         WHERE ({V}.h <= {V}.most) IS NOT FALSE
         GROUP BY {V}.c, {V}.h) AS placed
 WHERE place <= {SAMPLE_SIZE + 1} OR h IS NULL ORDER BY c, h
"""


def spread(source: str, columns: Sequence[ComparedColumn]) -> str:
    """Rows `(c, present, distincts, singletons)` of some rows: what the thresholds are chosen by."""
    listed = ", ".join(f"({number}, {value_hash(column, _column(column))})" for number, column in enumerate(columns))
    return f"""
SELECT c, sum(times)::int8 AS present, count(*) AS distincts, count(*) FILTER (WHERE times = 1) AS singletons
  FROM (SELECT {V}.c, count(*) AS times FROM {source} AS {T} CROSS JOIN LATERAL (VALUES {listed}) AS {V}(c, h)
         WHERE {V}.h IS NOT NULL GROUP BY {V}.c, {V}.h) AS values_
 GROUP BY c
"""


def ranges(source: str, columns: Sequence[ComparedColumn]) -> str:
    """One row: a count, then of each column in order the smallest and the largest value that has a place on a line."""
    bounds = (
        size_of(column, f"{end}({_column(column)}) FILTER (WHERE {on_a_line(column, _column(column))})")
        for column in columns
        for end in ("min", "max")
    )
    listed = ", ".join(f"{each} AS bound{number}" for number, each in enumerate(bounds))
    return f"SELECT count(*) AS rows, {listed} FROM {source} AS {T}"  # one row, also where no column has a place


def is_unique(relation: RelationName, columns: Sequence[ComparedColumn], by: ComparedColumn, threshold: int) -> str:
    """Whether no two rows have the same values, of rows whose value in `by`, one of the columns, is sampled.

    All rows with a sampled value are looked at, so whatever shares all values with one of them is among them. A null in
    a column is as bad as a repeated value: a key has none.
    """
    names = ", ".join(_column(column) for column in columns)
    nulls = " OR ".join(f"{_column(column)} IS NULL" for column in columns)
    among = "" if threshold >= HASHES else f"WHERE {value_hash(by, _column(by))} <= {bound(threshold)}"
    return f"""
SELECT count(*) > 0 AND bool_and(times = 1 AND NOT missing) FROM (
  SELECT count(*) AS times, bool_or({nulls}) AS missing FROM {relation.sql} AS {T} {among} GROUP BY {names}) AS sets
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a join: a relation, and the columns that are compared, in order."""

    relation: RelationName
    columns: tuple[ComparedColumn, ...]

    def keys(self, threshold: int) -> str:
        """Subquery of the distinct values k0, k1, … without nulls whose hash is below the threshold, and their rows."""
        compared = [comparable(column, _column(column)) for column in self.columns]
        keys = ", ".join(f"{expression} AS k{number}" for number, expression in enumerate(compared))
        present = " AND ".join(f"{_column(column)} IS NOT NULL" for column in self.columns)
        if threshold < HASHES:
            hashed = row_hash([(column, _column(column)) for column in self.columns])
            present += f" AND {hashed} <= {bound(threshold)}"
        numbers = ", ".join(str(number + 1) for number in range(len(compared)))
        return f"SELECT {keys}, count(*) AS n FROM {self.relation.sql} AS {T} WHERE {present} GROUP BY {numbers}"

    def rows(self) -> str:
        """One row of two numbers: rows, and rows with a null in a column of the join."""
        nulls = " OR ".join(f"{_column(column)} IS NULL" for column in self.columns)
        return f"SELECT count(*) AS all_rows, count(*) FILTER (WHERE {nulls}) AS nulls FROM {self.relation.sql} AS {T}"


def measure(left: Side, right: Side, threshold: int) -> str:
    """One row: what the join of both sides does, over values whose hash is below the threshold, but for `Side.rows`."""
    same = " AND ".join(f"{_L}.k{number} = {_R}.k{number}" for number in range(len(left.columns)))
    met = f"FILTER (WHERE {_M}.rn IS NOT NULL)"
    return f"""
WITH {_L} AS MATERIALIZED ({left.keys(threshold)}),
     {_R} AS MATERIALIZED ({right.keys(threshold)}),
     {_M} AS (SELECT {_L}.n AS ln, {_R}.n AS rn FROM {_L} LEFT JOIN {_R} ON {same})
SELECT (SELECT count(*) FROM {_R}) AS right_distinct,
       (SELECT coalesce(sum(n), 0)::int8 FROM {_R}) AS right_present,
       (SELECT coalesce(max(n), 0) FROM {_R}) AS right_most,
       m.*
  FROM (
    SELECT count(*) AS left_distinct, coalesce(sum({_M}.ln), 0)::int8 AS left_present,
           coalesce(max({_M}.ln), 0) AS left_most,
           count({_M}.rn) AS matched,
           coalesce(sum({_M}.ln) FILTER (WHERE {_M}.rn IS NULL), 0)::int8 AS orphans,
           (avg({_M}.ln) {met})::float8 AS left_mean,
           (percentile_disc(0.99) WITHIN GROUP (ORDER BY {_M}.ln) {met})::float8 AS left_p99,
           max({_M}.ln) {met} AS left_max,
           (avg({_M}.rn) {met})::float8 AS right_mean,
           (percentile_disc(0.99) WITHIN GROUP (ORDER BY {_M}.rn) {met})::float8 AS right_p99,
           max({_M}.rn) {met} AS right_max
      FROM {_M}) AS m
"""


def mark(relation: RelationName, since: int | None = None) -> str:
    """One row: rows, the last batch, the fingerprint of a governed relation, and how many rows later batches wrote.

    The fingerprint is the sum of a number for each row, made of its content and its batch. So the change that batches
    made can be taken from it: if what they wrote less what they replaced is the difference, no rollback came between.
    """
    later = "0" if since is None else f"count(*) FILTER (WHERE {T}.{BATCH} > {since:d})"
    return (
        f"SELECT count(*) AS rows, coalesce(max({T}.{BATCH}), 0) AS batch, "
        f"coalesce(sum({_fingerprint(T)}), 0) AS fingerprint, {later} AS later FROM {relation.sql} AS {T}"
    )


def places(relation: RelationName, since: int) -> str:
    """Rows of one value: where each row stands that a batch after `since` wrote."""
    return f"SELECT {T}.ctid FROM {relation.sql} AS {T} WHERE {T}.{BATCH} > {since:d}"


def changed(relation: RelationName, columns: Sequence[ComparedColumn], since: int, later: Sequence[str]) -> str:
    """SQL, for FROM, of the rows that batches after `since` wrote (sign 1) and replaced or removed (sign -1).

    A row that several of them wrote counts once, as it is now, and its first image, which is from before, counts once.
    """
    names = ", ".join(_column(column) for column in columns)
    tids = ", ".join(f"'{tid}'" for tid in later)
    return f"""(
  SELECT {names}, 1 AS {SIGN}, {_fingerprint(T)} AS {PRINT}
    FROM {relation.sql} AS {T} WHERE {T}.ctid = ANY (ARRAY[{tids}]::tid[])
   UNION ALL
  SELECT {names}, -1, {_fingerprint(T)}
    FROM {before_relation(relation).sql} AS {T}
   WHERE {T}.{IMAGE_BY} > {since:d} AND {T}.{BATCH} <= {since:d} AND {T}.{IMAGE_OP} IN ('U', 'D'))"""


def change_of_mark(source: str) -> str:
    """One row: how many rows more there are, and the change of the fingerprint, by the rows of `changed`."""
    return (
        f"SELECT coalesce(sum({T}.{SIGN}), 0)::int8 AS rows, "
        f"coalesce(sum({T}.{SIGN}::int8 * {T}.{PRINT}), 0)::int8 AS fingerprint, "
        f"count(*) AS touched FROM {source} AS {T}"
    )


def _fingerprint(alias: str) -> str:
    """31 bits of a row: their sum over all rows fits bigint, and is made with integers alone.

    A sum and no exclusive or, in which two rows of the same batch with the same content would be none.
    """
    return f"(hashint8extended({alias}.{HASH}, {alias}.{BATCH}) & 2147483647)::int4"
