"""What ingestion announces: batches of which nothing came into a table. `merging.py` announces them."""

from typing import Final

from app.kernel.ports.events import EventKind

FAILED: Final = EventKind("batch:failed", "A batch that was accepted for later could not be merged.")
OVER_LIMIT: Final = EventKind("batch:over-reject-limit", "A batch had more refused rows than it allows.")
NOTHING_ACCEPTED: Final = EventKind("batch:nothing-accepted", "Every row of a batch was refused.")

EVENT_KINDS: Final = (FAILED, OVER_LIMIT, NOTHING_ACCEPTED)
