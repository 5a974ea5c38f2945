"""`/api/addons/requests/{request_id}/samples`: samples of logs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response, status

from app.addons.requests.samples.form import FIELD, OneFileForm
from app.addons.requests.samples.problems import InvalidUpload, NotAForm, SampleNotFound, SampleTooLarge, TooManySamples
from app.addons.requests.samples.schemas import AddonSampleDocument
from app.addons.requests.samples.service import SampleService, SampleUploads, SampleViews
from app.addons.requests.tracking.permissions import CanRequest, CanSee
from app.addons.requests.tracking.problems import AddonRequestNotFound, NotAParty, WrongStatus
from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import StrictRoute, TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import PreconditionFailed, responses

PREFIX = "/api/addons/requests/{request_id}/samples"

uploads = APIRouter(prefix=PREFIX, tags=["addons"], route_class=StrictRoute)  # a streamed body is read once
router = APIRouter(prefix=PREFIX, tags=["addons"], route_class=TransactionalRoute)

UploadsDep = Annotated[SampleUploads, provided(SampleUploads)]
ViewsDep = Annotated[SampleViews, reads(SampleViews)]
SamplesDep = Annotated[SampleService, writes(SampleService)]


def form_body(description: str) -> dict[str, Any]:
    """The `openapi_extra` of an operation that takes one file."""
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "required": [FIELD], "properties": {FIELD: file}, "additionalProperties": False}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


@uploads.post(
    "",
    operation_id="upload_addon_sample",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=form_body("One part `file`: text, plain or packed with gzip, of at most 50 MiB."),
    responses=responses(
        AddonRequestNotFound, NotAParty, WrongStatus, TooManySamples, NotAForm, InvalidUpload, SampleTooLarge
    ),
)
async def upload_addon_sample(
    request_id: UUID,
    actor: CanRequest,
    samples: UploadsDep,
    request: Request,
    content_type: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> AddonSampleDocument:
    """Add a sample of logs to a request of one's own, before it is submitted. The encoding is found by looking."""
    return await samples.upload(actor, request_id, OneFileForm(request.stream(), content_type))


@router.get("", operation_id="list_addon_samples", responses=responses(AddonRequestNotFound))
async def list_addon_samples(
    request_id: UUID, actor: CanSee, samples: ViewsDep, paging: Paging, request: Request, response: Response
) -> PageDocument[AddonSampleDocument]:
    """The samples of a request, newest first, each with its beginning."""
    return show(await samples.page(actor, request_id, paging), lambda shown: shown, request, response)


@router.delete(
    "/{sample_id}",
    operation_id="delete_addon_sample",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(AddonRequestNotFound, SampleNotFound, NotAParty, WrongStatus, PreconditionFailed),
)
async def delete_addon_sample(
    request_id: UUID, sample_id: UUID, actor: CanRequest, samples: SamplesDep, if_match: IfMatch = None
) -> None:
    """Delete a sample: one's own before the submission, any at any time for administrators."""
    await samples.delete(actor, request_id, sample_id, if_match)
