"""Runs as people read them."""

from collections.abc import Sequence

from app.ingestion.models import BatchRow
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.schemas import RunDocument, RunPart


def run_document(run: IngestionRunRow, parts: Sequence[BatchRow] = ()) -> RunDocument:
    """The document of a run, with parts that were done."""
    work = None if not run.parts_total else Extent(run.parts_done, run.parts_total)
    columns = {name: getattr(run, name) for name in RunDocument.model_fields if hasattr(run, name)}
    links = {"self": f"/api/ingestion/runs/{run.id}"}
    if run.job_id is not None:
        links["job"] = f"/system/jobs/{run.job_id}"
    return RunDocument.model_validate(
        columns
        | {
            "request": {name: value for name, value in run.request.items() if name != "world"},
            "started_by": run.actor_label,
            "parts": [_part(batch) for batch in parts],
            "links": links,
        }
    )


def _part(batch: BatchRow) -> RunPart:
    work = None if not run.parts_total else Extent(run.parts_done, run.parts_total)
    columns = {name: getattr(batch, name) for name in RunPart.model_fields if hasattr(batch, name)}
    return RunPart.model_validate(columns | {"batch_id": batch.id})
