"""What the ingestion operations answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app.ingestion.quarantine.schemas import FaultCountDocument, QuarantinedRow
from app.kernel.schemas import StrictModel


class VerdictCounts(StrictModel):
    """How many rows got which verdict. The counts add up to the rows received.

    Of a batch that failed only the rows are counted that were rejected before it was given up.
    """

    inserted: int = Field(0, description="New rows.")
    updated: int = Field(0, description="Rows that replaced a stored one.")
    unchanged: int = Field(0, description="The same as what is stored already.")
    duplicate: int = Field(0, description="The same as another row of the batch, or (append) of the dedupe window.")
    late: int = Field(0, description="Outdone by a row that is newer, or otherwise preferred by the contract.")
    conflict: int = Field(0, description="Another content under the same key, which the contract rejects; quarantined.")
    rejected: int = Field(0, description="Not as the contract demands; quarantined.")


BatchStatus = Literal["pending", "completed", "failed", "rejected"]
"""How far a batch is. `rejected`: it was read, and none of its rows was accepted."""


BatchKind = Literal["batch", "replay", "backfill", "quarantine", "rollback", "pull"]
"""What a batch is for: `batch` came from a sender; the others were made by a run."""


class BatchSummary(BaseModel):
    """What became of a batch, as lists show it."""

    id: UUID = Field(description="The batch.")
    contract_id: str = Field(description="The contract it came under.", examples=["customers_v1"])
    table: str = Field(description="The logical table.", examples=["customers"])
    status: BatchStatus | Literal["dry-run"] = Field(
        description="How far it is; `rejected`: none of its rows was accepted."
    )
    kind: BatchKind = Field(
        description="`batch` came from a sender; the others were made by a run.", examples=["batch"]
    )
    source_batch_id: UUID | None = Field(
        None, description="Batch whose rows were taken again; of a rollback the batch that was taken back."
    )
    run_id: UUID | None = Field(None, description="The run that made it.")
    part: int | None = Field(None, description="Which part of the run it is, from 1.")
    rolled_back_by: UUID | None = Field(None, description="The rollback that took it back, while that stands.")
    rows: int = Field(description="Rows received.")
    counts: VerdictCounts = Field(description="Rows by verdict.")
    deleted: int = Field(0, description="Stored rows that went: absent from a replacing batch, absorbed, taken back.")
    images: int | None = Field(
        None, description="Before-images that were written, by which it can be taken back; null of older batches."
    )
    images_removed_at: datetime | None = Field(
        None, description="When retention removed these, all at once: it cannot be taken back any more."
    )
    bytes: int = Field(description="Bytes received, as sent.")
    seconds: float | None = Field(None, description="From the first byte to the merge.")
    first_event_time: datetime | None = Field(None, description="Earliest event time among its rows.")
    last_event_time: datetime | None = Field(None, description="Latest event time among its rows.")
    lag_seconds: float | None = Field(None, description="Processing time less the last event time.")
    schema_version: int | None = Field(None, description="Schema that its rows were held to.")
    submitted_by: str = Field(description="Who sent it.")
    created_at: datetime = Field(description="When it was accepted.")
    completed_at: datetime | None = Field(None, description="When it was merged, or given up.")
    fault_counts: list[FaultCountDocument] = Field(
        default_factory=list, description="Refused rows by fault, the most frequent first."
    )
    quarantined_rows: int = Field(0, description="Refused rows that are in quarantine, with their text.")
    unkept_rows: int = Field(
        0, description="Refused rows that are counted alone: quarantine had no room for them, or retention took them."
    )
    notices: list[str] = Field(
        default_factory=list, description="What was left out of rows without refusing them, such as ignored columns."
    )
    drift: list[str] = Field(
        default_factory=list, description="Reports of drift that its rows showed, by id: `/api/drift/{id}`."
    )
    problem: dict[str, object] | None = Field(None, description="Why it failed (RFC 9457).")
    plan_hash: str | None = Field(None, description="Of a dry run: names its outcome on the data as it was.")
    links: dict[str, str] = Field(default_factory=dict, description="Where to read on.")


class BatchReport(BatchSummary):
    """What became of a batch."""

    quarantined: list[QuarantinedRow] = Field(
        default_factory=list, description="The first refused rows; all that are kept are under `links.quarantine`."
    )
