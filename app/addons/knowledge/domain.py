"""Knowledge, as the registry knows the domain."""

from app.addons.knowledge.actions import KnowledgeAction
from app.addons.knowledge.jobs import JOBS, SCHEDULES
from app.addons.knowledge.models import KnowledgeChunkRow, KnowledgeDocumentRow, KnowledgeEmbeddingRow
from app.addons.knowledge.retention import DOCUMENTS
from app.addons.knowledge.router import router, uploads
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="knowledge",
    routers=(uploads, router),
    models=(KnowledgeDocumentRow, KnowledgeChunkRow, KnowledgeEmbeddingRow),
    actions=(KnowledgeAction,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    retention_targets=lambda _: (DOCUMENTS,),
)
