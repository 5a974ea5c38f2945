"""Names of physical relations, and quoting. Every identifier that reaches SQL text goes through `quote`.

A user's column may bear any other name, also that of an alias. So, in every statement that is made here:
what is ours (aliases, parts of WITH, computed columns) is named by `own`, which no column of a contract can be;
a user's column is qualified wherever a second source is in scope; and a whole row is `alias.*`, never the bare alias,
for which PostgreSQL takes a column of that name first. Where a source's columns may bear our names too (queries,
adopted relations), they are renamed c0, c1, … at once (`app/kernel/tabular/rendering.py`).
"""

import re
from dataclasses import dataclass

from app.kernel.quoting import quote_identifier

DATA_SCHEMA = "data"
STAGING_SCHEMA = "pg_temp"
"""Staging is temporary: it goes with its transaction, whatever ends that (see `ddl.create_staging`)."""
HIDDEN_PREFIX = "_spyne_"
"""Columns beginning so belong to Spyne: no contract may name one, no query sees one."""

MAX_IDENTIFIER_BYTES = 63
"""PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1), so they are refused."""

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""At most 40 characters, so that the longest name made from it, `<table>__v<version>__before`, stays below 63 bytes."""


class IdentifierError(ValueError):
    """The text cannot be an identifier of a governed relation."""


def quote(identifier: str) -> str:
    """The identifier as a quoted SQL identifier.

    Raises:
        IdentifierError: empty, too long, or with a NUL character.
    """
    if not identifier or "\x00" in identifier or len(identifier.encode()) > MAX_IDENTIFIER_BYTES:
        raise IdentifierError(f"an identifier has 1 to {MAX_IDENTIFIER_BYTES} bytes and no NUL: {identifier[:80]!r}")
    return quote_identifier(identifier)


def own(word: str) -> str:
    """A name of ours in generated SQL: `own("s")` is `_spyne_s`. Lower-case letters and digits need no quotes."""
    return HIDDEN_PREFIX + word


def quote_all(identifiers: tuple[str, ...], prefix: str = "") -> str:
    """The identifiers, quoted and separated by commas, each behind `prefix` (as in `t.`)."""
    return ", ".join(prefix + quote(identifier) for identifier in identifiers)


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation in a schema; `sql` is its quoted spelling."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """Quoted and qualified."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def governed_relation(table: str, version: int) -> RelationName:
    """Where the rows of a version of a logical table are kept.

    Raises:
        IdentifierError: the table's name is not lower-case letters, digits and underscores, or the version below 1.
    """
    if not _TABLE.fullmatch(table) or version < 1:
        raise IdentifierError(f"not a table name and version: {table[:80]!r}, {version}")
    return RelationName(DATA_SCHEMA, f"{table}__v{version}")


def before_relation(relation: RelationName) -> RelationName:
    """Where the before-images of a governed relation's rows are kept."""
    return RelationName(relation.schema, f"{relation.name}__before")


def staging_relation(batch_seq: int) -> RelationName:
    """Where a batch's rows stand until they are merged."""
    return RelationName(STAGING_SCHEMA, f"batch_{batch_seq:d}")


def working_relation(batch_seq: int) -> RelationName:
    """Where a batch's sessions are worked out (append mode)."""
    return RelationName(STAGING_SCHEMA, f"batch_{batch_seq:d}_sessions")
