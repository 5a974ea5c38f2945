"""Refusals that are about a batch and its refused rows."""

from typing import Any, ClassVar
from uuid import UUID

from app.ingestion.quarantine.schemas import batch_links
from app.kernel.problems import InvalidRequest, NotFound, ProblemDocument
from app.warehouse.ingest import MergeOutcome


class BatchNotFound(NotFound):
    """There is no such batch."""

    code, title = "batch-not-found", "There is no such batch"


class NothingAccepted(InvalidRequest):
    """Rows came, and every one of them was refused: nothing of the batch is in the table."""

    code, title = "nothing-accepted", "No row of the batch was accepted"

    OF_BATCH: ClassVar = ("batch_id", "quarantined_rows", "links")
    """Fields about the batch that holds the refused rows."""

    @classmethod
    def of(cls, outcome: MergeOutcome) -> "NothingAccepted":
        """The refusal of a batch with this outcome: its rows by fault, and a sample of them."""
        rows = outcome.counts.received
        detail = "The only row was refused" if rows == 1 else f"All {rows} rows were refused"
        if outcome.ended_early:
            detail = f"The first {rows} rows were refused, all of them; what follows was not read"
        return cls(f"{detail}. `fault_counts` says why, `rejected_sample` shows the first.", **outcome.refusals)

    @classmethod
    def again(cls, document: dict[str, Any], headers: dict[str, str]) -> "NothingAccepted":
        """The refusal that was answered with this document before."""
        fields = {name: value for name, value in document.items() if name not in ProblemDocument.model_fields}
        return cls(document["detail"], headers=headers, **fields)

    def kept_as(self, batch_id: UUID, kept: int) -> None:
        """Say which batch holds the refused rows, and how many of them."""
        said = (str(batch_id), kept, batch_links(batch_id))
        self.fields |= dict(zip(self.OF_BATCH, said, strict=True))
