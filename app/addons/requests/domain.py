"""Requests for add-ons, as the registry knows the domain."""

from app.addons.proposals.configuration import CONFIG_KEYS
from app.addons.requests.contributions import PACKAGES, SAMPLES, TILES, VALIDATION_REPORTS
from app.addons.requests.jobs import SCHEDULES, jobs
from app.addons.requests.revisions.models import TARevision, ValidationRun
from app.addons.requests.revisions.router import router as revisions
from app.addons.requests.revisions.router import uploads as revision_uploads
from app.addons.requests.router import router
from app.addons.requests.samples.models import LogSample
from app.addons.requests.samples.router import router as samples
from app.addons.requests.samples.router import uploads as sample_uploads
from app.addons.requests.tracking.actions import AddonAction
from app.addons.requests.tracking.events import EVENT_KINDS
from app.addons.requests.tracking.models import AddonRequest, RequestStep
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="addons",
    routers=(router, sample_uploads, samples, revision_uploads, revisions),
    models=(AddonRequest, RequestStep, LogSample, TARevision, ValidationRun),
    actions=(AddonAction,),
    config_keys=CONFIG_KEYS,
    jobs=jobs,
    schedules=SCHEDULES,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    retention_targets=lambda _: (VALIDATION_REPORTS, PACKAGES, SAMPLES),
)
