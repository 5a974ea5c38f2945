"""Reads what live relations look like now, many of them in one statement, from PostgreSQL's catalogs alone.

Needs no right on the relations themselves: every login may read pg_catalog. Never waits for a lock: `pg_get_expr` takes
the lock of a reader, so that a relation under ALTER, TRUNCATE or the like is only named as busy.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.kernel.db.database import ReadSession
from app.warehouse.inspection import RelationKind
from app.warehouse.naming import RelationName

WITH_ROWS: Final = (
    RelationKind.TABLE,
    RelationKind.PARTITIONED,
    RelationKind.VIEW,
    RelationKind.MATERIALIZED_VIEW,
    RelationKind.FOREIGN_TABLE,
)
"""What a table can stand for."""

_KEPT: Final = 4_096
"""Relations whose words are kept as they were last decoded."""


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column as PostgreSQL has it."""

    name: str
    number: int
    """`attnum`: stays with the column through every change of its name, and is never given to another one."""
    type: str
    """As `format_type` spells it."""
    nullable: bool
    default: str | None = None
    """Expression of the default, or of a generated column's value; None without any."""
    expression: str | None = None
    """SHA-256 of that expression as PostgreSQL keeps it: the same after what it mentions got another name."""
    identity: str = ""
    """`pg_attribute.attidentity`: empty, `a` (always) or `d` (by default)."""
    generated: str = ""
    """`pg_attribute.attgenerated`: empty, `s` (stored) or `v` (virtual)."""
    comment: str | None = None
    labels: tuple[str, ...] | None = None
    """Values of an enum type, in their order; None of every other type."""


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A unique index without an expression or a condition, whether or not a constraint stands on the index."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveForeignKey:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    target: RelationName
    target_oid: int
    target_columns: tuple[str, ...]
    target_numbers: tuple[int, ...]
    """`attnum` of each target column: with `target_oid`, the same after the target or its columns got other names."""


@dataclass(frozen=True, slots=True)
class LiveRelation:
    """A relation with rows, as it is now."""

    oid: int
    lineage: str
    """The database whose oids and column numbers these are: `<system identifier>/<oid of the database>`."""
    name: RelationName
    kind: RelationKind
    columns: tuple[LiveColumn, ...]
    """In the order of their numbers, which is the order of `SELECT *`."""
    primary_key: LiveKey | None = None
    unique_keys: tuple[LiveKey, ...] = ()
    """By name, without the primary key."""
    foreign_keys: tuple[LiveForeignKey, ...] = ()
    """By name."""
    comment: str | None = None

    def keys_within(self, visible: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that are unique for certain, and of which each is visible; the primary key first."""
        keys = (self.primary_key, *self.unique_keys)
        return tuple(key.columns for key in keys if key is not None and set(visible).issuperset(key.columns))


@dataclass(frozen=True, slots=True)
class LiveRelations:
    """Relations that were found."""

    by_name: dict[RelationName, LiveRelation]
    by_oid: dict[int, LiveRelation]
    """The same relations. A relation that was asked for by its oid and got another name shows that other name."""
    busy: dict[RelationName, int] = field(default_factory=dict)
    """Relations, with their oids, that are there but locked against readers by another transaction, or about to be."""


# Each part is one pass over a catalog for all relations together, not one look for each relation.
_LIVE = text("""
WITH here AS MATERIALIZED (
  SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
), locked AS MATERIALIZED (
  SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l JOIN here ON here.oid = l.database
   WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
), wanted AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.oid IN (SELECT relation FROM locked) AS busy
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relkind::text = ANY (:kinds)
     AND c.oid IN (
       SELECT named.oid
         FROM unnest(:schemas, :names) AS asked(schema, name)
         JOIN pg_catalog.pg_namespace AS space ON space.nspname = asked.schema
         JOIN pg_catalog.pg_class AS named ON named.relnamespace = space.oid AND named.relname = asked.name
        UNION ALL
       SELECT unnest(CAST(:oids AS bigint[]))::oid)
), columns AS MATERIALIZED (
  SELECT a.attrelid AS oid, jsonb_agg(jsonb_build_object(
           'name', a.attname, 'number', a.attnum, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
           'nullable', NOT a.attnotnull, 'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
           'expression', encode(sha256(convert_to(d.adbin::text, 'UTF8')), 'hex'), 'identity', a.attidentity::text,
           'generated', a.attgenerated::text, 'comment', s.description, 'labels', e.labels) ORDER BY a.attnum) AS found
    FROM wanted
    JOIN pg_catalog.pg_attribute AS a
      ON a.attrelid = wanted.oid AND NOT wanted.busy AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_description AS s
      ON s.objoid = a.attrelid AND s.objsubid = a.attnum AND s.classoid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN (SELECT enumtypid, jsonb_agg(enumlabel ORDER BY enumsortorder) AS labels
                 FROM pg_catalog.pg_enum GROUP BY enumtypid) AS e ON e.enumtypid = a.atttypid
   GROUP BY a.attrelid
), keys AS MATERIALIZED (
  SELECT i.indrelid AS oid,
         jsonb_agg(jsonb_build_array(c.relname, i.indisprimary, parts.names) ORDER BY c.relname) AS found
    FROM wanted
    JOIN pg_catalog.pg_index AS i ON i.indrelid = wanted.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(a.attname ORDER BY part.place) AS names
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part(number, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
       WHERE part.place <= i.indnkeyatts) AS parts
   WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
   GROUP BY i.indrelid
), foreign_keys AS MATERIALIZED (
  SELECT k.conrelid AS oid, jsonb_agg(jsonb_build_object(
           'name', k.conname, 'columns', parts.own, 'target_oid', c.oid::bigint,
           'target', jsonb_build_object('schema', n.nspname, 'name', c.relname),
           'target_columns', parts.target, 'target_numbers', to_jsonb(k.confkey)
         ) ORDER BY k.conname) AS found
    FROM wanted
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = wanted.oid AND k.contype = 'f'
    JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(mine.attname ORDER BY part.place) AS own, jsonb_agg(theirs.attname ORDER BY part.place) AS target
        FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS part(mine, theirs, place)
        JOIN pg_catalog.pg_attribute AS mine ON mine.attrelid = k.conrelid AND mine.attnum = part.mine
        JOIN pg_catalog.pg_attribute AS theirs ON theirs.attrelid = k.confrelid AND theirs.attnum = part.theirs
      ) AS parts
   GROUP BY k.conrelid
)
SELECT wanted.oid::bigint AS oid, wanted.nspname, wanted.relname, wanted.relkind::text AS relkind, wanted.busy,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) || '/' || here.oid::text AS lineage,
       s.description AS comment, coalesce(columns.found, '[]') AS columns, coalesce(keys.found, '[]') AS keys,
       coalesce(foreign_keys.found, '[]') AS foreign_keys
  FROM wanted
 CROSS JOIN here
  LEFT JOIN columns ON columns.oid = wanted.oid
  LEFT JOIN keys ON keys.oid = wanted.oid
  LEFT JOIN foreign_keys ON foreign_keys.oid = wanted.oid
  LEFT JOIN pg_catalog.pg_description AS s
    ON s.objoid = wanted.oid AND s.objsubid = 0 AND s.classoid = 'pg_catalog.pg_class'::regclass
""").bindparams(
    bindparam("kinds", type_=ARRAY(String)),
    bindparam("schemas", type_=ARRAY(String)),
    bindparam("names", type_=ARRAY(String)),
    bindparam("oids", type_=ARRAY(BigInteger)),
)


async def live_relations(session: ReadSession, wanted: Collection[RelationName | int]) -> LiveRelations:
    """The relations of these names and oids, in one statement; what is gone is absent, and what is busy only named.

    Args:
        session: any session: catalogs alone are read.
        wanted: names, and oids of relations that may have got another name. A relation that is named as well as
            asked for by its oid is found once.
    """
    names = [each for each in wanted if isinstance(each, RelationName)]
    parameters = {
        "kinds": [kind.value for kind in WITH_ROWS],
        "schemas": [name.schema for name in names],
        "names": [name.name for name in names],
        "oids": [each for each in wanted if isinstance(each, int)],
    }
    rows = (await session.execute(_LIVE, parameters)).all()
    found = [_relation(row) for row in rows if not row.busy]
    return LiveRelations(
        by_name={each.name: each for each in found},
        by_oid={each.oid: each for each in found},
        busy={_name(row): row.oid for row in rows if row.busy},
    )


def _relation(row: Any) -> LiveRelation:
    keys = [(primary, LiveKey(name, tuple(columns))) for name, primary, columns in row.keys]
    return LiveRelation(
        oid=row.oid,
        lineage=row.lineage,
        name=_name(row),
        kind=RelationKind(row.relkind),
        columns=msgspec.convert(row.columns, tuple[LiveColumn, ...]),
        primary_key=next((key for primary, key in keys if primary), None),
        unique_keys=tuple(key for primary, key in keys if not primary),
        foreign_keys=msgspec.convert(row.foreign_keys, tuple[LiveForeignKey, ...]),
        comment=row.comment,
    )


def _name(row: Any) -> RelationName:
    return RelationName(row.nspname, row.relname)


@dataclass(frozen=True, slots=True)
class LiveWords:
    """Comments and keys of a relation, as they are now: what is asked before every question in words."""

    comment: str | None
    comments: tuple[tuple[str, str], ...]
    """Names of columns with their comments."""
    keys: tuple[tuple[str, ...], ...]
    """Columns of each unique index without an expression or a condition; those of the primary key first."""

    def keys_within(self, visible: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """The keys of which every column is visible."""
        return tuple(key for key in self.keys if set(visible).issuperset(key))


_WORDS = text("""
WITH wanted AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname
    FROM unnest(:schemas, :names) AS asked(schema, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = asked.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = asked.name
), comments AS MATERIALIZED (
  SELECT s.objoid AS oid, jsonb_agg(jsonb_build_array(a.attname, s.description) ORDER BY a.attnum) AS found
    FROM wanted
    JOIN pg_catalog.pg_description AS s
      ON s.objoid = wanted.oid AND s.objsubid > 0 AND s.classoid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.objoid AND a.attnum = s.objsubid AND NOT a.attisdropped
   GROUP BY s.objoid
), keys AS MATERIALIZED (
  SELECT i.indrelid AS oid, jsonb_agg(parts.names ORDER BY NOT i.indisprimary, c.relname) AS found
    FROM wanted
    JOIN pg_catalog.pg_index AS i ON i.indrelid = wanted.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(a.attname ORDER BY part.place) AS names
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part(number, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
       WHERE part.place <= i.indnkeyatts) AS parts
   WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
   GROUP BY i.indrelid
)
SELECT wanted.nspname, wanted.relname, s.description AS comment, coalesce(comments.found, '[]')::text AS comments,
       coalesce(keys.found, '[]')::text AS keys
  FROM wanted
  LEFT JOIN comments ON comments.oid = wanted.oid
  LEFT JOIN keys ON keys.oid = wanted.oid
  LEFT JOIN pg_catalog.pg_description AS s
    ON s.objoid = wanted.oid AND s.objsubid = 0 AND s.classoid = 'pg_catalog.pg_class'::regclass
""").bindparams(bindparam("schemas", type_=ARRAY(String)), bindparam("names", type_=ARRAY(String)))


async def live_words(session: ReadSession, relations: Collection[RelationName]) -> dict[RelationName, LiveWords]:
    """The words of the relations that are there. Catalogs alone are read; no lock is waited for."""
    parameters = {"schemas": [each.schema for each in relations], "names": [each.name for each in relations]}
    rows = await session.execute(_WORDS, parameters)
    return {RelationName(row.nspname, row.relname): _decoded(row.comment, row.comments, row.keys) for row in rows}


@lru_cache(maxsize=_KEPT)
def _decoded(comment: str | None, comments: str, keys: str) -> LiveWords:
    return LiveWords(
        comment,
        msgspec.json.decode(comments, type=tuple[tuple[str, str], ...]),
        msgspec.json.decode(keys, type=tuple[tuple[str, ...], ...]),
    )
