"""What runs announce. `work.py` announces them."""

from typing import Final

from app.kernel.ports.events import EventKind

ROLLED_BACK: Final = EventKind("ingestion:rolled-back", "Batches were taken back out of their table.")
RUN_FAILED: Final = EventKind("ingestion:run-failed", "A rollback, replay or backfill could not go on.")

EVENT_KINDS: Final = (ROLLED_BACK, RUN_FAILED)
