"""`/api/contracts`: documents of the Open Data Contract Standard in and out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from app.catalog.contracts.exchange.schemas import BODY, EXPORT, IMPORTED, ImportDocument, import_document
from app.catalog.contracts.exchange.service import ContractExport, ContractImport
from app.catalog.contracts.odcs.document import (
    InvalidDocument,
    SentDocument,
    UnreadableDocument,
    form_of,
    read_document,
)
from app.catalog.contracts.odcs.importing import Draft, drafts
from app.catalog.contracts.odcs.writing import MEDIA_TYPES, rendered
from app.catalog.contracts.router import ContractId
from app.catalog.contracts.service import ContractNotFound, NameTaken
from app.catalog.permissions import CanRegister, CanSeeContracts
from app.kernel.http.negotiation import Accept, NotAcceptable, preferred
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.problems import UnsupportedMediaType, responses
from app.operations.modes.modes import NotIngestionReady

router = APIRouter(prefix="/api/contracts", tags=["contracts"], route_class=TransactionalRoute)

ImportDep = Annotated[ContractImport, writes(ContractImport)]
ExportDep = Annotated[ContractExport, reads(ContractExport)]
DryRun = Annotated[bool, Query(description="Answer what would be registered, and store nothing.")]


def _drafted(body: bytes, form: str) -> tuple[SentDocument, tuple[Draft, ...]]:
    sent = read_document(body, form)
    return sent, drafts(sent)


async def _sent(
    request: Request, content_type: Annotated[str | None, Header(include_in_schema=False)] = None
) -> tuple[SentDocument, tuple[Draft, ...]]:
    """The checked document with its drafts. In a thread: a thousand columns take a second, in which others wait."""
    form = form_of(content_type)
    return await asyncio.to_thread(_drafted, await request.body(), form)


@router.post(
    "/import",
    operation_id="import_contracts",
    status_code=201,
    responses=IMPORTED
    | responses(UnreadableDocument, UnsupportedMediaType, InvalidDocument, NameTaken, NotIngestionReady),
    openapi_extra=BODY,
)
async def import_contracts(
    *,
    actor: CanRegister,
    sent: Annotated[tuple[SentDocument, tuple[Draft, ...]], Depends(_sent)],
    contracts: ImportDep,
    response: Response,
    dry_run: DryRun = False,
) -> ImportDocument:
    """Register a contract for each entry of the document's `schema`, all or none. The document is kept.

    The standard has no word for how rows come in: that stands in our custom properties, as exports write them, or
    beside the document. Contracts that say the same already are answered as they are (200).
    """
    found = await (contracts.tried if dry_run else contracts.register)(*sent, actor)
    made = any(each.registration.made for each in found)
    response.status_code = 201 if made and not dry_run else 200
    return import_document(sent[0].version, found, dry_run=dry_run)


@router.get(
    "/{contract_id}/odcs",
    operation_id="export_contract",
    response_class=Response,
    responses=EXPORT | responses(ContractNotFound, NotAcceptable),
)
async def export_contract(
    contract_id: ContractId, actor: CanSeeContracts, contracts: ExportDep, accept: Accept = None
) -> Response:
    """The contract as a document of the Open Data Contract Standard, in JSON or YAML.

    Of a contract that was imported, the document that it came from, in its version, with what has changed since.
    """
    media_type = preferred(accept, MEDIA_TYPES)
    document = await contracts.exported(contract_id, actor)
    # In a thread: YAML of a contract with 150,000 listed values takes seconds, in which others are to be answered.
    content = await asyncio.to_thread(rendered, document, media_type)
    return Response(content, media_type=media_type, headers={"Vary": "Accept"})
