"""Events of requests for add-ons."""

from typing import Final

from app.addons.requests.tracking.workflow import RequestStatus
from app.kernel.ports.events import EventKind

SUBMITTED: Final = EventKind("addon:submitted", "A request for an add-on waits for approval.")
APPROVED: Final = EventKind("addon:approved", "A request for an add-on was approved; its package is generated.")
REJECTED: Final = EventKind("addon:rejected", "A request for an add-on was rejected or withdrawn.")
COMPLETED: Final = EventKind("addon:completed", "The package of an add-on was validated and can be downloaded.")
FAILED: Final = EventKind("addon:failed", "An add-on could not be generated or validated, or was cancelled.")

EVENT_KINDS: Final = (SUBMITTED, APPROVED, REJECTED, COMPLETED, FAILED)

OF_STATUS: Final = {
    RequestStatus.PENDING_APPROVAL: SUBMITTED,
    RequestStatus.APPROVED: APPROVED,
    RequestStatus.REJECTED: REJECTED,
    RequestStatus.COMPLETED: COMPLETED,
    RequestStatus.FAILED: FAILED,
}
"""What is announced when a request comes to a status."""
