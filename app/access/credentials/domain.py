"""Credentials, as the registry knows the domain."""

from app.access.credentials.actions import TokenAction
from app.access.credentials.background import BACKGROUND
from app.access.models import RevokedToken
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="credentials", models=(RevokedToken,), actions=(TokenAction,), background=BACKGROUND)
