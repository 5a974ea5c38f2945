"""Shapes tables, plans and reports into what HTTP answers. Pure."""

from datetime import UTC, datetime
from email.utils import format_datetime

from app.catalog.tables.lifecycle import PROPERTIES
from app.catalog.tables.planning import Content, TransitionPlan
from app.catalog.tables.schemas import (
    ColumnChangeDocument,
    ColumnDocument,
    ContentDocument,
    DependantDocument,
    DifferenceDocument,
    OwnerDocument,
    StateChangeDocument,
    StateDocument,
    TableSummary,
    TransitionDocument,
    VersionDocument,
)
from app.catalog.tables.shape import Shape
from app.catalog.tables.version import StateChange, TableSnapshot, TableStanding, TableVersion


def deprecation_headers(standing: TableStanding) -> dict[str, str]:
    """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the successor's `Link` (RFC 5829); empty for a table in use."""
    if standing.deprecated_at is None:
        return {}
    headers = {"Deprecation": f"@{int(standing.deprecated_at.timestamp())}"}
    if standing.sunset is not None:
        headers["Sunset"] = _http_date(standing.sunset)
    if standing.successor is not None:
        headers["Link"] = f'</api/tables/{standing.successor}>; rel="successor-version"'
    return headers


def _http_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)


def state_document(standing: TableStanding) -> StateDocument:
    """How the table stands. Everything comes from one row of the right types, so nothing is validated again."""
    allowed = PROPERTIES[standing.state]
    return StateDocument.model_construct(
        id=standing.id,
        name=standing.name,
        version=standing.version,
        state=standing.state,
        queryable=allowed.queryable,
        writable=allowed.writable,
        auto_joined=allowed.auto_joined,
        contract_id=standing.contract_id,
        successor=standing.successor,
        state_changed_at=standing.state_changed_at,
        deprecated_at=standing.deprecated_at,
        sunset=standing.sunset,
    )


def table_summary(version: TableVersion) -> TableSummary:
    """The table in a list."""
    return TableSummary(
        **dict(state_document(version)),
        origin=version.origin,
        owner=OwnerDocument(id=version.owner_id, label=version.owner_label),
        relation=str(version.relation),
        schema_version=version.schema_version,
        supersedes=version.supersedes_id,
        created_at=version.created_at,
    )


def version_document(pair: tuple[TableVersion, TableSnapshot | None]) -> VersionDocument:
    """The version with its shape."""
    version, snapshot = pair
    return VersionDocument(
        **dict(table_summary(version)),
        columns=_columns(snapshot.shape) if snapshot else None,
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
        actor=OwnerDocument(id=change.actor_id, label=change.actor_label),
        reason=change.reason,
        plan_hash=change.plan_hash,
        at=change.at,
    )


def transition_document(plan: TransitionPlan, *, dry_run: bool) -> TransitionDocument:
    """The plan, whether it was carried out or not."""
    return TransitionDocument(
        dry_run=dry_run,
        name=plan.target.version.name,
        from_state=plan.from_state,
        to_state=plan.to_state,
        table=_content(plan.target),
        supersedes=_content(plan.superseded) if plan.superseded else None,
        schema_difference=_difference(plan),
        dependants=[DependantDocument(kind=d.kind, id=d.id, label=d.label) for d in plan.dependants],
        plan_hash=plan.hash,
    )


def _content(content: Content) -> ContentDocument:
    measured = content.measured
    return ContentDocument(
        id=content.version.id,
        version=content.version.version,
        state=content.version.state,
        row_count=measured.rows if measured else None,
        row_count_exact=measured.exact if measured else None,
        checksum=measured.checksum if measured else None,
    )


def _difference(plan: TransitionPlan) -> DifferenceDocument | None:
    found = plan.difference
    if found is None:
        return None
    return DifferenceDocument(
        added=_columns(found.added),
        removed=_columns(found.removed),
        changed=[
            ColumnChangeDocument(before=_columns((change.before,))[0], after=_columns((change.after,))[0])
            for change in found.changed
        ],
        breaking=found.breaking,
    )


def _columns(shape: Shape) -> list[ColumnDocument]:
    return [ColumnDocument(name=column.name, type=column.type, nullable=column.nullable) for column in shape]
