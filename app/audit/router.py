"""`/api/audit`: what happened, and the proof that it did."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from app.audit.log.listing import JSON, NDJSON, entries_as_ndjson
from app.audit.log.repository import AuditReads
from app.audit.log.schemas import AuditEntryDocument, Filtering, entry_document
from app.audit.permissions import CanReadAudit
from app.audit.seal_schemas import CheckpointDocument, ProofDocument, VerificationDocument, VerifyRequest
from app.audit.seals.proofs import NotProvable, NotSealedYet, checkpoint, proof
from app.audit.seals.signing import SealingKey
from app.audit.verification.verify_database import InvalidPosition, LogVerification
from app.kernel.db.database import OperationClass
from app.kernel.http.negotiation import Accept, NotAcceptable, preferred
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Reads, Snapshots, operation, provided, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, responses
from app.kernel.runtime.resources import ResourcesDep

VERIFY_SECONDS = 5.0
"""A verification answers how far it came after about this long."""

router = APIRouter(prefix="/api/audit", tags=["audit"], route_class=TransactionalRoute)


EntriesDep = Annotated[AuditReads, reads(AuditReads)]
KeyDep = Annotated[SealingKey, provided(SealingKey)]

_LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'A page; as NDJSON every matching row, then `{"end":{"rows":n}}`; without it, it was cut.',
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


@router.get(
    "",
    operation_id="list_audit_entries",
    response_model=PageDocument[AuditEntryDocument],
    responses=_LISTED | responses(NotAcceptable),
)
async def list_audit_entries(
    _: CanReadAudit,
    entries: EntriesDep,
    wanted: Filtering,
    paging: Paging,
    request: Request,
    response: Response,
    resources: ResourcesDep,
    accept: Accept = None,
) -> PageDocument[AuditEntryDocument] | Response:
    """What happened, newest first; every filter narrows. As NDJSON all of it, without pages."""
    if preferred(accept, (JSON, NDJSON)) == NDJSON:
        return await entries_as_ndjson(resources.database, wanted)
    return show(await entries.matching(wanted, paging), entry_document, request, response)


@router.get("/checkpoint", operation_id="get_audit_checkpoint")
async def get_audit_checkpoint(
    _: CanReadAudit, session: Reads, resources: ResourcesDep, key: KeyDep
) -> CheckpointDocument:
    """The log as it is now, signed: keep it elsewhere."""
    return CheckpointDocument.model_validate((await checkpoint(session, key, resources.clock())).document())


@router.post(
    "/verify",
    operation_id="verify_audit_log",
    status_code=status.HTTP_200_OK,
    responses=responses(InvalidPosition),
    openapi_extra=operation(OperationClass.READ),
)
async def verify_audit_log(
    _: CanReadAudit, wanted: VerifyRequest, session: Snapshots, key: KeyDep
) -> VerificationDocument:
    """Whether the log is as it was sealed. Answers within seconds how far it came; go on with `next_cursor`."""
    seen = None if wanted.checkpoint is None else wanted.checkpoint.value()
    log = LogVerification(session, [key.public], seen)
    verified = await log.verify(wanted.scope(), wanted.cursor, VERIFY_SECONDS)
    return VerificationDocument.of(verified, key.public)


@router.get("/{entry_id}", operation_id="get_audit_entry", responses=responses(NotFound))
async def get_audit_entry(entry_id: UUID, _: CanReadAudit, entries: EntriesDep) -> AuditEntryDocument:
    """One row."""
    return entry_document(await entries.entry(entry_id))


@router.get(
    "/{entry_id}/proof", operation_id="prove_audit_entry", responses=responses(NotFound, NotSealedYet, NotProvable)
)
async def prove_audit_entry(entry_id: UUID, _: CanReadAudit, session: Snapshots, key: KeyDep) -> ProofDocument:
    """The proof that a row is in the log, for anybody who trusts the public key."""
    return ProofDocument.of(await proof(session, entry_id), key.public)
