"""The dashboard, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.dashboard.router import router

DOMAIN = Domain(name="dashboard", routers=(router,))
