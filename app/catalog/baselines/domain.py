"""Baselines, as the registry knows the domain."""

from app.catalog.baselines.models import DriftBaselineRow
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="baselines", models=(DriftBaselineRow,))
