"""Events of exports."""

from typing import Final

from app.kernel.ports.events import EventKind

EXPORT_READY: Final = EventKind("export:ready", "An export can be downloaded.")
EXPORT_FAILED: Final = EventKind("export:failed", "An export could not be made.")

EVENT_KINDS: Final = (EXPORT_READY, EXPORT_FAILED)
