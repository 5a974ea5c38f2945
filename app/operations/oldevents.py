"""Kinds of events."""

from typing import Final

from app.operations.housekeeping.events import KEY_EXPIRES, LOG_FAILED
from app.operations.modes.events import MAINTENANCE_CHANGED, MODE_CHANGED
from app.operations.security.events import SECURITY_KINDS

EVENT_KINDS: Final = (
    MODE_CHANGED,
    MAINTENANCE_CHANGED,
    LOG_FAILED,
    KEY_EXPIRES,
    *dict.fromkeys(SECURITY_KINDS.values()),
)
