"""Runs, as the registry knows the domain."""

from app.ingestion.runs.actions import RunAction
from app.ingestion.runs.events import EVENT_KINDS
from app.ingestion.runs.jobs import JOBS, SCHEDULES
from app.ingestion.runs.models import IngestionRunPartRow, IngestionRunRow
from app.ingestion.runs.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="ingestion-runs",
    routers=(router,),
    models=(IngestionRunRow, IngestionRunPartRow),
    actions=(RunAction,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    event_kinds=EVENT_KINDS,
)
