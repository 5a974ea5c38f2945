"""`/api/audit`: what happened, and the proof that it did."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status

from app.audit.log.listing import JSON, NDJSON, entries_as_ndjson
from app.audit.log.models import AuditEntry
from app.audit.log.schemas import AuditActor, AuditedEntity, AuditEntryDocument, Filtering
from app.audit.log.service import AuditReading
from app.audit.permissions import CanReadAudit
from app.audit.seal_schemas import CheckpointDocument, ProofDocument, VerificationDocument, VerifyRequest
from app.audit.seals.proofs import NotProvable, NotSealedYet, checkpoint, proof
from app.audit.seals.seals import SealingKey
from app.audit.verification.verify_database import InvalidPosition, LogVerification
from app.kernel.db.database import OperationClass
from app.kernel.http.negotiation import Accept, NotAcceptable, preferred
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Reads, operation
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import NotFound, responses
from app.kernel.runtime.resources import ResourcesDep

VERIFY_SECONDS = 5.0
"""A verification answers how far it came after about this long."""

router = APIRouter(prefix="/api/audit", tags=["audit"], route_class=TransactionalRoute)


def _document(entry: AuditEntry) -> AuditEntryDocument:
    return AuditEntryDocument.model_validate(
        {
            "id": entry.id,
            "time": entry.time,
            "actor": AuditActor.model_validate(
                {"kind": entry.actor_kind, "id": entry.actor_id, "label": entry.actor_label}
            ),
            "action": entry.action,
            "verb": entry.verb,
            "entity": AuditedEntity(type=entry.entity_type, id=entry.entity_id, label=entry.entity_label),
            "before": entry.before,
            "after": entry.after,
            "correlation_id": entry.correlation_id,
            "trace_id": entry.trace_id,
            "client_address": entry.client_address,
            "outcome": entry.outcome,
        }
    )


async def _key(resources: ResourcesDep) -> SealingKey:
    return SealingKey(resources.secret)


Key = Annotated[SealingKey, Depends(_key)]

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
    session: Reads,
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
    page = await AuditReading(session).page(wanted, paging)
    return show(page, _document, request, response)


@router.get("/checkpoint", operation_id="get_audit_checkpoint")
async def get_audit_checkpoint(
    _: CanReadAudit, session: Reads, resources: ResourcesDep, key: Key
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
    _: CanReadAudit, wanted: VerifyRequest, resources: ResourcesDep, key: Key
) -> VerificationDocument:
    """Whether the log is as it was sealed. Answers within seconds how far it came; go on with `next_cursor`."""
    async with resources.database.snapshot() as session:
        seen = None if wanted.checkpoint is None else wanted.checkpoint.value()
        log = LogVerification(session, [key.public], seen)
        verified = await log.verify(wanted.scope(), wanted.cursor, VERIFY_SECONDS)
    return VerificationDocument.of(verified, key.public)


@router.get("/{entry_id}", operation_id="get_audit_entry", responses=responses(NotFound))
async def get_audit_entry(entry_id: UUID, _: CanReadAudit, session: Reads) -> AuditEntryDocument:
    """One row."""
    return _document(await AuditReading(session).entry(entry_id))


@router.get(
    "/{entry_id}/proof", operation_id="prove_audit_entry", responses=responses(NotFound, NotSealedYet, NotProvable)
)
async def prove_audit_entry(entry_id: UUID, _: CanReadAudit, resources: ResourcesDep, key: Key) -> ProofDocument:
    """The proof that a row is in the log, for anybody who trusts the public key."""
    async with resources.database.snapshot() as session:
        return ProofDocument.of(await proof(session, entry_id), key.public)
