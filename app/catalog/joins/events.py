"""What joins announce. `judging.py` and `remeasuring.py` announce these."""

from typing import Final

from app.kernel.ports.events import EventKind

ACCEPTED: Final = EventKind("join:accepted", "An administrator accepted a join, or a further version of one.")
DEPRECATED: Final = EventKind("join:deprecated", "An administrator took a join out of use.")
DECAYED: Final = EventKind("join:decayed", "An accepted join does not hold any more as it was accepted.")

EVENT_KINDS: Final = (ACCEPTED, DEPRECATED, DECAYED)
