"""Reports of drift, as the registry knows the domain."""

from app.catalog.drift_reports.actions import DriftAction
from app.catalog.drift_reports.contributions import TILES
from app.catalog.drift_reports.events import EVENT_KINDS
from app.catalog.drift_reports.jobs import JOBS, SCHEDULES
from app.catalog.drift_reports.models import DriftChangeRow, DriftReportRow
from app.catalog.drift_reports.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="drift-reports",
    routers=(router,),
    models=(DriftReportRow, DriftChangeRow),
    actions=(DriftAction,),
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
)
