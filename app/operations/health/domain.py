"""Health, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.health.router import router

DOMAIN = Domain(name="health", routers=(router,))
