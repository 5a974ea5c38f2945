"""Documents of the standard, as the registry knows the domain."""

from app.catalog.contracts.exchange.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="contract-exchange", routers=(router,))
