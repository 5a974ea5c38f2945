"""What drift announces. `recording.py` and `deciding.py` announce these."""

from typing import Final

from app.kernel.ports.events import EventKind

FOUND: Final = EventKind("drift:found", "A schema differs from what came in or from what is there.")
BREAKING: Final = EventKind("drift:breaking", "Drift was found by which something that worked fails or means another.")
RESOLVED: Final = EventKind("drift:resolved", "Somebody decided about drift, or a change was applied or undone.")

EVENT_KINDS: Final = (FOUND, BREAKING, RESOLVED)
