"""Contracts, as the registry knows the domain."""

from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.router import router
from app.catalog.models import ContractRow, ContractSchemaRow
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="contracts", routers=(router,), models=(ContractRow, ContractSchemaRow), actions=(ContractAction,))
