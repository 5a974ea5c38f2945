"""Looks at relations that exist in the database, whoever made them: what matches, its columns, how much is in it.

Reads the system catalogs alone, except where rows are measured; changes nothing, ever.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from app.kernel.db.database import ReadSession, sqlstate
from app.kernel.problems import Conflict
from app.warehouse.naming import RelationName, quote_all
from app.warehouse.relations import run
from app.warehouse.types import UnknownTypeError, parse_type

MAX_MATCHES = 1_000
"""Relations that one look answers; a pattern that finds more is too wide to be meant."""

EXACT_ROWS = 2_000_000
"""Up to this many estimated rows are counted and hashed (about a second on one core); above, estimates must do."""


EXACT_COST = 250_000.0
"""In the planner's units: a sequential scan of `EXACT_ROWS` rows of 1 KiB; a view that hides more work is not run."""


class RelationKind(StrEnum):
    """`pg_class.relkind`."""

    TABLE = "r"
    PARTITIONED = "p"
    VIEW = "v"
    MATERIALIZED_VIEW = "m"
    FOREIGN_TABLE = "f"
    SEQUENCE = "S"
    INDEX = "i"
    PARTITIONED_INDEX = "I"
    COMPOSITE_TYPE = "c"
    TOAST = "t"


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column as PostgreSQL has it; the type in the canonical spelling where there is one."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class FoundRelation:
    """A relation that exists."""

    relation: RelationName
    kind: RelationKind
    partition: bool
    """Whether the relation is a part of a partitioned table."""
    temporary: bool
    reads_protected: bool
    """A view which reads system or control schemas, directly or through others."""
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects of reading all of a relation."""

    rows: int
    cost: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """How much a relation holds."""

    rows: int
    exact: bool
    """Counted; otherwise the planner's estimate."""
    checksum: str | None
    """Hash of the rows whatever their order, 16 hexadecimal digits; None when they were not all read."""


# What a view reads is taken from its rule: pg_depend has no rows for PostgreSQL's own relations, which are pinned.
_FIND = text(r"""
WITH RECURSIVE found AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relpersistence
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE EXISTS (SELECT FROM unnest(:schemas, :names) AS wanted(schema, name)
                  WHERE n.nspname LIKE wanted.schema AND c.relname LIKE wanted.name)
     AND c.relkind::text = ANY (:kinds)
   ORDER BY n.nspname, c.relname
   LIMIT :most
), reads(view, relation) AS (
  SELECT oid, oid FROM found WHERE relkind IN ('v', 'm')
  UNION
  SELECT reads.view, read[1]::oid
    FROM reads
    JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = reads.relation
   CROSS JOIN regexp_matches(r.ev_action::text, ' \:relid (\d+)', 'g') AS read
)
SELECT found.*,
       EXISTS (SELECT FROM reads
                 JOIN pg_catalog.pg_class AS c ON c.oid = reads.relation
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE reads.view = found.oid
                  AND (n.nspname LIKE 'pg\_%' OR n.nspname = ANY (:protected))) AS reads_protected,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                 a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull) ORDER BY a.attnum), '[]')
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = found.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM found
 ORDER BY nspname, relname
""").bindparams(
    bindparam("schemas", type_=ARRAY(String)),
    bindparam("names", type_=ARRAY(String)),
    bindparam("kinds", type_=ARRAY(String)),
    bindparam("protected", type_=ARRAY(String)),
    bindparam("most", type_=BigInteger),
)

_READABLE = text("""
SELECT count(*) AS columns,
       coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')),
                false) AS readable
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = :schema AND c.relname = :name AND a.attname = ANY (:columns)
""").bindparams(bindparam("columns", type_=ARRAY(String)))

PROTECTED_SCHEMAS = frozenset({"information_schema", "spyne", "jobs", "staging"})
"""Schemas whose relations nobody queries, beside every `pg_…`."""

CONTROL_SCHEMAS = frozenset({"spyne", "jobs", "staging", "data"})
"""Schemas in which Spyne keeps its own relations."""


_PUBLISHED = text(
    "SELECT coalesce(bool_and(has_column_privilege(:role, to_regclass(:relation), name, 'SELECT')), false) "
    "FROM unnest(:columns) AS name"
).bindparams(bindparam("columns", type_=ARRAY(String)))


class RelationUnreadable(Conflict):
    """The relation is gone, has other columns than when it was taken, or cannot be read by this login."""

    code, title = "relation-unreadable", "The relation behind the table cannot be read"


_UNREADABLE_CLASSES = ("42", "22", "P0", "0A", "54")
"""SQLSTATE classes of what a foreign view can run into: privileges, data, its own errors, features, limits."""


def is_unreadable(error: DBAPIError) -> bool:
    """Whether reading a relation failed because of the relation itself."""
    return (sqlstate(error) or "").startswith(_UNREADABLE_CLASSES)


def is_system_schema(name: str) -> bool:
    """Whether the schema is PostgreSQL's own."""
    return name.startswith("pg_") or name == "information_schema"


class Inspector:
    """Answers what is there."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def find(
        self, patterns: Sequence[tuple[str, str]], kinds: frozenset[RelationKind] = frozenset(RelationKind)
    ) -> list[FoundRelation]:
        """The relations that match any of the patterns, by name, at most `MAX_MATCHES` and one.

        Args:
            patterns: LIKE patterns of schema and name.
            kinds: what to look for.
        """
        parameters = {
            "schemas": [schema for schema, _ in patterns],
            "names": [name for _, name in patterns],
            "kinds": sorted(kind.value for kind in kinds),
            "protected": sorted(PROTECTED_SCHEMAS),
            "most": MAX_MATCHES + 1,
        }
        rows = (await self._session.execute(_FIND, parameters)).all()
        return [
            FoundRelation(
                relation=RelationName(row.nspname, row.relname),
                kind=RelationKind(_letter(row.relkind)),
                partition=row.relispartition,
                temporary=_letter(row.relpersistence) == "t",
                reads_protected=row.reads_protected,
                columns=tuple(RelationColumn(name, canonical(kind), nullable) for name, kind, nullable in row.columns),
            )
            for row in rows
        ]

    async def exists(self, relation: RelationName) -> bool:
        """Whether anything bears the name."""
        statement = text(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
            "ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name)"
        )
        found = await self._session.execute(statement, {"schema": relation.schema, "name": relation.name})
        return bool(found.scalar_one())

    async def readable(self, relation: RelationName, columns: Sequence[str]) -> bool:
        """Whether the relation is there with all these columns, and this login may read every one of them."""
        row = (
            await self._session.execute(
                _READABLE, {"schema": relation.schema, "name": relation.name, "columns": list(columns)}
            )
        ).one()
        return bool(row.readable) and row.columns == len(columns)

    async def published(self, relation: RelationName, columns: Sequence[str], role: str) -> bool:
        """Whether the role may read every one of these columns of the relation, which is there."""
        values = {"role": role, "relation": relation.sql, "columns": list(columns)}
        return bool((await self._session.execute(_PUBLISHED, values)).scalar_one())

    async def fits(self, value: str, kind: str) -> bool:
        """Whether PostgreSQL reads the text as a value of the type."""
        statement = text("SELECT pg_catalog.pg_input_is_valid(:value, :kind)")
        return bool((await self._session.execute(statement, {"value": value, "kind": kind})).scalar_one())

    async def estimate(self, relation: RelationName) -> Estimate:
        """What the planner expects; for plain tables from their size now and their density when analysed."""
        plan = (await run(self._session, f"EXPLAIN (FORMAT JSON) SELECT FROM {relation.sql}")).scalar_one()
        top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        return Estimate(rows=int(top["Plan Rows"]), cost=float(top["Total Cost"]))

    async def measure(self, relation: RelationName, columns: Sequence[str], *, hashed: bool) -> Measurement:
        """How much the relation holds; one pass over it when it is small enough, none otherwise. Needs a transaction.

        Args:
            relation: what to measure.
            columns: whose values the checksum is of.
            hashed: whether to answer a checksum; needs column types that hash, as those of governed relations do.

        Raises:
            RelationUnreadable: reading it fails. The transaction goes on.
        """
        try:
            async with self._session.begin_nested():
                return await self._measure(relation, columns, hashed=hashed)
        except DBAPIError as error:
            if not is_unreadable(error):
                raise
            raise RelationUnreadable(f"{relation} cannot be read.") from error

    async def _measure(self, relation: RelationName, columns: Sequence[str], *, hashed: bool) -> Measurement:
        estimate = await self.estimate(relation)
        if estimate.rows > EXACT_ROWS or estimate.cost > EXACT_COST:
            return Measurement(estimate.rows, exact=False, checksum=None)
        # Sums of hashes do not depend on the order of rows; modulo 2^64 they fit 16 digits.
        checksum = f"sum(hash_record_extended(ROW({quote_all(tuple(columns))}), 0)::numeric)" if hashed else "NULL"
        statement = f"SELECT count(*), {checksum} FROM {relation.sql}"  # noqa: S608 - every name is quoted
        rows, total = tuple((await run(self._session, statement)).one())
        return Measurement(rows, exact=True, checksum=f"{int(total or 0) % 2**64:016x}" if hashed else None)


def canonical(spelled: str) -> str:
    """PostgreSQL's spelling of a type in ours, where a contract could name it; as it is otherwise."""
    try:
        return parse_type(spelled).sql
    except UnknownTypeError:
        return spelled


def _letter(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
