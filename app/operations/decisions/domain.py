"""Decisions about the service as a whole, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.decisions.models import SystemConfig
from app.operations.decisions.watch import BACKGROUND

DOMAIN = Domain(name="decisions", models=(SystemConfig,), background=BACKGROUND)
