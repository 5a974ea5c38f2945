"""Reports of drift, as the registry knows the domain."""

from app.catalog.drift_reports.models import DriftChangeRow, DriftReportRow
from app.kernel.domains.domain import Domain

DOMAIN = Domain(name="drift-reports", models=(DriftReportRow, DriftChangeRow))
