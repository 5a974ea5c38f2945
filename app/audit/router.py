"""`/api/audit`: what happened."""

from fastapi import APIRouter, Request, Response

from app.audit.models import AuditEntry
from app.audit.permissions import CanReadAudit
from app.audit.schemas import AuditActor, AuditedEntity, AuditEntryDocument, Filtering
from app.audit.service import AuditReading
from app.kernel.http import Reads, TransactionalRoute
from app.kernel.paging import PageDocument, Paging, show

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


@router.get("", operation_id="list_audit_entries")
async def list_audit_entries(
    _: CanReadAudit, session: Reads, wanted: Filtering, paging: Paging, request: Request, response: Response
) -> PageDocument[AuditEntryDocument]:
    """What happened, newest first; every filter narrows."""
    page = await AuditReading(session).page(wanted, paging)
    return show(page, _document, request, response)
