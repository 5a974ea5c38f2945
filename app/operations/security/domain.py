"""The edge's protection, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.security.actions import SecurityAction
from app.operations.security.contributions import SECURITY_EVENTS, TILES
from app.operations.security.events import EVENT_KINDS
from app.operations.security.models import ActionRow, BlockRow, EventRow, HoneypotRow, RateRuleRow, ResponseRow
from app.operations.security.recording import BACKGROUND as RECORDING
from app.operations.security.router import router
from app.operations.security.watch import BACKGROUND as EDGE
from app.operations.security.watch import WATCHED

DOMAIN = Domain(
    name="security",
    actions=(SecurityAction,),
    routers=(router,),
    models=(RateRuleRow, BlockRow, EventRow, ActionRow, ResponseRow, HoneypotRow),
    background=(*EDGE, *RECORDING),
    watched=WATCHED,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    retention_targets=lambda _: (SECURITY_EVENTS,),
)
