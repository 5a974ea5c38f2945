"""`/api/knowledge`: documents about log sources and data models, and what is found in them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.addons.knowledge.documents import DocumentKind
from app.addons.knowledge.permissions import CanManageKnowledge, CanReadKnowledge
from app.addons.knowledge.problems import (
    DocumentNotTaken,
    InvalidUpload,
    KnowledgeDocumentExists,
    KnowledgeDocumentNotFound,
    UnreadableDocument,
    UnreadableUpload,
)
from app.addons.knowledge.reading.bounded import ReadersBusy
from app.addons.knowledge.repository import DOCUMENT_SORTS
from app.addons.knowledge.schemas import (
    KnowledgeDocumentChange,
    KnowledgeDocumentDocument,
    KnowledgeDocumentWithPassages,
    SearchDocument,
    knowledge_document,
    search_document,
    with_passages,
)
from app.addons.knowledge.search import KnowledgeSearch
from app.addons.knowledge.searching.terms import MAX_QUERY
from app.addons.knowledge.service import KnowledgeReading, KnowledgeService
from app.addons.knowledge.upload_form import BODY, NewDocumentDep
from app.addons.knowledge.uploading import Uploading
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import StrictRoute, TransactionalRoute
from app.kernel.http.sessions import provided, reads, writes
from app.kernel.paging import InvalidCursor, PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import ContentTooLarge, PreconditionFailed, UnsupportedMediaType, responses

uploads = APIRouter(  # a streamed body cannot be read again for a retry
    prefix="/api/knowledge", tags=["knowledge"], route_class=StrictRoute
)
router = APIRouter(prefix="/api/knowledge", tags=["knowledge"], route_class=TransactionalRoute)

ReadingDep = Annotated[KnowledgeReading, reads(KnowledgeReading)]
ServiceDep = Annotated[KnowledgeService, writes(KnowledgeService)]
UploadingDep = Annotated[Uploading, provided(Uploading)]
SearchDep = Annotated[KnowledgeSearch, provided(KnowledgeSearch)]
DocumentId = Annotated[UUID, Path(description="Of the document.")]


@uploads.post(
    "/documents",
    operation_id="upload_knowledge_document",
    status_code=201,
    responses=responses(
        UnreadableUpload,
        KnowledgeDocumentExists,
        ContentTooLarge,
        DocumentNotTaken,
        UnsupportedMediaType,
        InvalidUpload,
        UnreadableDocument,
        ReadersBusy,
    ),
    openapi_extra=BODY,
)
async def upload_knowledge_document(
    actor: CanManageKnowledge, wanted: NewDocumentDep, uploading: UploadingDep, response: Response
) -> KnowledgeDocumentDocument:
    """Upload a document; searches find its passages from then on.

    Its content decides what it is; where the file is said to be something else, it is refused. A PDF needs text.
    """
    made = await uploading.upload(wanted, actor)
    set_etag(response, made.etag)
    response.headers["Location"] = f"/api/knowledge/documents/{made.id}"
    return knowledge_document(made)


SortedPaging = Annotated[PageRequest, sorted_by(*DOCUMENT_SORTS)]


@router.get("/documents", operation_id="list_knowledge_documents", responses=responses(InvalidCursor))
async def list_knowledge_documents(
    actor: CanReadKnowledge,
    reading: ReadingDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    search: Annotated[str | None, Query(max_length=200, description="Only titles with this text.")] = None,
    kind: Annotated[DocumentKind | None, Query(description="Only documents of this kind.")] = None,
    active: Annotated[
        bool, Query(description="False: removed documents, which those see who manage knowledge.")
    ] = True,
) -> PageDocument[KnowledgeDocumentDocument]:
    """Documents, newest first."""
    page = await reading.page(actor, search, kind, paging, active=active)
    return show(page, knowledge_document, request, response)


@router.get("/search", operation_id="search_knowledge")
async def search_knowledge(
    actor: CanReadKnowledge,  # noqa: ARG001 - who may read knowledge
    searching: SearchDep,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_QUERY,
            description='Words and names of fields; "a phrase", `or` and `-without` as search engines have them.',
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=50, description="Passages at most.")] = 10,
) -> SearchDocument:
    """Passages of active documents, the best first: by words, names of fields, and by meaning where that is set up.

    `src_ip`, `srcip` and `srcIp` are one name. The snippet is HTML in which nothing of the document is.
    """
    return search_document(await searching.search(q, limit))


@router.get("/documents/{id}", operation_id="get_knowledge_document", responses=responses(KnowledgeDocumentNotFound))
async def get_knowledge_document(
    id: DocumentId,  # noqa: A002 - the name in the path
    actor: CanReadKnowledge,
    reading: ReadingDep,
    response: Response,
    from_ordinal: Annotated[int, Query(ge=1, le=1_000_000, description="Passages from this place on.")] = 1,
    limit: Annotated[int, Query(ge=1, le=500, description="Passages at most.")] = 100,
) -> KnowledgeDocumentWithPassages:
    """A document and its passages."""
    found = await reading.document(actor, id, from_ordinal, limit)
    set_etag(response, found.document.etag)
    return with_passages(found)


@router.patch(
    "/documents/{id}",
    operation_id="change_knowledge_document",
    responses=responses(KnowledgeDocumentNotFound, KnowledgeDocumentExists, PreconditionFailed),
)
async def change_knowledge_document(
    id: DocumentId,  # noqa: A002 - the name in the path
    wanted: KnowledgeDocumentChange,
    actor: CanManageKnowledge,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> KnowledgeDocumentDocument:
    """Change title, source, or whether searches find the document."""
    changed = await service.change(id, wanted.wanted(), if_match, actor)
    set_etag(response, changed.etag)
    return knowledge_document(changed)


@router.delete(
    "/documents/{id}",
    operation_id="remove_knowledge_document",
    status_code=200,
    responses=responses(KnowledgeDocumentNotFound, PreconditionFailed),
)
async def remove_knowledge_document(
    id: DocumentId,  # noqa: A002 - the name in the path
    actor: CanManageKnowledge,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> KnowledgeDocumentDocument:
    """Let no search find the document. It stays until retention takes it, and can be made active again."""
    removed = await service.deactivate(id, if_match, actor)
    set_etag(response, removed.etag)
    return knowledge_document(removed)
