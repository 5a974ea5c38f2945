"""Events of the daily checks."""

from typing import Final

from app.kernel.ports.events import EventKind

LOG_FAILED: Final = EventKind("audit:verification-failed", "The audit log is not as it was sealed.")
KEY_EXPIRES: Final = EventKind("client-key:expiring", "A key of a service client is about to expire.")

EVENT_KINDS: Final = (LOG_FAILED, KEY_EXPIRES)
