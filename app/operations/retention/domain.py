"""Retention, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.retention.actions import RetentionAction
from app.operations.retention.events import EVENT_KINDS
from app.operations.retention.jobs import JOBS, SCHEDULES
from app.operations.retention.models import HoldRow, RuleRow, RunRow, TombstoneRow
from app.operations.retention.router import router

DOMAIN = Domain(
    name="retention",
    routers=(router,),
    models=(RuleRow, HoldRow, RunRow, TombstoneRow),
    actions=(RetentionAction,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    event_kinds=EVENT_KINDS,
)
