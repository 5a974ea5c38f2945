"""What a snapshot asks PostgreSQL's catalogs, and how it is put back: all SQL of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from app.kernel.models import CONTROL_SCHEMA
from app.warehouse.naming import DATA_SCHEMA, quote, quote_all

Connection = asyncpg.Connection

LEFT_OUT: Final = ("alembic_version", "worker_heartbeats")
"""What says nothing about another database: its migration, which has to be the same, and processes that live here."""

TEXT_SETTINGS: Final = (
    "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)
"""Values are written so that they are read back exactly, whatever the defaults of the two servers."""

_CONTROL: Final = """
SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($2::text[])
GROUP BY c.relname ORDER BY c.relname
"""
_REFERENCES: Final = """
SELECT DISTINCT child.relname AS child, parent.relname AS parent
FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
JOIN pg_namespace n ON n.oid = child.relnamespace
WHERE k.contype = 'f' AND n.nspname = $1 AND child.oid <> parent.oid
"""
_RELATIONS: Final = """
SELECT c.oid::bigint AS oid, c.relname AS name, c.relkind = 'p' AS partitioned, c.relpersistence = 'u' AS unlogged,
    pg_get_userbyid(c.relowner) AS owner, c.reloptions AS options,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
    (SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid) AS parent,
    pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relispartition, c.oid
"""
_COLUMNS: Final = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
    a.attgenerated <> '' AS generated, a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS expression
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS: Final = """
SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid = $1::bigint::oid AND contype <> 'n' AND conislocal ORDER BY contype = 'f', conname
"""
_INDEXES: Final = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::bigint::oid AND NOT c.relispartition
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
ORDER BY i.indexrelid
"""
_GRANTS: Final = """
SELECT g.grantee, g.privilege, g.name FROM (
    SELECT pg_get_userbyid(x.grantee) AS grantee, x.privilege_type AS privilege, a.attname::text AS name, c.relowner,
        x.grantee AS role
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, aclexplode(a.attacl) x
    WHERE a.attrelid = $1::bigint::oid AND NOT a.attisdropped
    UNION ALL
    SELECT pg_get_userbyid(x.grantee), x.privilege_type, NULL, c.relowner, x.grantee
    FROM pg_class c, aclexplode(c.relacl) x WHERE c.oid = $1::bigint::oid
) g WHERE g.role <> 0 AND g.role <> g.relowner ORDER BY 1, 2, 3
"""
_SEQUENCES: Final = """
SELECT schemaname || '.' || sequencename AS name, last_value FROM pg_sequences
WHERE schemaname = ANY ($1::text[]) AND last_value IS NOT NULL ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table whose rows are in the archive."""

    schema: str
    name: str
    columns: list[str]

    @property
    def label(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Quoted and qualified."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    def statement(self) -> str:
        """What to COPY."""
        return f"SELECT {quote_all(tuple(self.columns))} FROM {self.sql}"  # noqa: S608 - names are quoted


@dataclass(frozen=True, slots=True)
class Relation:
    """A governed relation: the statements that make it, before its rows and after them."""

    name: str
    owner: str
    create: str
    after: list[str] = field(default_factory=list)


class CyclicReferencesError(RuntimeError):
    """Control tables refer to each other in a circle, so there is no order to put them back in: a bug."""


async def schema_head(connection: Connection) -> str:
    """The migration that the database is at."""
    return str(await connection.fetchval(f"SELECT version_num FROM {CONTROL_SCHEMA}.alembic_version"))  # noqa: S608 - a constant


async def control_tables(connection: Connection) -> list[Rows]:
    """The control tables, each behind those that it refers to. Raises `CyclicReferencesError`."""
    found = {
        row["name"]: Rows(CONTROL_SCHEMA, row["name"], list(row["columns"]))
        for row in await connection.fetch(_CONTROL, CONTROL_SCHEMA, list(LEFT_OUT))
    }
    needs: dict[str, set[str]] = {name: set() for name in found}
    for row in await connection.fetch(_REFERENCES, CONTROL_SCHEMA):
        if row["child"] in needs and row["parent"] in found:
            needs[row["child"]].add(row["parent"])
    ordered: list[Rows] = []
    while needs:
        ready = sorted(name for name, parents in needs.items() if not parents & needs.keys())
        if not ready:
            raise CyclicReferencesError(f"{', '.join(sorted(needs))} refer to each other in a circle.")
        ordered += [found[name] for name in ready]
        for name in ready:
            del needs[name]
    return ordered


async def governed_relations(connection: Connection) -> tuple[list[Relation], list[Rows]]:
    """The relations of the schema `data`, parents before their partitions, and those of them that hold rows."""
    relations, rows = [], []
    for row in await connection.fetch(_RELATIONS, DATA_SCHEMA):
        columns = await connection.fetch(_COLUMNS, row["oid"])
        relations.append(await _relation(connection, row, columns))
        if not row["partitioned"]:
            names = [str(column["name"]) for column in columns if not column["generated"]]
            rows.append(Rows(DATA_SCHEMA, row["name"], names))
    return relations, rows


async def _relation(connection: Connection, row: Any, columns: Sequence[Any]) -> Relation:
    name = f"{DATA_SCHEMA}.{quote(row['name'])}"
    after = [
        f"ALTER TABLE {name} ADD CONSTRAINT {quote(each['name'])} {each['definition']}"
        for each in await connection.fetch(_CONSTRAINTS, row["oid"])
    ]
    after += [each[0] for each in await connection.fetch(_INDEXES, row["oid"])]
    for grant in await connection.fetch(_GRANTS, row["oid"]):
        column = "" if grant["name"] is None else f" ({quote(grant['name'])})"
        after.append(f"GRANT {grant['privilege']}{column} ON {name} TO {quote(grant['grantee'])}")
    kind = "UNLOGGED TABLE" if row["unlogged"] else "TABLE"
    options = f" WITH ({', '.join(row['options'])})" if row["options"] else ""
    if row["parent"] is not None:
        parent = f"{DATA_SCHEMA}.{quote(row['parent'])}"
        create = f"CREATE {kind} {name} PARTITION OF {parent} {row['bound']}{options}"
    else:
        declared = ", ".join(_declared(column) for column in columns)
        divided = f" PARTITION BY {row['partition_key']}" if row["partitioned"] else ""
        create = f"CREATE {kind} {name} ({declared}){divided}{options}"
    return Relation(row["name"], row["owner"], create, after)


def _declared(column: Any) -> str:
    text = f"{quote(column['name'])} {column['type']}"
    if column["generated"]:
        text += f" GENERATED ALWAYS AS ({column['expression']}) STORED"
    elif column["expression"] is not None:
        text += f" DEFAULT {column['expression']}"
    return text + (" NOT NULL" if column["required"] else "")


async def sequences(connection: Connection) -> dict[str, int]:
    """Where the sequences stand that were used, by name."""
    found = await connection.fetch(_SEQUENCES, [CONTROL_SCHEMA, DATA_SCHEMA])
    return {row["name"]: int(row["last_value"]) for row in found}


async def is_untouched(connection: Connection) -> bool:
    """Whether nobody has used the database since it was migrated: no act without an audit row, none without a doer."""
    found = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM {CONTROL_SCHEMA}.audit_log) OR EXISTS (SELECT FROM {CONTROL_SCHEMA}.users) "  # noqa: S608 - constants
        f"OR EXISTS (SELECT FROM {CONTROL_SCHEMA}.job_runs) OR EXISTS (SELECT FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)",
        DATA_SCHEMA,
    )
    return not found


async def clear(connection: Connection, tables: Sequence[Rows]) -> None:
    """Remove the rows that the migrations have put into the tables, those which refer to others first."""
    for table in reversed(tables):
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.sql})"):  # noqa: S608 - quoted
            await connection.execute(f"DELETE FROM {table.sql}")  # noqa: S608 - quoted


async def make(connection: Connection, relation: Relation) -> None:
    """Make the relation, its owner's."""
    await connection.execute(relation.create)
    await connection.execute(f"ALTER TABLE {DATA_SCHEMA}.{quote(relation.name)} OWNER TO {quote(relation.owner)}")


async def own_for(connection: Connection, roles: Sequence[str]) -> None:
    """Let this login make relations of the roles; nothing to do for a superuser."""
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for role in roles:
            await connection.execute(f"GRANT {quote(role)} TO CURRENT_USER WITH SET TRUE")


async def release(connection: Connection, roles: Sequence[str]) -> None:
    """Take back what `own_for` has given."""
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        for role in roles:
            await connection.execute(f"REVOKE {quote(role)} FROM CURRENT_USER")


async def set_sequence(connection: Connection, name: str, value: int) -> None:
    """Let the sequence go on behind this value. A name that is none is an error of PostgreSQL."""
    schema, _, rest = name.partition(".")
    await connection.execute(f"SELECT setval('{quote(schema)}.{quote(rest)}'::regclass, {value:d})")
