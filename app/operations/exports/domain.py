"""Exports, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.exports.actions import ExportAction
from app.operations.exports.contributions import DEPENDANTS, EXPORTS, TILES
from app.operations.exports.events import EVENT_KINDS
from app.operations.exports.jobs import JOBS, SCHEDULES
from app.operations.exports.models import ExportRow
from app.operations.exports.router import router

DOMAIN = Domain(
    name="exports",
    routers=(router,),
    models=(ExportRow,),
    actions=(ExportAction,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    dependant_sources=DEPENDANTS,
    retention_targets=lambda _: (EXPORTS,),
)
