# ruff: noqa: S608 - names of ours
"""What open runs of ingestion are about to use, as SQL conditions: retention leaves it until they are over. Pure.

Runs and their parts: `app/ingestion/runs/models.py`. What was done of a run counts as well, until the run is over.
"""

from typing import Final

_OPEN: Final = "r.status IN ('PENDING', 'RUNNING')"
"""The open runs are few, and have an index (`ix_ingestion_runs_open`)."""

_PARTS: Final = f"spyne.ingestion_runs r JOIN spyne.ingestion_run_parts p ON p.run_id = r.id WHERE {_OPEN}"

_REPLAYED: Final = (
    "SELECT CASE WHEN s.kind = 'replay' THEN coalesce(s.source_batch_id, s.id) ELSE s.id END AS id "
    "FROM spyne.ingestion_runs r JOIN spyne.ingestion_run_parts p ON p.run_id = r.id "
    f"JOIN spyne.ingestion_history s ON s.id = p.batch_id WHERE {_OPEN} AND p.action IN ('replay', 'quarantine')"
)
"""Batches whose bodies have the rows that parts take again; in Python `app/ingestion/runs/repository.py`."""

_READ: Final = (
    "SELECT CAST(i.item AS uuid) FROM spyne.ingestion_runs r, LATERAL jsonb_array_elements_text(r.items) i(item) "
    f"WHERE {_OPEN} AND r.kind = 'backfill' AND r.request->'source'->>'kind' = 'batches'"
)
"""Batches whose bodies a backfill reads; of other sources its items are no batches."""


def body_needed(batch_id: str) -> str:
    """SQL condition: an open run is about to take rows from the body of the batch with this id, an expression."""
    return f"EXISTS (SELECT FROM ({_REPLAYED} UNION ALL {_READ}) needed WHERE needed.id = {batch_id})"


def images_needed(batch_id: str) -> str:
    """SQL condition: an open run is about to take back the batch with this id, an expression."""
    return f"{batch_id} IN (SELECT p.batch_id FROM {_PARTS} AND p.action = 'rollback')"
