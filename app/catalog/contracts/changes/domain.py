"""Changes of contracts, as the registry knows the domain."""

from app.catalog.contracts.changes.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="contract-changes", routers=(router,))
