"""What tables look like over HTTP: requests, answers, and how answers are made of what the use cases return."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.catalog.tables.lifecycle import PROPERTIES, TableState
from app.catalog.tables.planning import Content, TransitionPlan
from app.catalog.tables.version import ShapedVersion, StateChange, TableStatus, TableVersion
from app.kernel.schemas import Reason, StrictModel
from app.kernel.timestamps import Moment

Why = Annotated[Reason, Field(description="Why; kept in history and audit.", examples=["The first load was checked."])]
DryRun = Annotated[StrictBool, Field(description="Answer what would change, and change nothing.")]
PlanHash = Annotated[
    str | None,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="`plan_hash` of a dry run: refused (409) if the change would not be exactly that any more.",
    ),
]


Confirm = Annotated[
    StrictBool,
    Field(
        description="Do it also if the version that takes the name has no rows, or fewer than half of those that "
        "queries find now, as the dry run said; needs its `plan_hash`."
    ),
]


class PromoteRequest(StrictModel):
    """A change of state."""

    from_state: TableState = Field(
        description="The state it is believed to be in; 409 when it is not.", examples=["SHADOW"]
    )
    to_state: TableState = Field(description="The state that it is to have.", examples=["ACTIVE"])
    dry_run: DryRun = False
    reason: Why
    plan_hash: PlanHash = None
    confirm: Confirm = False


class DeprecateRequest(StrictModel):
    """Taking a table out of use."""

    reason: Why
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

    reason: Why
    to_state: TableState | None = Field(
        None, description="ACTIVE or READ_ONLY; when absent, the state that it had before."
    )
    dry_run: DryRun = False
    plan_hash: PlanHash = None
    confirm: Confirm = False


class ActorDocument(BaseModel):
    """Who owns a table, or has changed it."""

    id: UUID | None = Field(description="The user or client; null for Spyne itself.")
    label: str = Field(description="The name at the time.")


class _Shown(BaseModel):
    """Made of an object with these attributes."""

    model_config = ConfigDict(from_attributes=True)


class TableColumnDocument(_Shown):
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
    owner: ActorDocument
    relation: str = Field(description="The physical relation.", examples=["data.customers__v1"])
    schema_version: int | None
    supersedes: UUID | None = Field(description="The version from which it took the name.")
    created_at: datetime


class VersionDocument(TableSummary):
    """A version of a table, with its shape and what was in it when it was last measured."""

    columns: list[TableColumnDocument] | None = Field(description="Null until a first batch has said what there is.")
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
    actor: ActorDocument
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


class ColumnChangeDocument(_Shown):
    """A column that both versions have, in different ways."""

    before: TableColumnDocument
    after: TableColumnDocument


class DifferenceDocument(_Shown):
    """How the columns differ for those who used the superseded version."""

    added: list[TableColumnDocument]
    removed: list[TableColumnDocument]
    changed: list[ColumnChangeDocument]
    breaking: bool = Field(
        description="A query on the old columns may fail or mean something else: a column is gone, or has a type that "
        "is not merely wider."
    )


class DependantDocument(_Shown):
    """Something that relies on the table."""

    kind: str = Field(
        description="`execution`: one person's runs of one statement within 30 days; `preview`: one that can still be "
        "executed; `export`: one under way.",
        examples=["execution"],
    )
    id: str
    label: str = Field(description="For people, in a line.")
    by: str | None = Field(description="Whose it is, by the name at the time.")
    at: datetime | None = Field(description="When it was made; of executions, the last of them.")
    lasting: bool = Field(
        description="Stays until somebody takes it away. What comes and goes by itself stands outside `plan_hash`."
    )


class TransitionDocument(BaseModel):
    """What a change of state does, or would do."""

    dry_run: bool
    name: str
    from_state: TableState
    to_state: TableState
    table: ContentDocument
    supersedes: ContentDocument | None = Field(description="The version that loses the name and is deprecated.")
    schema_difference: DifferenceDocument | None = Field(description="Against the superseded version.")
    dependants: list[DependantDocument] = Field(
        description="What relies on the version that goes out of use, or on the table itself; 100 of each kind at most."
    )
    readers: list[str] = Field(description="Who executed queries on it within 30 days, by their names at the time.")
    summary: str = Field(
        description="What queries find under the name now, and then.",
        examples=["Queries of customers read customers@1 with 1 row now; then they read customers@2 with 0 rows."],
    )
    needs_confirmation: bool = Field(
        description="Queries would lose all rows or more than half: done only with `confirm` and this `plan_hash`."
    )
    plan_hash: str


_OF_STATUS = StateDocument.model_fields.keys() - {"queryable", "writable", "auto_joined"}


def headers_of(status: TableStatus) -> dict[str, str]:
    """`ETag`; for a deprecated table also `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` (RFC 5829)."""
    headers = {"ETag": status.etag}
    if status.deprecated_at is not None:
        headers["Deprecation"] = f"@{int(status.deprecated_at.timestamp())}"
        if status.sunset is not None:
            headers["Sunset"] = format_datetime(status.sunset.astimezone(UTC), usegmt=True)
        if status.successor is not None:
            headers["Link"] = f'</api/tables/{status.successor}>; rel="successor-version"'
    return headers


def state_document(status: TableStatus) -> StateDocument:
    """How the table stands. Everything comes from one row of the right types, so nothing is validated again."""
    allowed = PROPERTIES[status.state]
    return StateDocument.model_construct(
        queryable=allowed.queryable,
        writable=allowed.writable,
        auto_joined=allowed.auto_joined,
        **{name: getattr(status, name) for name in _OF_STATUS},
    )


def table_summary(version: TableVersion) -> TableSummary:
    """The table in a list."""
    return TableSummary(
        **dict(state_document(version)),
        origin=version.origin,
        owner=ActorDocument(id=version.owner_id, label=version.owner_label),
        relation=str(version.relation),
        schema_version=version.schema_version,
        supersedes=version.supersedes_id,
        created_at=version.created_at,
    )


def version_document(version: ShapedVersion) -> VersionDocument:
    """The version with its shape."""
    snapshot = version.snapshot
    return VersionDocument(
        **dict(table_summary(version)),
        columns=[TableColumnDocument.model_validate(column) for column in snapshot.shape] if snapshot else None,
        row_count=snapshot.row_count if snapshot else None,
        row_count_exact=snapshot.row_count_exact if snapshot else None,
        checksum=snapshot.checksum if snapshot else None,
        measured_at=snapshot.measured_at if snapshot else None,
    )


def state_change_document(change: StateChange) -> StateChangeDocument:
    """One line of a history."""
    return StateChangeDocument(
        id=change.id,
        table_id=change.table_id,
        version=change.version,
        from_state=change.from_state,
        to_state=change.to_state,
        actor=ActorDocument(id=change.actor_id, label=change.actor_label),
        reason=change.reason,
        plan_hash=change.plan_hash,
        at=change.at,
    )


def transition_document(plan: TransitionPlan, *, dry_run: bool) -> TransitionDocument:
    """The plan, whether it was carried out or not."""
    difference = plan.difference
    return TransitionDocument(
        dry_run=dry_run,
        name=plan.target.version.name,
        from_state=plan.from_state,
        to_state=plan.to_state,
        table=_content(plan.target),
        supersedes=_content(plan.superseded) if plan.superseded else None,
        schema_difference=DifferenceDocument.model_validate(difference) if difference else None,
        dependants=[DependantDocument.model_validate(dependant) for dependant in plan.dependants],
        readers=list(plan.readers),
        summary=plan.served.words,
        needs_confirmation=plan.served.loss is not None,
        plan_hash=plan.hash,
    )


def _content(content: Content) -> ContentDocument:
    version, measured = content.version, content.measured
    return ContentDocument(
        id=version.id,
        version=version.version,
        state=version.state,
        row_count=measured.rows if measured else None,
        row_count_exact=measured.exact if measured else None,
        checksum=measured.checksum if measured else None,
    )
