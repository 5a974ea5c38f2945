"""Queries, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.query.actions import QueryAction
from app.query.configuration import CONFIG_KEYS
from app.query.contributions import DEPENDANTS, RETAINED, TILES
from app.query.corrections.actions import CorrectionAction
from app.query.corrections.models import QueryCorrectionRow
from app.query.exporting import EXPORT_SOURCES
from app.query.jobs import JOBS, SCHEDULES
from app.query.models import QueryExecution, QueryPreview
from app.query.proposals.configuration import CONFIG_KEYS as PROPOSALS_KEYS
from app.query.questions.configuration import CONFIG_KEYS as QUESTIONS_KEYS
from app.query.router import router
from app.query.values.models import IndexedColumnRow, IndexedTableRow, ValueTermRow

DOMAIN = Domain(
    name="query",
    routers=(router,),
    models=(QueryPreview, QueryExecution, QueryCorrectionRow, IndexedTableRow, IndexedColumnRow, ValueTermRow),
    actions=(QueryAction, CorrectionAction),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    config_keys=(*CONFIG_KEYS, *QUESTIONS_KEYS, *PROPOSALS_KEYS),
    tiles=TILES,
    export_sources=EXPORT_SOURCES,
    dependant_sources=DEPENDANTS,
    retention_targets=lambda _: RETAINED,
)
