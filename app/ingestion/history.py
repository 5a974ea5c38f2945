"""Reports of batches and of their refused rows, as people read them."""

from collections.abc import Sequence
from uuid import UUID

from app.ingestion.models import BatchRow
from app.ingestion.quarantine.models import QuarantineRow
from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.quarantine.repository import QuarantineReads, RowFilter
from app.ingestion.quarantine.schemas import batch_links, quarantined_row
from app.ingestion.repository import BatchReads
from app.ingestion.schemas import BatchReport, BatchSummary
from app.kernel.db.database import ReadSession
from app.kernel.paging import Page, PageRequest

SAMPLE = PageRequest(limit=20)
"""Refused rows that a report shows; all of them are under `/quarantine`."""


class BatchHistory:
    """Reads batches and their refused rows."""

    def __init__(self, session: ReadSession) -> None:
        self._batches, self._quarantine = BatchReads(session), QuarantineReads(session)

    async def report(self, batch_id: UUID) -> BatchReport:
        """The report of a batch, with a sample of its refused rows. Raises `BatchNotFound`."""
        batch = await self._find(batch_id)
        sample = await self._quarantine.page(batch_id, SAMPLE)
        return batch_report(batch, sample.items)

    async def quarantine(self, batch_id: UUID, request: PageRequest, wanted: RowFilter) -> Page[QuarantineRow]:
        """A page of refused rows, by line. Raises `BatchNotFound`."""
        await self._find(batch_id)
        return await self._quarantine.page(batch_id, request, wanted)

    async def _find(self, batch_id: UUID) -> BatchRow:
        batch = await self._batches.by_id(batch_id)
        if batch is None:
            raise BatchNotFound
        return batch


def batch_summary(batch: BatchRow) -> BatchSummary:
    """The batch as lists show it."""
    return BatchSummary.model_validate(_facts(batch))


def batch_report(batch: BatchRow, sample: Sequence[QuarantineRow] = ()) -> BatchReport:
    """The report of a batch, with a sample of its refused rows."""
    return BatchReport.model_validate(_facts(batch) | {"quarantined": [quarantined_row(row) for row in sample]})


def _facts(batch: BatchRow) -> dict[str, object]:
    table = batch.contract_id.rpartition("_v")[0]
    columns = {name: getattr(batch, name) for name in BatchSummary.model_fields if hasattr(batch, name)}
    refused = batch.counts.get("rejected", 0) + batch.counts.get("conflict", 0)
    return {
        **columns,
        "table": table,
        "rows": batch.rows_received,
        "bytes": batch.bytes_received,
        "submitted_by": batch.actor_label,
        "unkept_rows": max(0, refused - (batch.quarantined_rows or 0)),
        "links": {
            **batch_links(batch.id),
            "contract": f"/api/contracts/{batch.contract_id}",
            "table": f"/api/tables/{table}",
        },
    }
