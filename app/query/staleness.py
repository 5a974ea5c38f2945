"""The basis that a preview was made on, and whether that still holds when it is executed. Pure.

A preview is bound to the regenerated SQL, the version and shape of every table, the version of every accepted join that
it uses, and the caller's roles and limits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from app.query.results.limits import Limits


@dataclass(frozen=True, slots=True)
class TableBasis:
    """The version of a table that a name stood for."""

    table_id: str
    name: str
    version: int
    relation: str
    """Schema and name of the physical relation."""
    shape: str
    """Digest of its visible columns."""


@dataclass(frozen=True, slots=True)
class JoinBasis:
    """The version of an accepted join that the statement uses."""

    join_id: str
    version: int


def shape_digest(columns: Iterable[tuple[str, str]]) -> str:
    """A digest of names and types, in order."""
    return sha256("\n".join(f"{name} {type_}" for name, type_ in columns).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PreviewBasis:
    """Everything that a preview is bound to."""

    sql_hash: str
    tables: tuple[TableBasis, ...]
    roles: tuple[str, ...]
    limits: Limits
    joins: tuple[JoinBasis, ...] = ()

    def document(self) -> dict[str, Any]:
        """The basis as it is stored."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "PreviewBasis":
        """The basis within a stored document. Raises KeyError or TypeError for one of another shape."""
        return cls(
            sql_hash=document["sql_hash"],
            tables=tuple(TableBasis(**table) for table in document["tables"]),
            roles=tuple(document["roles"]),
            limits=Limits(**document["limits"]),
            joins=tuple(JoinBasis(**join) for join in document.get("joins", ())),  # older documents have none
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is no longer as it was. `code` is stable."""

    code: str
    message: str


def changes(before: PreviewBasis, now: PreviewBasis, joins: Mapping[str, int]) -> tuple[Change, ...]:
    """The changes since the preview; empty when it still holds. `joins` are those in force now: versions by id."""
    found = [*_table_changes(before, now), *_join_changes(before, joins)]
    if not found and before.sql_hash != now.sql_hash:
        found.append(Change("sql", "The statement is written differently now."))
    if before.roles != now.roles:
        found.append(Change("roles", "Your roles have changed."))
    if before.limits != now.limits:
        found.append(Change("limits", "Your limits have changed."))
    return tuple(found)


def _table_changes(before: PreviewBasis, now: PreviewBasis) -> list[Change]:
    current = {table.name: table for table in now.tables}
    found: list[Change] = []
    for table in before.tables:
        other = current.get(table.name)
        if other is None:
            found.append(Change("table-gone", f"{table.name} is no longer readable by this statement."))
        elif (other.table_id, other.version, other.relation) != (table.table_id, table.version, table.relation):
            found.append(
                Change("table-version", f"{table.name} was version {table.version} and is version {other.version} now.")
            )
        elif other.shape != table.shape:
            found.append(Change("table-schema", f"The columns of {table.name} have changed."))
    return found


def _join_changes(before: PreviewBasis, joins: Mapping[str, int]) -> list[Change]:
    """What became of the joins that the preview showed; one that was accepted since changes nothing that it said."""
    found: list[Change] = []
    for join in before.joins:
        version = joins.get(join.join_id)
        if version is None:
            found.append(Change("join-gone", f"The join {join.join_id} is no longer in force."))
        elif version != join.version:
            message = f"The join {join.join_id} was version {join.version} and is version {version} now."
            found.append(Change("join-version", message))
    return found
