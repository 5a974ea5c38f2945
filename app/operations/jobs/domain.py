"""Jobs, as the registry knows the domain. Their table and their workers are the kernel's: `app/kernel/jobs/`."""

from app.kernel.domains.domain import Domain
from app.operations.jobs.actions import JobAction
from app.operations.jobs.router import router

DOMAIN = Domain(name="jobs", routers=(router,), actions=(JobAction,))
