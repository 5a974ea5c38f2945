"""Modes and maintenance windows, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.modes.actions import ModeAction, WindowAction
from app.operations.modes.background import BACKGROUND as WINDOWS
from app.operations.modes.contributions import TILES
from app.operations.modes.events import EVENT_KINDS
from app.operations.modes.models import WindowRow
from app.operations.modes.router import router, window_router
from app.operations.modes.shield import BACKGROUND as SHIELD

DOMAIN = Domain(
    name="modes",
    actions=(ModeAction, WindowAction),
    routers=(router, window_router),
    models=(WindowRow,),
    background=(*SHIELD, *WINDOWS),
    tiles=TILES,
    event_kinds=EVENT_KINDS,
)
