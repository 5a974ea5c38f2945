"""Events of the modes."""

from typing import Final

from app.kernel.ports.events import EventKind

MODE_CHANGED: Final = EventKind("mode:changed", "The platform was opened for data, or closed.")
MAINTENANCE_CHANGED: Final = EventKind("maintenance:changed", "The maintenance mode was switched.")

EVENT_KINDS: Final = (MODE_CHANGED, MAINTENANCE_CHANGED)
