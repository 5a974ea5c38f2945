"""Sessions of people, as the registry knows the domain."""

from app.access.sessions.actions import SessionAction
from app.access.sessions.contributions import SESSIONS
from app.access.sessions.models import RefreshToken, UserSession
from app.access.sessions.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="sessions",
    routers=(router,),
    models=(UserSession, RefreshToken),
    actions=(SessionAction,),
    retention_targets=lambda _: (SESSIONS,),
)
