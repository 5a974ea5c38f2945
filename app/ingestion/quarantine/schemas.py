"""What operations on refused rows take and answer, and where to read on about them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.ingestion.quarantine.models import QuarantineRow
from app.kernel.schemas import Reason, StrictModel
from app.warehouse.rejections import MAX_NAME_CHARACTERS, RejectionCode

MAX_LINES = 10_000
"""Lines that one request may name."""

Line = Annotated[int, Field(ge=1, lt=2**63)]


class RowFaultDocument(BaseModel):
    """One thing that is wrong with a row."""

    code: str = Field(description="Stable reason.", examples=["wrong-type"])
    column: str | None = Field(None, description="The column at fault, when it is one.")
    message: str = Field(description="The reason in words.")


class QuarantinedRow(RowFaultDocument):
    """One refused row; code, column and message are those of its first fault."""

    line: int = Field(description="Physical line (NDJSON, CSV), or position of the element or row, from 1.")
    raw: str = Field(description="The row as it came, cut to 2,000 characters.")
    clipped: bool = Field(default=False, description="Whether the row goes on beyond `raw`.")
    faults: list[RowFaultDocument] = Field(default_factory=list, description="Everything that is wrong with the row.")
    resolved_at: datetime | None = Field(None, description="When somebody said that it is dealt with.")
    resolved_by: UUID | None = Field(None, description="The batch as which it was taken again, and accepted.")


class FaultCountDocument(StrictModel):
    """How many rows of a batch have a fault."""

    code: str = Field(description="Stable reason.", examples=["wrong-type"])
    column: str | None = Field(None, description="The column at fault; null also for columns beyond the hundredth.")
    rows: int = Field(description="Refused rows that have it; a row with several faults counts for each.")


class RowsToResolve(StrictModel):
    """Refused rows of a batch that are dealt with; absent conditions hold for all of them."""

    lines: Annotated[list[Line], Field(min_length=1, max_length=MAX_LINES)] | None = Field(
        None, description="These lines."
    )
    code: RejectionCode | None = Field(None, description="Rows with this fault.")
    column: str | None = Field(None, max_length=MAX_NAME_CHARACTERS, description="Rows with a fault in this column.")
    resolved: bool = Field(default=True, description="False opens them again.")
    note: Reason | None = Field(None, description="Why, for the audit log.")


class ResolvedRows(StrictModel):
    """What became of refused rows."""

    rows: int = Field(description="Rows that were marked; those that stood so already are none.")


def quarantined_row(row: QuarantineRow) -> QuarantinedRow:
    """The document of a refused row."""
    first = {"code": row.code, "column": row.column_name, "message": row.message}
    return QuarantinedRow.model_validate(
        {
            **first,
            "line": row.line,
            "raw": row.raw,
            "clipped": row.clipped,
            "faults": [first, *(row.more_faults or ())],
            "resolved_at": row.resolved_at,
            "resolved_by": row.resolved_by,
        }
    )


def batch_links(batch_id: UUID) -> dict[str, str]:
    """Where to read on about a batch: its report, its refused rows, and those as a file."""
    place = f"/api/ingestion/batches/{batch_id}"
    return {
        "self": place,
        "quarantine": f"{place}/quarantine",
        "quarantine_csv": f"{place}/quarantine/export?format=csv",
        "quarantine_ndjson": f"{place}/quarantine/export?format=ndjson",
    }
