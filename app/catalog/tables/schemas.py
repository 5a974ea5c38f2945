"""What tables look like over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from app.catalog.tables.lifecycle import TableState
from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment

MAX_REASON = 1_000


Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REASON,
        description="Why; kept in history and audit.",
        examples=["The first load was checked."],
    ),
]


DryRun = Annotated[StrictBool, Field(description="Answer what would change, and change nothing.")]


PlanHash = Annotated[
    str | None,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="`plan_hash` of a dry run: refused (409) if the change would not be exactly that any more.",
    ),
]


class PromoteRequest(StrictModel):
    """A change of state."""

    from_state: TableState = Field(
        description="The state it is believed to be in; 409 when it is not.", examples=["SHADOW"]
    )
    to_state: TableState = Field(description="The state that it is to have.", examples=["ACTIVE"])
    dry_run: DryRun = False
    reason: Reason
    plan_hash: PlanHash = None


class DeprecateRequest(StrictModel):
    """Taking a table out of use."""

    reason: Reason
    successor: str | None = Field(
        None, min_length=1, max_length=128, description="What to use instead: id, name or name@version."
    )
    sunset: Moment | None = Field(
        None, description="When the table goes away (RFC 3339, in the future); announced in the `Sunset` header."
    )
    dry_run: DryRun = False
    plan_hash: PlanHash = None


class RestoreRequest(StrictModel):
    """Bringing a deprecated version back."""

    reason: Reason
    to_state: TableState | None = Field(
        None, description="ACTIVE or READ_ONLY; when absent, the state that it had before."
    )
    dry_run: DryRun = False
    plan_hash: PlanHash = None


class OwnerDocument(BaseModel):
    """Who owns a table."""

    id: UUID | None = Field(description="The user or client; null for Spyne itself.")
    label: str = Field(description="The name at the time.")


class ColumnDocument(BaseModel):
    """A column that queries see."""

    name: str
    type: str = Field(description="PostgreSQL type.", examples=["numeric(12,2)"])
    nullable: bool


class StateDocument(BaseModel):
    """How a table stands."""

    id: UUID
    name: str
    version: int
    state: TableState
    queryable: bool = Field(description="By its name alone.")
    writable: bool = Field(description="By ingestion.")
    auto_joined: bool = Field(description="By accepted joins.")
    contract_id: str | None
    successor: str | None = Field(description="What to use instead.")
    state_changed_at: datetime
    deprecated_at: datetime | None
    sunset: datetime | None


class TableSummary(StateDocument):
    """A table in a list."""

    origin: str = Field(description="`contract` or `adopted`.")
    owner: OwnerDocument
    relation: str = Field(description="The physical relation.", examples=["data.customers__v1"])
    schema_version: int | None
    supersedes: UUID | None = Field(description="The version from which it took the name.")
    created_at: datetime


class VersionDocument(TableSummary):
    """A version of a table, with its shape and what was in it when it was last measured."""

    columns: list[ColumnDocument] | None = Field(description="Null until a first batch has said what there is.")
    row_count: int | None = Field(description="When it was last measured: at its last change of state.")
    row_count_exact: bool | None = Field(description="Counted, or the planner's estimate.")
    checksum: str | None = Field(
        description="Of the rows whatever their order; null for adopted and very large tables."
    )
    measured_at: datetime | None


class StateChangeDocument(BaseModel):
    """One line of a history."""

    id: UUID
    table_id: UUID
    version: int
    from_state: TableState | None
    to_state: TableState
    actor: OwnerDocument
    reason: str | None
    plan_hash: str | None
    at: datetime


class ContentDocument(BaseModel):
    """A version within a plan."""

    id: UUID
    version: int
    state: TableState = Field(description="Before the change.")
    row_count: int | None
    row_count_exact: bool | None
    checksum: str | None


class ColumnChangeDocument(BaseModel):
    """A column that both versions have, in different ways."""

    before: ColumnDocument
    after: ColumnDocument


class DifferenceDocument(BaseModel):
    """How the columns differ for those who used the superseded version."""

    added: list[ColumnDocument]
    removed: list[ColumnDocument]
    changed: list[ColumnChangeDocument]
    breaking: bool = Field(description="A column is gone or has another type.")


class DependantDocument(BaseModel):
    """Something that relies on the table."""

    kind: str
    id: str
    label: str


class TransitionDocument(BaseModel):
    """What a change of state does, or would do."""

    dry_run: bool
    name: str
    from_state: TableState
    to_state: TableState
    table: ContentDocument
    supersedes: ContentDocument | None = Field(description="The version that loses the name and is deprecated.")
    schema_difference: DifferenceDocument | None = Field(description="Against the superseded version.")
    dependants: list[DependantDocument]
    plan_hash: str
