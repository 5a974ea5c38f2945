"""`/api/addons/requests/{request_id}/revisions` and `…/validations`: versions of a package, and validations of them."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response, status

from app.addons.requests.revisions.problems import (
    InvalidPackage,
    NoRevision,
    PackageFileNotFound,
    PackageGone,
    RevisionNotFound,
    ValidationNotFound,
    ValidationUnderWay,
)
from app.addons.requests.revisions.schemas import (
    LARGEST_NUMBER,
    AddonRevisionDiff,
    AddonRevisionDocument,
    AddonRevisionSummary,
    AddonValidationDocument,
    AddonValidationSummary,
    NewAddonValidation,
)
from app.addons.requests.revisions.service import (
    ARCHIVE,
    PackageViews,
    RevisionUploads,
    RevisionViews,
    ValidationService,
)
from app.addons.requests.samples.form import OneFileForm
from app.addons.requests.samples.problems import InvalidUpload, NotAForm, SampleTooLarge
from app.addons.requests.samples.router import form_body
from app.addons.requests.tracking.permissions import CanRequest, CanSee
from app.addons.requests.tracking.problems import AddonRequestNotFound, NotAParty, WrongStatus
from app.kernel.http.routes import StrictRoute, TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import responses
from app.kernel.schemas import Reason
from app.kernel.storage.object_storage import ObjectNotFound

PREFIX = "/api/addons/requests/{request_id}"

uploads = APIRouter(prefix=PREFIX, tags=["addons"], route_class=StrictRoute)  # a streamed body is read once
router = APIRouter(prefix=PREFIX, tags=["addons"], route_class=TransactionalRoute)

ViewsDep = Annotated[RevisionViews, reads(RevisionViews)]
PackagesDep = Annotated[PackageViews, provided(PackageViews)]
UploadsDep = Annotated[RevisionUploads, provided(RevisionUploads)]
ValidationsDep = Annotated[ValidationService, writes(ValidationService)]

Version = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="1, 2, … within the request.")]
Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Of the run: 1, 2, … within the request.")]
Place = Annotated[str, Path(max_length=1_000, description="Below the add-on's folder, such as `default/props.conf`.")]

_FORMS: Final = {"schema": {"type": "string", "format": "binary"}}
_ARCHIVE: dict[int | str, dict[str, Any]] = {200: {"description": "The archive.", "content": {ARCHIVE: _FORMS}}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"text/plain": _FORMS, "application/octet-stream": _FORMS}}
}
_KEPT: Final = (AddonRequestNotFound, RevisionNotFound, ObjectNotFound, PackageGone)
"""Why a package cannot be read."""


@router.get("/revisions", operation_id="list_addon_revisions", responses=responses(AddonRequestNotFound))
async def list_addon_revisions(
    request_id: UUID, actor: CanSee, revisions: ViewsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[AddonRevisionSummary]:
    """The versions of a request's package, newest first."""
    return show(await revisions.page(actor, request_id, paging), lambda shown: shown, request, response)


@uploads.post(
    "/revisions",
    operation_id="upload_addon_revision",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=form_body("One part `file`: an edited package, `.tar.gz` or `.spl`, of at most 20 MiB."),
    responses=responses(
        AddonRequestNotFound, NotAParty, WrongStatus, NotAForm, InvalidUpload, SampleTooLarge, InvalidPackage
    ),
)
async def upload_addon_revision(
    request_id: UUID,
    actor: CanRequest,
    revisions: UploadsDep,
    request: Request,
    response: Response,
    note: Annotated[Reason | None, Query(description="What was changed, and why.")] = None,
    content_type: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> AddonRevisionDocument:
    """Upload an edited package as the next version; its validation decides about the request from then on."""
    made = await revisions.upload(actor, request_id, OneFileForm(request.stream(), content_type), note)
    response.headers["Location"] = made.links["self"]
    return made


@router.get(
    "/revisions/{version}",
    operation_id="get_addon_revision",
    responses=responses(AddonRequestNotFound, RevisionNotFound),
)
async def get_addon_revision(
    request_id: UUID, version: Version, actor: CanSee, revisions: ViewsDep
) -> AddonRevisionDocument:
    """A version: its files, and what the generator found."""
    return await revisions.get(actor, request_id, version)


@router.get(
    "/revisions/{version}/download",
    operation_id="download_addon_revision",
    response_model=None,
    responses=_ARCHIVE | responses(*_KEPT),
)
async def download_addon_revision(
    request_id: UUID,
    version: Version,
    actor: CanSee,
    packages: PackagesDep,
    ending: Annotated[
        Literal["tar.gz", "spl"], Query(description="Ending of the file's name; the archive is the same.")
    ] = "tar.gz",
) -> Response:
    """The archive, ready to be installed. The download is audited."""
    return await packages.download(actor, request_id, version, ending)


@router.get(
    "/revisions/{version}/files/{path:path}",
    operation_id="get_addon_file",
    response_model=None,
    responses=_FILE | responses(*_KEPT, PackageFileNotFound),
)
async def get_addon_file(
    request_id: UUID, version: Version, path: Place, actor: CanSee, packages: PackagesDep
) -> Response:
    """A file of the package."""
    return await packages.file(actor, request_id, version, path)


@router.get("/revisions/{version}/diff/{other}", operation_id="compare_addon_revisions", responses=responses(*_KEPT))
async def compare_addon_revisions(
    request_id: UUID, version: Version, other: Version, actor: CanSee, packages: PackagesDep
) -> AddonRevisionDiff:
    """What differs between two versions: a unified diff per file, from `version` to `other`."""
    return await packages.diff(actor, request_id, version, other)


@router.get("/validations", operation_id="list_addon_validations", responses=responses(AddonRequestNotFound))
async def list_addon_validations(
    request_id: UUID, actor: CanSee, revisions: ViewsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[AddonValidationSummary]:
    """The validation runs of a request, newest first."""
    return show(await revisions.validations(actor, request_id, paging), lambda shown: shown, request, response)


@router.post(
    "/validations",
    operation_id="start_addon_validation",
    status_code=status.HTTP_202_ACCEPTED,
    responses=responses(AddonRequestNotFound, RevisionNotFound, NotAParty, NoRevision, ValidationUnderWay),
)
async def start_addon_validation(
    request_id: UUID, wanted: NewAddonValidation, actor: CanRequest, validations: ValidationsDep, response: Response
) -> AddonValidationSummary:
    """Validate a version anew, in the background; the request's status stays as it is."""
    made = await validations.start(actor, request_id, wanted.version)
    response.headers["Location"] = made.links["self"]
    return made


@router.get(
    "/validations/{number}",
    operation_id="get_addon_validation",
    responses=responses(AddonRequestNotFound, ValidationNotFound),
)
async def get_addon_validation(
    request_id: UUID, number: Number, actor: CanSee, revisions: ViewsDep
) -> AddonValidationDocument:
    """A validation run with its report: figures, findings, and the lines that failed."""
    return await revisions.validation(actor, request_id, number)
