"""Events of retention."""

from typing import Final

from app.kernel.ports.events import EventKind

RETENTION_RAN: Final = EventKind("retention:ran", "Old data was removed, or archived first.")

EVENT_KINDS: Final = (RETENTION_RAN,)
