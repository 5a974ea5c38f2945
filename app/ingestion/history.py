"""What became of batches, as people read it."""

from uuid import UUID

from app.ingestion.models import BatchRow, QuarantineRow
from app.ingestion.repository import BatchReads
from app.ingestion.schemas import BatchReport, QuarantinedRow, VerdictCounts
from app.kernel.db.database import ReadSession
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import NotFound

SAMPLE = PageRequest(limit=20)
"""Refused rows that a report shows; all of them are under `/quarantine`."""


class BatchNotFound(NotFound):
    """There is no such batch."""

    code, title = "batch-not-found", "There is no such batch"


class BatchHistory:
    """Reads batches and their refused rows."""

    def __init__(self, session: ReadSession) -> None:
        self._batches = BatchReads(session)

    async def page(self, contract_id: str | None, status: str | None, request: PageRequest) -> Page[BatchRow]:
        """One page of batches, newest first."""
        return await self._batches.matching(contract_id, status, request)

    async def report(self, batch_id: UUID) -> BatchReport:
        """A batch and a sample of its refused rows. Raises `BatchNotFound`."""
        batch = await self._find(batch_id)
        sample = await self._batches.quarantined(batch_id, SAMPLE)
        return report(batch, [quarantined(row) for row in sample.items])

    async def quarantine(self, batch_id: UUID, request: PageRequest) -> Page[QuarantineRow]:
        """One page of refused rows, by line. Raises `BatchNotFound`."""
        await self._find(batch_id)
        return await self._batches.quarantined(batch_id, request)

    async def _find(self, batch_id: UUID) -> BatchRow:
        batch = await self._batches.by_id(batch_id)
        if batch is None:
            raise BatchNotFound
        return batch


def quarantined(row: QuarantineRow) -> QuarantinedRow:
    """A refused row as it is shown."""
    return QuarantinedRow(line=row.line, code=row.code, column=row.column_name, message=row.message, raw=row.raw)


def summary(batch: BatchRow) -> BatchReport:
    """A batch as lists show it."""
    return report(batch, [])


def report(batch: BatchRow, sample: list[QuarantinedRow]) -> BatchReport:
    """A batch as it is shown."""
    place = f"/api/ingestion/batches/{batch.id}"
    return BatchReport.model_validate(
        {
            "id": batch.id,
            "contract_id": batch.contract_id,
            "table": batch.contract_id.rpartition("_v")[0],
            "status": batch.status,
            "rows": batch.rows_received,
            "counts": VerdictCounts(**batch.counts),
            "bytes": batch.bytes_received,
            "seconds": batch.seconds,
            "first_event_time": batch.first_event_time,
            "last_event_time": batch.last_event_time,
            "lag_seconds": batch.lag_seconds,
            "schema_version": batch.schema_version,
            "submitted_by": batch.actor_label,
            "created_at": batch.created_at,
            "completed_at": batch.completed_at,
            "quarantined": sample,
            "problem": batch.problem,
            "links": {
                "self": place,
                "quarantine": f"{place}/quarantine",
                "contract": f"/api/contracts/{batch.contract_id}",
                "table": f"/api/tables/{batch.contract_id.rpartition('_v')[0]}",
            },
        }
    )
