"""Facts about the deployment, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.deployment.router import router

DOMAIN = Domain(name="deployment", routers=(router,))
