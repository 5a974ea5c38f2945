"""Credentials, as the registry knows the domain."""

from app.access.credentials.background import BACKGROUND
from app.access.models import RevokedToken
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="credentials", models=(RevokedToken,), background=BACKGROUND)
