"""Metrics, and samples of them, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.metrics.metric_samples import BACKGROUND as SAMPLING
from app.operations.metrics.metric_samples import JOBS, SCHEDULES
from app.operations.metrics.models import SampleRow
from app.operations.metrics.prometheus import BACKGROUND as LAG
from app.operations.metrics.prometheus import router

DOMAIN = Domain(
    name="metrics",
    routers=(router,),
    models=(SampleRow,),
    jobs=lambda _: JOBS,
    schedules=SCHEDULES,
    background=(*SAMPLING, *LAG),
)
