"""A version of a logical table, and what belongs to it, as the rest of the catalog handles them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.shape import Shape
from app.kernel.http.etags import etag
from app.warehouse.naming import RelationName


@dataclass(frozen=True, slots=True)
class TableStatus:
    """How a version of a table stands: what is asked for all the time, and little enough for that."""

    id: UUID
    name: str
    version: int
    state: TableState
    contract_id: str | None
    successor: str | None
    state_changed_at: datetime
    deprecated_at: datetime | None
    sunset: datetime | None
    revision: int

    @property
    def etag(self) -> str:
        """The ETag, another one after every change of the version."""
        return etag(self.id, self.revision)

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class TableVersion(TableStatus):
    """Everything about a version but its shape."""

    origin: str
    owner_id: UUID | None
    owner_label: str
    relation: RelationName
    schema_version: int | None
    supersedes_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that is to be made."""

    name: str
    version: int
    state: TableState
    origin: str
    relation: RelationName
    contract_id: str | None = None


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """A shape of a version, and what was in it when it was last measured."""

    shape: Shape
    row_count: int | None
    row_count_exact: bool | None
    checksum: str | None
    measured_at: datetime | None
    created_by: str


@dataclass(frozen=True, slots=True)
class ShapedVersion(TableVersion):
    """A version with the shape in force."""

    snapshot: TableSnapshot | None
    """None until a first batch has said what it looks like."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A line of a table's history."""

    id: UUID
    table_id: UUID
    name: str
    version: int
    from_state: TableState | None
    to_state: TableState
    actor_id: UUID | None
    actor_label: str
    reason: str | None
    plan_hash: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class QueryableTable:
    """A table as a query sees it: the version that its name stands for, its relation and its shape."""

    id: UUID
    name: str
    version: int
    state: TableState
    revision: int
    relation: RelationName
    shape: Shape
