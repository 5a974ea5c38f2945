"""Adoption of relations that exist already, as the registry knows the domain."""

from app.catalog.adoption.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="adoption", routers=(router,))
