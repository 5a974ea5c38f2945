# ruff: noqa: S608 - names of ours
"""What open runs of ingestion are about to use, as SQL conditions: retention leaves it until they are over. Pure.

Runs and their parts: `app/ingestion/runs/models.py`. Parts that were done count as well, until the run is over.
"""

from typing import Final

_PARTS: Final = (
    "spyne.ingestion_runs r JOIN spyne.ingestion_run_parts p ON p.run_id = r.id "
    "JOIN spyne.ingestion_history s ON s.id = p.batch_id WHERE r.status IN ('PENDING', 'RUNNING')"
)
"""Parts of open runs. Those are few and have an index (`ix_ingestion_runs_open`)."""

_BODY_OWNER: Final = "CASE WHEN s.kind = 'replay' THEN coalesce(s.source_batch_id, s.id) ELSE s.id END"
"""The batch whose body has the rows of the part's batch; in Python `app/ingestion/runs/bodies.py`."""


def body_needed(batch_id: str) -> str:
    """SQL condition: an open run is about to take rows again from the body of the batch with this id, an expression."""
    wanted = f"p.action IN ('replay', 'quarantine') AND {_BODY_OWNER} = {batch_id}"
    return f"EXISTS (SELECT FROM {_PARTS} AND {wanted})"


def images_needed(batch_id: str) -> str:
    """SQL condition: an open run is about to take back the batch with this id, an expression."""
    return f"{batch_id} IN (SELECT p.batch_id FROM {_PARTS} AND p.action = 'rollback')"
