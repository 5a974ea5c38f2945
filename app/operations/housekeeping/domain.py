"""Jobs by the clock, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.housekeeping.events import EVENT_KINDS
from app.operations.housekeeping.jobs import JOBS, SCHEDULES

DOMAIN = Domain(name="housekeeping", jobs=lambda _: JOBS, schedules=SCHEDULES, event_kinds=EVENT_KINDS)
