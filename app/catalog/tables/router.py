"""`/api/tables`: what there is, how it stands, and the changes of state."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.catalog.permissions import CanDeprecate, CanPromote, CanSeeTables
from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.planning import InvalidTransition, NoSchemaYet, NothingToRestore, PlanChanged, StateChanged
from app.catalog.tables.profiles import ProfileDocument, profile_document
from app.catalog.tables.references import TableNotFound, parse_reference
from app.catalog.tables.repository import TABLE_SORTS
from app.catalog.tables.schemas import (
    DeprecateRequest,
    PromoteRequest,
    RestoreRequest,
    StateChangeDocument,
    StateDocument,
    TableSummary,
    TransitionDocument,
    VersionDocument,
    headers_of,
    state_change_document,
    state_document,
    table_summary,
    transition_document,
    version_document,
)
from app.catalog.tables.served_rows import ConfirmationNeeded
from app.catalog.tables.service import TableService, table_status
from app.catalog.tables.transitions import ChangeRequest, InvalidDeprecation, Successor, TransitionService
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, snapshots, writes
from app.kernel.paging import InvalidCursor, PageDocument, PageRequest, Paging, show, sorted_by
from app.kernel.problems import InvalidRequest, PreconditionFailed, responses
from app.kernel.runtime.resources import ResourcesDep
from app.warehouse.inspection import RelationUnreadable
from app.warehouse.profile import ProfileTooSlow
from app.warehouse.publishing import GrantNeeded, RelationGone

router = APIRouter(prefix="/api/tables", tags=["tables"], route_class=TransactionalRoute)

CHANGES = (
    TableNotFound,
    StateChanged,
    InvalidTransition,
    NoSchemaYet,
    PlanChanged,
    GrantNeeded,
    RelationGone,
    PreconditionFailed,
    InvalidRequest,
)
"""What every change of state may be refused for."""


TablesDep = Annotated[TableService, reads(TableService)]
ProfilesDep = Annotated[TableService, snapshots(TableService)]
TransitionsDep = Annotated[TransitionService, writes(TransitionService)]
TablePath = Annotated[str, Path(description="Id of a version, logical name, or `name@version`.")]


SortedPaging = Annotated[PageRequest, sorted_by(*TABLE_SORTS)]


@router.get("", operation_id="list_tables", responses=responses(InvalidCursor))
async def list_tables(
    *,
    actor: CanSeeTables,
    tables: TablesDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    state: Annotated[list[TableState] | None, Query(description="Only these states.")] = None,
    search: Annotated[str | None, Query(max_length=63, description="Only names that contain this.")] = None,
) -> PageDocument[TableSummary]:
    """Every version of every table that the caller sees, newest first."""
    page = await tables.page(state or (), search, paging, actor)
    return show(page, table_summary, request, response)


@router.get("/{table}", operation_id="get_table", responses=responses(TableNotFound))
async def get_table(table: TablePath, actor: CanSeeTables, tables: TablesDep, response: Response) -> VersionDocument:
    """A table and its columns."""
    found = await tables.get(parse_reference(table), actor)
    response.headers.update(headers_of(found))
    return version_document(found)


@router.get("/{table}/state", operation_id="get_table_state", responses=responses(TableNotFound))
async def get_table_state(
    table: TablePath, actor: CanSeeTables, resources: ResourcesDep, response: Response
) -> StateDocument:
    """How a table stands."""
    found = await table_status(resources.database, parse_reference(table), actor)
    response.headers.update(headers_of(found))
    return state_document(found)


@router.get("/{table}/history", operation_id="get_table_history", responses=responses(TableNotFound, InvalidCursor))
async def get_table_history(
    *, table: TablePath, actor: CanSeeTables, tables: TablesDep, paging: Paging, request: Request, response: Response
) -> PageDocument[StateChangeDocument]:
    """Changes of state, newest first: of one version, or by name of all."""
    page = await tables.history(parse_reference(table), paging, actor)
    return show(page, state_change_document, request, response)


@router.get("/{table}/versions", operation_id="list_table_versions", responses=responses(TableNotFound, InvalidCursor))
async def list_table_versions(
    *, table: TablePath, actor: CanSeeTables, tables: TablesDep, paging: Paging, request: Request, response: Response
) -> PageDocument[VersionDocument]:
    """Every version of the logical table, newest first."""
    page = await tables.versions(parse_reference(table), paging, actor)
    return show(page, version_document, request, response)


@router.get(
    "/{table}/profile",
    operation_id="get_table_profile",
    responses=responses(TableNotFound, NoSchemaYet, RelationUnreadable, ProfileTooSlow),
)
async def get_table_profile(
    table: TablePath,
    actor: CanSeeTables,
    tables: ProfilesDep,
    sketch: Annotated[bool, Query(description="Answer the sketch of each column as well: 256 hashes.")] = False,
) -> ProfileDocument:
    """What is in the columns of a table, from a bounded sample."""
    version, profile = await tables.profile(parse_reference(table), actor)
    return profile_document(version, profile, sketch=sketch)


@router.post("/{table}/promote", operation_id="promote_table", responses=responses(*CHANGES, ConfirmationNeeded))
async def promote_table(
    *,
    wanted: PromoteRequest,
    table: TablePath,
    actor: CanPromote,
    transitions: TransitionsDep,
    if_match: IfMatch = None,
) -> TransitionDocument:
    """Change the state of a table. By name alone, its newest version in `from_state` is meant.

    A version with no rows, or with fewer than half of those that queries find now, takes the name only with `confirm`
    and the `plan_hash` of a dry run.
    """
    change = ChangeRequest(wanted.reason, wanted.dry_run, if_match, wanted.plan_hash, wanted.confirm)
    plan = await transitions.promote(parse_reference(table), wanted.from_state, wanted.to_state, change, actor)
    return transition_document(plan, dry_run=wanted.dry_run)


@router.post("/{table}/deprecate", operation_id="deprecate_table", responses=responses(*CHANGES, InvalidDeprecation))
async def deprecate_table(
    *,
    wanted: DeprecateRequest,
    table: TablePath,
    actor: CanDeprecate,
    transitions: TransitionsDep,
    if_match: IfMatch = None,
) -> TransitionDocument:
    """Take a table out of use, saying what to use instead and until when it can still be read."""
    change = ChangeRequest(wanted.reason, wanted.dry_run, if_match, wanted.plan_hash)
    successor = Successor(wanted.successor, wanted.sunset)
    plan = await transitions.deprecate(parse_reference(table), successor, change, actor)
    return transition_document(plan, dry_run=wanted.dry_run)


@router.post(
    "/{table}/restore",
    operation_id="restore_table",
    responses=responses(*CHANGES, ConfirmationNeeded, NothingToRestore),
)
async def restore_table(
    *,
    wanted: RestoreRequest,
    table: TablePath,
    actor: CanDeprecate,
    transitions: TransitionsDep,
    if_match: IfMatch = None,
) -> TransitionDocument:
    """Bring a deprecated version back with its data, schema and contract; the current version gives way."""
    change = ChangeRequest(wanted.reason, wanted.dry_run, if_match, wanted.plan_hash, wanted.confirm)
    plan = await transitions.restore(parse_reference(table), wanted.to_state, change, actor)
    return transition_document(plan, dry_run=wanted.dry_run)
