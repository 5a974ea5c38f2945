"""Log-in at an OpenID provider, as the registry knows the domain."""

from app.access.oidc.background import BACKGROUND
from app.access.oidc.models import EndedLogin
from app.access.oidc.router import callback_router, router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="oidc", routers=(router, callback_router), models=(EndedLogin,), background=BACKGROUND)
