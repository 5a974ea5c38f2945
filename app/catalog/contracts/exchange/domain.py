"""The exchange of contracts as documents, as the registry knows the domain."""

from app.catalog.contracts.exchange.router import router
from app.catalog.models import ContractDocumentRow
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="contract-exchange", routers=(router,), models=(ContractDocumentRow,))
