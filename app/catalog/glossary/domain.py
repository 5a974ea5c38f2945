"""The glossary, as the registry knows the domain."""

from app.catalog.glossary.actions import GlossaryAction
from app.catalog.glossary.models import GlossaryEntryRow
from app.catalog.glossary.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="glossary", routers=(router,), models=(GlossaryEntryRow,), actions=(GlossaryAction,))
