"""The audit log, as the registry knows the domain."""

from app.audit.actions import AuditAction
from app.audit.archiving.retention_target import AuditLogTarget
from app.audit.contributions import TILES, AuditSource
from app.audit.log.models import AuditArchive, AuditEntry, AuditSeal, SealedEntry
from app.audit.router import router
from app.audit.seals.sealing import BACKGROUND
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="audit",
    routers=(router,),
    models=(AuditEntry, AuditSeal, SealedEntry, AuditArchive),
    actions=(AuditAction,),
    background=BACKGROUND,
    tiles=TILES,
    export_sources=(AuditSource(),),
    retention_targets=lambda _: (AuditLogTarget(),),
)
