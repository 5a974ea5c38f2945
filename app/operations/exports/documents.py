"""How an export is shown. Pure."""

from datetime import datetime

from app.kernel.ports.export_formats import Compression, Format
from app.operations.exports.models import ExportRow
from app.operations.exports.schemas import ExportDocument
from app.operations.exports.states import Status


def document(row: ExportRow, now: datetime) -> ExportDocument:
    """The export as it is answered."""
    place = f"/system/exports/{row.id}"
    links = {"self": place}
    if row.status == Status.COMPLETED.value:
        links["download"] = f"{place}/download"
    return ExportDocument(
        id=row.id,
        job_type=row.job_type,
        filter_params=row.filter_params,
        subject=row.subject,
        format=Format(row.format),
        compression=Compression(row.compression),
        status=Status(row.status),
        error_code=row.error_code,
        error_message=row.error_message,
        requested_by=row.requested_by,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        expires_at=row.expires_at,
        rows=row.rows,
        bytes=row.bytes,
        estimated_rows=row.estimated_rows,
        eta_seconds=_eta(row, now),
        checksum=row.checksum,
        object_key=row.object_key,
        links=links,
    )


def _eta(row: ExportRow, now: datetime) -> float | None:
    if row.status != Status.RUNNING.value or row.started_at is None or not row.rows or row.estimated_rows is None:
        return None
    spent = max(0.0, (now - row.started_at).total_seconds())
    return round(max(0, row.estimated_rows - row.rows) * spent / row.rows, 1)
