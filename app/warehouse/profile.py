"""What is in the columns of a relation: nulls, distinct values, bounds, most frequent values, a sketch for comparison.

Bounded: at most `SAMPLE_ROWS` rows are looked at, from random pages of a large table, for at most `PROFILE_SECONDS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.db.database import ReadSession, sqlstate
from app.kernel.problems import Unavailable
from app.warehouse.inspection import Inspector, RelationColumn, RelationUnreadable, is_unreadable
from app.warehouse.naming import RelationName, quote
from app.warehouse.relations import run
from app.warehouse.types import NUMBER_KINDS, TEMPORAL_KINDS, TEXT_KINDS, UnknownTypeError, parse_type

SAMPLE_ROWS = 20_000
"""Rows that are looked at. Shares have a standard error below 0.4 percentage points (sqrt(p(1-p)/n))."""

PROFILE_SECONDS = 10
"""PostgreSQL cancels a statement that takes longer; a profile is never worth more."""

TOP_VALUES = 10
SKETCH_SIZE = 256
"""Hashes kept per column: containment and cardinality within about 1/sqrt(256) = 6 % (Bar-Yossef et al. 2002, KMV)."""

SHARE_DIGITS = 6

SHOWN_CHARACTERS = 200
"""How much of a value is shown."""

_COMPARED = NUMBER_KINDS | TEMPORAL_KINDS | TEXT_KINDS
"""Types with a smallest and largest value worth showing."""

_QUERY_CANCELED = "57014"


class ProfileTooSlow(Unavailable):
    """The relation could not be sampled in time."""

    code, title = "profile-too-slow", "The profile takes too long"


@dataclass(frozen=True, slots=True)
class TopValue:
    """A frequent value, as text, and its share of the sampled rows."""

    value: str
    share: float


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What the sample shows of one column."""

    name: str
    type: str
    nulls: float
    """Share of the sampled rows."""
    distinct: int
    """Estimated for the whole relation; exact when all rows were looked at."""
    minimum: str | None
    maximum: str | None
    top_values: tuple[TopValue, ...]
    """Most frequent first; values that occur once are left out."""
    sketch: tuple[str, ...]
    """The smallest 64-bit hashes of the distinct values (bottom-k), as 16 hexadecimal digits, ascending."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the sample shows."""

    rows: int
    """Estimated; exact when `complete`."""
    sampled: int
    complete: bool
    columns: tuple[ColumnProfile, ...]


def share_of(part: int, whole: int) -> float:
    """The share, 0 of nothing, to as many digits as a sample can mean: one row of `SAMPLE_ROWS` is 0.00005."""
    return round(part / whole, SHARE_DIGITS) if whole else 0.0


def estimated_distinct(sampled: int, distinct: int, singletons: int, rows: int) -> int:
    """Distinct values of a column with `rows` values, from a random sample of them.

    The estimator that ANALYZE uses, Duj1 of Haas and Stokes (1998): n*d / (n - f1 + f1*n/N).

    Args:
        sampled: values looked at (n).
        distinct: distinct ones among them (d).
        singletons: those that occurred once (f1).
        rows: values there are (N).
    """
    if sampled == 0 or rows <= sampled:
        return distinct
    estimate = sampled * distinct / (sampled - singletons + singletons * sampled / rows)
    return max(distinct, min(rows, round(estimate)))


def sample_clause(relation: RelationName, estimate: int, *, sampleable: bool) -> str:
    """SQL of the rows to look at: all of a small relation, random pages of a large one, the first rows of a view."""
    if not sampleable or estimate <= SAMPLE_ROWS:
        return f"{relation.sql} LIMIT {SAMPLE_ROWS}"
    percent = min(100.0, 100.0 * SAMPLE_ROWS / estimate)
    # The seed makes every column's statement look at the same rows. The limit holds where pages are unevenly full.
    return f"{relation.sql} TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (0) LIMIT {2 * SAMPLE_ROWS}"


async def profile(session: ReadSession, relation: RelationName, columns: Sequence[RelationColumn]) -> Profile:
    """What is in these columns.

    Args:
        session: a transaction on one snapshot; its time limit is set here.
        relation: readable by this login.
        columns: which to look at.

    Raises:
        RelationUnreadable: the relation or a column is not there, or may not be read.
        ProfileTooSlow: PostgreSQL needed more than `PROFILE_SECONDS` for a statement.
    """
    inspector = Inspector(session)
    names = [column.name for column in columns]
    if not await inspector.readable(relation, names):
        raise RelationUnreadable(f"{relation} is gone, has other columns, or its owner took the grant back.")
    await session.execute(text(f"SET LOCAL statement_timeout = '{PROFILE_SECONDS}s'"))
    try:
        estimate = (await inspector.estimate(relation)).rows
        sampled_from = sample_clause(relation, estimate, sampleable=await is_sampleable(session, relation))
        # LIMIT stands in a subquery: count(*) would otherwise be limited to its one row instead.
        counted = f"SELECT count(*) FROM (SELECT FROM {sampled_from}) AS sample"  # noqa: S608 - names are quoted
        sampled = int((await run(session, counted)).scalar_one())
        complete = "TABLESAMPLE" not in sampled_from and sampled < SAMPLE_ROWS
        rows = sampled if complete else max(estimate, sampled)
        found = [await _column(session, sampled_from, column, sampled, rows) for column in columns]
    except DBAPIError as error:
        if sqlstate(error) == _QUERY_CANCELED:
            raise ProfileTooSlow(f"{relation} could not be sampled within {PROFILE_SECONDS} s.") from error
        if is_unreadable(error):
            raise RelationUnreadable(f"{relation} cannot be read.") from error
        raise
    return Profile(rows=rows, sampled=sampled, complete=complete, columns=tuple(found))


async def is_sampleable(session: ReadSession, relation: RelationName) -> bool:
    """Whether TABLESAMPLE reads random pages of the relation."""
    statement = text(
        "SELECT c.relkind::text IN ('r', 'm', 'p') FROM pg_catalog.pg_class AS c "
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
    )
    found = await session.execute(statement, {"schema": relation.schema, "name": relation.name})
    return bool(found.scalar_one())


async def _column(
    session: ReadSession, sampled_from: str, column: RelationColumn, sampled: int, rows: int
) -> ColumnProfile:
    row = (await run(session, _column_statement(sampled_from, column))).one()
    present = sampled - row.nulls
    everywhere = round(rows * present / sampled) if sampled else 0
    return ColumnProfile(
        name=column.name,
        type=column.type,
        nulls=share_of(row.nulls, sampled),
        distinct=estimated_distinct(present, row.distincts, row.singletons, everywhere),
        minimum=row.minimum,
        maximum=row.maximum,
        top_values=tuple(TopValue(value, share_of(count, sampled)) for value, count in row.top or ()),
        sketch=tuple(row.sketch or ()),
    )


def _column_statement(sampled_from: str, column: RelationColumn) -> str:
    name = quote(column.name)
    bound = "NULL::text"
    if _is_compared(column.type):
        bound = f"SELECT left({{}}(value)::text, {SHOWN_CHARACTERS}) FROM sample"  # noqa: S608 - a number of ours
    return f"""
WITH sample AS MATERIALIZED (SELECT {name} AS value FROM {sampled_from}),
     spelled AS (SELECT value::text AS shown, count(*) AS times FROM sample WHERE value IS NOT NULL GROUP BY 1)
SELECT (SELECT count(*) FROM sample WHERE value IS NULL) AS nulls,
       (SELECT count(*) FROM spelled) AS distincts,
       (SELECT count(*) FROM spelled WHERE times = 1) AS singletons,
       ({bound.format("min")}) AS minimum,
       ({bound.format("max")}) AS maximum,
       (SELECT jsonb_agg(jsonb_build_array(left(shown, {SHOWN_CHARACTERS}), times) ORDER BY times DESC, shown)
          FROM (SELECT shown, times FROM spelled WHERE times > 1
                 ORDER BY times DESC, shown LIMIT {TOP_VALUES}) AS frequent) AS top,
       (SELECT array_agg(hash ORDER BY hash)
          FROM (SELECT lpad(to_hex(hashtextextended(shown, 0)), 16, '0') COLLATE "C" AS hash FROM spelled
                 ORDER BY 1 LIMIT {SKETCH_SIZE}) AS smallest) AS sketch
"""  # noqa: S608 - names are quoted, numbers are ours


def _is_compared(spelled: str) -> bool:
    try:
        return parse_type(spelled).kind in _COMPARED
    except UnknownTypeError:
        return False


async def first_texts(
    session: ReadSession, relation: RelationName, names: Sequence[str], rows: int
) -> Sequence[Sequence[str | None]]:
    """The values of these columns as text, row by row, of at most so many rows: those that PostgreSQL meets first."""
    texts = ", ".join(f"{quote(name)}::text" for name in names)
    statement = f"SELECT {texts} FROM {relation.sql} LIMIT {rows}"  # noqa: S608 - quoted names, a number
    return (await run(session, statement)).all()
