"""`/system/exports`: data as files, made in the background."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app.kernel.http import idempotency
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.ports.export_formats import MEDIA_TYPES
from app.kernel.problems import PreconditionFailed, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.storage.object_storage import ObjectNotFound
from app.operations.exports.downloads import Downloads, FileConditions
from app.operations.exports.permissions import CanExport, CanReportExports
from app.operations.exports.problems import (
    ExportNotFound,
    ExportNotReady,
    InvalidExport,
    RangeNotSatisfiable,
    TooManyExports,
    WrongTransition,
)
from app.operations.exports.repository import ExportReads
from app.operations.exports.requests import ExportRequests
from app.operations.exports.schemas import ExportDocument, JobType, NewExport, StatusReport
from app.operations.exports.service import ExportService, ExportViews
from app.operations.exports.states import ExportStatus

router = APIRouter(prefix="/system/exports", tags=["exports"], route_class=TransactionalRoute)


async def _requests(resources: ResourcesDep) -> ExportRequests:
    return ExportRequests(resources)  # all of them: each source takes others


RequestsDep = Annotated[ExportRequests, Depends(_requests)]
ViewsDep = Annotated[ExportViews, reads(ExportViews)]
ExportsDep = Annotated[ExportService, writes(ExportService)]
DownloadsDep = Annotated[Downloads, controls(Downloads)]
"""A GET always passes, and so does the record of it."""
Key = Annotated[str | None, Depends(idempotency.header)]

_BINARY = {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA_TYPES.values()}
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"headers": idempotency.REPLAYED_HEADER}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file; its ETag is its SHA-256.", "content": _BINARY},
    206: {"description": "The range of the file that was asked for.", "content": _BINARY},
    304: {"description": "The file at hand is the one."},
}


@router.post(
    "/",
    operation_id="create_export",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_ACCEPTED | responses(
        InvalidExport, TooManyExports, idempotency.KeyInUse, idempotency.KeyReused, idempotency.MalformedKey,
        ExportNotFound,
    ),
)  # fmt: skip  # one line per kind of problem would hide the route
async def create_export(
    wanted: NewExport, actor: CanExport, exports: RequestsDep, key: Key, response: Response
) -> ExportDocument:
    """Ask for an export. It holds what there is when the work begins."""
    made = await exports.request(actor, wanted, key)
    response.headers.update(made.headers)
    return made.document


SortedPaging = Annotated[PageRequest, sorted_by(*ExportReads.sorts)]


@router.get("/", operation_id="list_exports")
async def list_exports(
    actor: CanExport,
    exports: ViewsDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    status: Annotated[ExportStatus | None, Query(description="Only those that stand so.")] = None,
    job_type: Annotated[JobType | None, Query(description="Only those of this source.")] = None,
) -> PageDocument[ExportDocument]:
    """The caller's exports, newest first; everybody's for who runs the service."""
    page = await exports.page(actor, status, job_type, paging)
    return show(page, lambda shown: shown, request, response)


@router.get("/{export_id}", operation_id="get_export", responses=responses(ExportNotFound))
async def get_export(export_id: UUID, actor: CanExport, exports: ViewsDep, response: Response) -> ExportDocument:
    """One export: where it stands, and how far it is."""
    return (await exports.get(actor, export_id)).put_on(response)


@router.get(
    "/{export_id}/download",
    operation_id="download_export",
    response_model=None,
    responses=_FILE | responses(ExportNotFound, ObjectNotFound, ExportNotReady, RangeNotSatisfiable),
)
async def download_export(
    export_id: UUID, actor: CanExport, downloads: DownloadsDep, conditions: Annotated[FileConditions, Depends()]
) -> Response:
    """The file, or one range of it. The right to what it holds is looked at again, and the download is audited."""
    return await downloads.answer(actor, export_id, conditions)


@router.post(
    "/{export_id}/status",
    operation_id="report_export",
    status_code=status.HTTP_200_OK,
    responses=responses(ExportNotFound, WrongTransition, InvalidExport, PreconditionFailed),
)
async def report_export(
    export_id: UUID,
    report: StatusReport,
    actor: CanReportExports,
    exports: ExportsDep,
    response: Response,
    if_match: IfMatch = None,
) -> ExportDocument:
    """For a worker outside of the service: take an export over, and tell how it ended."""
    return (await exports.report(actor, export_id, report, if_match)).put_on(response)


@router.post(
    "/{export_id}/cancel",
    operation_id="cancel_export",
    status_code=status.HTTP_200_OK,
    responses=responses(ExportNotFound, WrongTransition, PreconditionFailed),
)
async def cancel_export(
    export_id: UUID, actor: CanExport, exports: ExportsDep, response: Response, if_match: IfMatch = None
) -> ExportDocument:
    """End an export that waits or is being made, with the statement that reads it. Doing it again changes nothing."""
    return (await exports.cancel(actor, export_id, if_match)).put_on(response)
