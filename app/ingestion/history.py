"""Reports of batches and of their refused rows, as people read them."""

from uuid import UUID

from app.ingestion.models import BatchRow, QuarantineRow
from app.ingestion.repository import BatchReads
from app.ingestion.schemas import BatchReport, QuarantinedRow
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

    async def report(self, batch_id: UUID) -> BatchReport:
        """The report of a batch, with a sample of its refused rows. Raises `BatchNotFound`."""
        batch = await self._find(batch_id)
        sample = await self._batches.quarantined(batch_id, SAMPLE)
        return batch_report(batch, [quarantined_row(row) for row in sample.items])

    async def quarantine(self, batch_id: UUID, request: PageRequest) -> Page[QuarantineRow]:
        """A page of refused rows, by line. Raises `BatchNotFound`."""
        await self._find(batch_id)
        return await self._batches.quarantined(batch_id, request)

    async def _find(self, batch_id: UUID) -> BatchRow:
        batch = await self._batches.by_id(batch_id)
        if batch is None:
            raise BatchNotFound
        return batch


def quarantined_row(row: QuarantineRow) -> QuarantinedRow:
    """The document of a refused row."""
    return QuarantinedRow(line=row.line, code=row.code, column=row.column_name, message=row.message, raw=row.raw)


def batch_report(batch: BatchRow, sample: list[QuarantinedRow] | None = None) -> BatchReport:
    """The report of a batch; lists show it without a sample of refused rows."""
    place, table = f"/api/ingestion/batches/{batch.id}", batch.contract_id.rpartition("_v")[0]
    columns = {name: getattr(batch, name) for name in BatchReport.model_fields if hasattr(batch, name)}
    return BatchReport.model_validate(
        {
            **columns,
            "table": table,
            "rows": batch.rows_received,
            "bytes": batch.bytes_received,
            "submitted_by": batch.actor_label,
            "quarantined": sample or [],
            "links": {
                "self": place,
                "quarantine": f"{place}/quarantine",
                "contract": f"/api/contracts/{batch.contract_id}",
                "table": f"/api/tables/{table}",
            },
        }
    )
