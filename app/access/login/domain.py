"""Log-in, renewal, log-out, change of passwords, as the registry knows the domain."""

from app.access.login.jobs import JOBS, SCHEDULES
from app.access.login.models import KnownPlace, LimitNote, LoginAttempt
from app.access.login.password_router import router as password_router
from app.access.login.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="login",
    routers=(router, password_router),
    models=(LoginAttempt, KnownPlace, LimitNote),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
)
