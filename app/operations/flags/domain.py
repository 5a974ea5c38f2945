"""Feature flags, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.flags.actions import FlagAction
from app.operations.flags.models import FlagRow
from app.operations.flags.ofrep_router import router as ofrep_router
from app.operations.flags.router import router
from app.operations.flags.watch import BACKGROUND

DOMAIN = Domain(
    name="flags", actions=(FlagAction,), routers=(router, ofrep_router), models=(FlagRow,), background=BACKGROUND
)
