"""`/api/ingestion`: batches in, and what became of them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from app.catalog.contracts.service import ContractNotFound
from app.catalog.names import is_contract_id
from app.catalog.tables.registry import TableNotWritable
from app.ingestion.configuration import max_batch_bytes
from app.ingestion.decoding.body import BatchBody, BodyFormat, SenderSilent, representation
from app.ingestion.decoding.inflate import InflateLimits
from app.ingestion.decoding.problems import BodyTooDense, MalformedBody
from app.ingestion.deferred import DeferredBatchService
from app.ingestion.exporting import QuarantineFiles
from app.ingestion.history import BatchHistory, batch_summary
from app.ingestion.merging import reject_limits
from app.ingestion.permissions import CanIngest, CanSeeBatches
from app.ingestion.quarantine.problems import BatchNotFound, NothingAccepted
from app.ingestion.quarantine.repository import RowFilter
from app.ingestion.quarantine.resolving import QuarantineResolving
from app.ingestion.quarantine.schemas import QuarantinedRow, ResolvedRows, RowsToResolve, quarantined_row
from app.ingestion.repository import BatchFilter, BatchReads
from app.ingestion.schemas import BatchKind, BatchReport, BatchStatus, BatchSummary
from app.ingestion.service import IngestService
from app.ingestion.submission import CREATED, RESPOND_ASYNC, Answer, Submission
from app.kernel.http import idempotency
from app.kernel.http.routes import StrictRoute, TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import PageDocument, PageRequest, Paging, show, sorted_by
from app.kernel.ports.export_formats import MEDIA_TYPES, ROWS, Format
from app.kernel.problems import UnsupportedMediaType, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.tabular.csv_style import CsvFormulas, CsvStyle
from app.operations.exports.files.writing import FileForm
from app.operations.modes.modes import NotIngestionReady
from app.warehouse.ingest import EmptyReplacement
from app.warehouse.refused_rows import RejectLimitExceeded, RejectLimits
from app.warehouse.rejections import MAX_NAME_CHARACTERS, RejectionCode

uploads = APIRouter(  # a streamed body cannot be read again for a retry
    prefix="/api/ingestion", tags=["ingestion"], route_class=StrictRoute
)
router = APIRouter(prefix="/api/ingestion", tags=["ingestion"], route_class=TransactionalRoute)

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Rows; may be coded with gzip or zstd (Content-Encoding).",
        "content": {form.value: {"schema": {"type": "string", "format": "binary"}} for form in BodyFormat},
    }
}


_REPORTS: dict[int | str, dict[str, Any]] = {
    200: {"model": BatchReport, "description": "Dry run"},
    201: {"description": "Merged", "headers": idempotency.REPLAYED_HEADER},
    202: {"model": BatchReport, "description": "Accepted", "headers": idempotency.REPLAYED_HEADER},
}

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {MEDIA_TYPES[each]: {"schema": {"type": "string", "format": "binary"}} for each in sorted(ROWS)},
    }
}


async def _submission(
    request: Request,
    resources: ResourcesDep,
    contract_id: str,
    idempotency_key: Annotated[str | None, Depends(idempotency.header)],
    content_type: Annotated[str | None, Header(include_in_schema=False)] = None,
    content_encoding: Annotated[str | None, Header(description="`gzip` or `zstd`.")] = None,
    max_rejected: Annotated[
        str | None,
        Query(max_length=20, description="Fail the whole batch above this many (`100`) or this share (`5%`)."),
    ] = None,
) -> Submission:
    if not is_contract_id(contract_id):
        raise ContractNotFound(contract_id)
    form = representation(content_type, content_encoding)
    reject_limits(max_rejected, RejectLimits())
    body = BatchBody(request.stream(), form.coding, InflateLimits(max_bytes=max_batch_bytes(resources)))
    return Submission(contract_id, form, body, idempotency_key, max_rejected)


async def _wants_answer_later(
    request: Request,
    _: Annotated[
        str | None, Header(alias="Prefer", description="`respond-async`: answer 202, merge in the background.")
    ] = None,
) -> bool:
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(item.partition(";")[0].strip().lower() == RESPOND_ASYNC for item in preferences)


async def _files(resources: ResourcesDep) -> QuarantineFiles:
    return QuarantineFiles(resources)  # all of them, as the writing of exports takes


ServiceDep = Annotated[IngestService, provided(IngestService)]
DeferredDep = Annotated[DeferredBatchService, provided(DeferredBatchService)]
WantsAnswerLater = Annotated[bool, Depends(_wants_answer_later)]
SubmissionDep = Annotated[Submission, Depends(_submission)]
FilesDep = Annotated[QuarantineFiles, Depends(_files)]
ResolvingDep = Annotated[QuarantineResolving, writes(QuarantineResolving)]
HistoryDep = Annotated[BatchHistory, reads(BatchHistory)]
BatchesDep = Annotated[BatchReads, reads(BatchReads)]


@uploads.post(
    "/{contract_id}/batches",  # noqa: FAST003 - the submission takes it
    operation_id="ingest_batch",
    status_code=CREATED,
    responses=_REPORTS
    | responses(
        ContractNotFound,
        TableNotWritable,
        NotIngestionReady,
        idempotency.KeyInUse,
        idempotency.KeyReused,
        idempotency.MalformedKey,
        MalformedBody,
        BodyTooDense,
        SenderSilent,
        UnsupportedMediaType,
        RejectLimitExceeded,
        NothingAccepted,
        EmptyReplacement,
    ),
    openapi_extra=_BODY,
)
async def ingest_batch(
    actor: CanIngest,
    submission: SubmissionDep,
    service: ServiceDep,
    deferred: DeferredDep,
    answer_later: WantsAnswerLater,
    response: Response,
    dry_run: Annotated[bool, Query(description="Do everything, then roll it back.")] = False,
) -> BatchReport:
    """Take a batch in: every row gets exactly one verdict, and the counts add up to the rows received."""
    if dry_run:
        response.status_code = 200
        return await service.try_out(actor, submission)
    answer: Answer = await (deferred.accept if answer_later else service.take)(actor, submission)
    report, response.status_code = answer.accepted(), answer.status
    response.headers.update(answer.headers)
    return report


SortedPaging = Annotated[PageRequest, sorted_by(*BatchReads.sorts)]


@router.get("/batches", operation_id="list_batches")
async def list_batches(
    _: CanSeeBatches,
    batches: BatchesDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    contract_id: Annotated[str | None, Query(max_length=100, description="Only batches of this contract.")] = None,
    table: Annotated[str | None, Query(max_length=100, description="Only batches of any version of it.")] = None,
    status: Annotated[BatchStatus | None, Query(description="Only batches that stand so.")] = None,
    kind: Annotated[BatchKind | None, Query(description="Only batches of this kind.")] = None,
    run_id: Annotated[UUID | None, Query(description="Only the parts of this run.")] = None,
) -> PageDocument[BatchSummary]:
    """Batches, newest first, without samples of their refused rows."""
    wanted = BatchFilter(contract_id=contract_id, table=table, status=status, kind=kind, run_id=run_id)
    return show(await batches.matching(wanted, paging), batch_summary, request, response)


@router.get("/batches/{batch_id}", operation_id="get_batch", responses=responses(BatchNotFound))
async def get_batch(_: CanSeeBatches, batch_id: UUID, history: HistoryDep) -> BatchReport:
    """What became of a batch."""
    return await history.report(batch_id)


async def _row_filter(
    code: Annotated[RejectionCode | None, Query(description="Only rows with this fault.")] = None,
    column: Annotated[
        str | None, Query(max_length=MAX_NAME_CHARACTERS, description="Only rows with a fault in this column.")
    ] = None,
    resolved: Annotated[bool | None, Query(description="Only rows that are, or are not, dealt with.")] = None,
) -> RowFilter:
    return RowFilter(code=code, column=column, resolved=resolved)


WantedRows = Annotated[RowFilter, Depends(_row_filter)]


@router.get("/batches/{batch_id}/quarantine", operation_id="list_quarantined_rows", responses=responses(BatchNotFound))
async def list_quarantined_rows(
    _: CanSeeBatches,
    batch_id: UUID,
    history: HistoryDep,
    wanted: WantedRows,
    paging: Paging,
    request: Request,
    response: Response,
) -> PageDocument[QuarantinedRow]:
    """The refused rows of a batch that are kept, by line."""
    return show(await history.quarantine(batch_id, paging, wanted), quarantined_row, request, response)


async def _file_form(
    format: Annotated[Literal["csv", "ndjson", "parquet"], Query(description="Form of the file.")] = "csv",  # noqa: A002 - the name that exports have for it
    csv_formulas: Annotated[
        CsvFormulas, Query(description="In CSV: `guard` puts an apostrophe before what a spreadsheet would run.")
    ] = CsvFormulas.GUARD,
    csv_bom: Annotated[bool, Query(description="In CSV: begin with a byte order mark.")] = False,
) -> FileForm:
    return FileForm(Format(format), CsvStyle(csv_formulas, csv_bom))


@router.get(
    "/batches/{batch_id}/quarantine/export",
    operation_id="export_quarantined_rows",
    response_model=None,
    responses=_FILE | responses(BatchNotFound),
)
async def export_quarantined_rows(
    _: CanSeeBatches,
    batch_id: UUID,
    files: FilesDep,
    wanted: WantedRows,
    form: Annotated[FileForm, Depends(_file_form)],
) -> Response:
    """The refused rows of a batch that are kept, as a file, by line."""
    return await files.file(batch_id, wanted, form)


@router.post(
    "/batches/{batch_id}/quarantine/resolve",
    operation_id="resolve_quarantined_rows",
    status_code=200,
    responses=responses(BatchNotFound),
)
async def resolve_quarantined_rows(
    actor: CanIngest, batch_id: UUID, wanted: RowsToResolve, resolving: ResolvingDep
) -> ResolvedRows:
    """Mark refused rows as dealt with, or open them again; the rows stay as they are."""
    return await resolving.resolve(actor, batch_id, wanted)
