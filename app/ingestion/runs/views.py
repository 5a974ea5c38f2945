"""Runs as people read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.ingestion.models import BatchRow
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import RunKind, RunStatus
from app.ingestion.runs.problems import RunNotFound
from app.ingestion.runs.repository import RunFilter, RunReads
from app.ingestion.runs.schemas import IngestionRun, IngestionRunPart
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession
from app.kernel.jobs import JobState
from app.kernel.paging import Page, PageRequest
from app.operations.jobs.progress import Extent, eta_seconds, percent_done

SHOWN_PARTS = 100
"""Parts that a plan or a run shows."""

_STATES = {
    RunStatus.PENDING: JobState.QUEUED,
    RunStatus.RUNNING: JobState.RUNNING,
    RunStatus.COMPLETED: JobState.SUCCEEDED,
    RunStatus.FAILED: JobState.FAILED,
    RunStatus.CANCELLED: JobState.CANCELLED,
}


def run_document(run: IngestionRunRow, now: datetime, parts: Sequence[BatchRow] = ()) -> IngestionRun:
    """The document of a run as it stands now, with parts that were done."""
    work, state = _extent(run), _STATES[RunStatus(run.status)]
    columns = {name: getattr(run, name) for name in IngestionRun.model_fields if hasattr(run, name)}
    links = {"self": f"/api/ingestion/runs/{run.id}"}
    if run.job_id is not None:
        links["job"] = f"/system/jobs/{run.job_id}"
    return IngestionRun.model_validate(
        columns
        | {
            "started_by": run.actor_label,
            "percent_done": percent_done(state, work),
            "eta_seconds": eta_seconds(state, work, run.started_at, now),
            "parts": [_part(batch) for batch in parts],
            "links": links,
        }
    )


def _extent(run: IngestionRunRow) -> Extent | None:
    """How much is done, of how much: in parts, or in rows while nobody knows how many parts there are."""
    if run.parts_total:
        return Extent(run.parts_done, run.parts_total)
    return Extent(run.rows_done, run.rows_total) if run.rows_total else None


def _part(batch: BatchRow) -> IngestionRunPart:
    columns = {name: getattr(batch, name) for name in IngestionRunPart.model_fields if hasattr(batch, name)}
    return IngestionRunPart.model_validate(columns | {"batch_id": batch.id})


class RunViews:
    """Shows runs."""

    def __init__(self, session: ReadSession, clock: Clock) -> None:
        self._runs, self._clock = RunReads(session), clock

    async def page(self, wanted: RunFilter, request: PageRequest) -> Page[IngestionRun]:
        """A page of runs, newest first, without their parts."""
        found, now = await self._runs.matching(wanted, request), self._clock()
        return found.shaped(lambda run: run_document(run, now))

    async def get(self, run_id: UUID) -> IngestionRun:
        """The run, with the newest parts that were done. Raises `RunNotFound`."""
        run = await self._runs.by_id(run_id)
        if run is None:
            raise RunNotFound
        found = run_document(run, self._clock(), await self._runs.made(run_id, SHOWN_PARTS))
        if run.kind == RunKind.REPLAY and (named := await self._runs.items(run_id)):
            found.request = found.request | {"batch_ids": named}
        return found
