"""Ingestion, as the registry knows the domain."""

from app.ingestion.actions import BatchAction
from app.ingestion.configuration import CONFIG_KEYS
from app.ingestion.contributions import TILES
from app.ingestion.drift.router import router as comparing
from app.ingestion.events import EVENT_KINDS
from app.ingestion.exporting import EXPORT_SOURCES
from app.ingestion.jobs import JOBS, SCHEDULES
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.actions import QuarantineAction
from app.ingestion.quarantine.models import QuarantineRow, QuarantineTotal
from app.ingestion.retention.targets import targets
from app.ingestion.router import router, uploads
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="ingestion",
    routers=(uploads, router, comparing),
    models=(BatchRow, QuarantineRow, QuarantineTotal),
    actions=(BatchAction, QuarantineAction),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    config_keys=CONFIG_KEYS,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    export_sources=EXPORT_SOURCES,
    retention_targets=targets,
)
