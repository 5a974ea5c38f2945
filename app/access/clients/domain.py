"""Service clients and their keys, as the registry knows the domain."""

from app.access.clients.actions import ClientAction
from app.access.clients.router import router
from app.access.models import ApiClient, ApiKey, ClientRole
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="clients", routers=(router,), models=(ApiClient, ClientRole, ApiKey), actions=(ClientAction,))
