"""Joins, as the registry knows the domain."""

from app.catalog.joins.actions import JoinAction
from app.catalog.joins.configuration import CONFIG_KEYS
from app.catalog.joins.contributions import DEPENDANTS, TARGETS, TILES
from app.catalog.joins.events import EVENT_KINDS
from app.catalog.joins.evidence.models import JoinAnswerRow, JoinEvidenceColumnRow, JoinEvidenceRow
from app.catalog.joins.jobs import JOBS, SCHEDULES
from app.catalog.joins.models import AcceptedJoinRow, JoinCandidateRow, JoinUsageRow
from app.catalog.joins.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="joins",
    routers=(router,),
    models=(JoinEvidenceRow, JoinEvidenceColumnRow, JoinAnswerRow, JoinCandidateRow, AcceptedJoinRow, JoinUsageRow),
    actions=(JoinAction,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    config_keys=CONFIG_KEYS,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    dependant_sources=DEPENDANTS,
    retention_targets=lambda _: TARGETS,
)
