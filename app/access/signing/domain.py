"""Signing keys, as the registry knows the domain."""

from app.access.signing.actions import SigningKeyAction
from app.access.signing.router import router
from app.access.signing.watch import BACKGROUND
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="signing", routers=(router,), actions=(SigningKeyAction,), background=BACKGROUND)
