"""Events of the edge's protection, and the kinds they are announced as."""

from datetime import timedelta
from typing import Final

from app.kernel.ports.events import EventKind
from app.kernel.security.security_events import EventKind as SecurityKind

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

EVENT_KINDS: Final = (*dict.fromkeys(SECURITY_KINDS.values()),)
