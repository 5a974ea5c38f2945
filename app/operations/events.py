"""What operations announce, besides notifications themselves."""

from datetime import timedelta
from typing import Final

from app.kernel.security.security_events import EventKind as SecurityKind
from app.operations.notifications.kinds import EventKind

MODE_CHANGED: Final = EventKind("mode:changed", "The platform was opened for data, or closed.")
MAINTENANCE_CHANGED: Final = EventKind("maintenance:changed", "The maintenance mode was switched.")
LOG_FAILED: Final = EventKind("audit:verification-failed", "The audit log is not as it was sealed.")
KEY_EXPIRES: Final = EventKind("client-key:expiring", "A key of a service client is about to expire.")
LOCKED_OUT: Final = EventKind("security:lock-out", "Somebody was locked out after wrong passwords.")
DECOY_USED: Final = EventKind("security:decoy", "Somebody has used a decoy address or a decoy key.")
TOKEN_REUSED: Final = EventKind("security:token-reuse", "A refresh token was used twice: one of the two has stolen it.")

SECURITY_KINDS: Final = {
    SecurityKind.LOCK_OUT.value: LOCKED_OUT,
    SecurityKind.HONEYPOT_HIT.value: DECOY_USED,
    SecurityKind.DECOY_KEY.value: DECOY_USED,
    SecurityKind.REFRESH_REUSE.value: TOKEN_REUSED,
}
"""Security events of note, and what they are announced as."""

QUIET: Final = timedelta(minutes=15)
"""An attack goes on and on: of one kind of security event, one message in so long a time; the list has them all."""

EVENT_KINDS: Final = (
    MODE_CHANGED,
    MAINTENANCE_CHANGED,
    LOG_FAILED,
    KEY_EXPIRES,
    *dict.fromkeys(SECURITY_KINDS.values()),
)
