"""The visible columns of a table, and how the columns of one version differ from another's. Pure.

What a difference means for queries is decided in `app/catalog/drift/classify.py`, for all of the catalog alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from app.catalog.drift.change import Change
from app.catalog.drift.classify import breaking, classify
from app.catalog.drift.schema import SchemaField, TableSchema
from app.warehouse.inspection import RelationColumn

Shape = tuple[RelationColumn, ...]


class Described(Protocol):
    """What two versions are compared by, whether the columns are PostgreSQL's or a contract's. Equal is unchanged."""

    @property
    def name(self) -> str:
        """Says which column of the other version it is."""

    @property
    def type(self) -> object:
        """As `str()` spells it; what another one means is graded by drift's policy."""

    @property
    def nullable(self) -> bool:
        """Whether the column may be null."""


ColumnKind = TypeVar("ColumnKind", bound=Described)


@dataclass(frozen=True, slots=True)
class ColumnChange(Generic[ColumnKind]):
    """A column that both versions have, in different ways."""

    before: ColumnKind
    after: ColumnKind


@dataclass(frozen=True, slots=True)
class Difference(Generic[ColumnKind]):
    """What a reader of the old version would notice in the new one."""

    added: tuple[ColumnKind, ...]
    removed: tuple[ColumnKind, ...]
    changed: tuple[ColumnChange[ColumnKind], ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of columns, of their types and of what may be null, each with its verdict."""
        old = (*self.removed, *(change.before for change in self.changed))
        new = (*(change.after for change in self.changed), *self.added)
        return classify(_schema(old), _schema(new))

    @property
    def breaking(self) -> bool:
        """Whether a query on the old version may fail or mean something else on the new one."""
        return breaking(self.changes)


def _schema(columns: Sequence[Described]) -> TableSchema:
    return TableSchema(tuple(SchemaField(column.name, str(column.type), column.nullable) for column in columns))


ShapeDifference = Difference[RelationColumn]


def difference(before: Sequence[ColumnKind], after: Sequence[ColumnKind]) -> Difference[ColumnKind]:
    """How `after` differs from `before`, by column name, each part in the order of the version it stands in."""
    old = {column.name: column for column in before}
    new = {column.name: column for column in after}
    return Difference(
        added=tuple(column for column in after if column.name not in old),
        removed=tuple(column for column in before if column.name not in new),
        changed=tuple(
            ColumnChange(old[column.name], column)
            for column in after
            if column.name in old and old[column.name] != column
        ),
    )


def shape_documents(shape: Shape) -> list[dict[str, Any]]:
    """The shape as `table_versions` keeps it."""
    return [{"name": column.name, "type": column.type, "nullable": column.nullable} for column in shape]


def shape_of(documents: Sequence[Mapping[str, Any]]) -> Shape:
    """The shape that `shape_documents` wrote."""
    return tuple(RelationColumn(item["name"], item["type"], item["nullable"]) for item in documents)
