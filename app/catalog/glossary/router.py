"""`/api/glossary`: what people call things, and what they mean by it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.catalog.glossary.schemas import GlossaryEntryDocument, GlossaryEntryRequest, entry_document
from app.catalog.glossary.service import (
    GlossaryEntryNotFound,
    GlossaryEntryRevoked,
    GlossaryReading,
    GlossaryService,
    InvalidGlossaryEntry,
)
from app.catalog.permissions import CanSeeTables, CanWriteGlossary
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import InvalidCursor, PageDocument, Paging, show
from app.kernel.problems import PreconditionFailed, responses

router = APIRouter(prefix="/api/glossary", tags=["glossary"], route_class=TransactionalRoute)

ReadingDep = Annotated[GlossaryReading, reads(GlossaryReading)]
ServiceDep = Annotated[GlossaryService, writes(GlossaryService)]


@router.get("", operation_id="list_glossary", responses=responses(InvalidCursor))
async def list_glossary(
    actor: CanSeeTables,  # noqa: ARG001 - who may see tables
    reading: ReadingDep,
    paging: Paging,
    request: Request,
    response: Response,
    search: Annotated[str | None, Query(max_length=80, description="Only terms with this text.")] = None,
    revoked: Annotated[bool, Query(description="Also what terms meant before.")] = False,
) -> PageDocument[GlossaryEntryDocument]:
    """Terms and what they mean, newest first."""
    return show(await reading.page(search, paging, revoked=revoked), entry_document, request, response)


@router.post("", operation_id="create_glossary_entry", status_code=201, responses=responses(InvalidGlossaryEntry))
async def create_glossary_entry(
    wanted: GlossaryEntryRequest, actor: CanWriteGlossary, service: ServiceDep, response: Response
) -> GlossaryEntryDocument:
    """Give a term a meaning. Previews that exist stay as they are."""
    added = await service.add(wanted.entry(), actor)
    set_etag(response, added.etag)
    return entry_document(added)


@router.delete(
    "/{id}",
    operation_id="revoke_glossary_entry",
    status_code=200,
    responses=responses(GlossaryEntryNotFound, GlossaryEntryRevoked, PreconditionFailed),
)
async def revoke_glossary_entry(
    id: Annotated[UUID, Path(description="Of the entry.")],  # noqa: A002 - the name in the path
    actor: CanWriteGlossary,
    service: ServiceDep,
    if_match: IfMatch = None,
) -> GlossaryEntryDocument:
    """Revoke the meaning of a term; it is kept among what terms meant before."""
    return entry_document(await service.revoke(id, if_match, actor))
