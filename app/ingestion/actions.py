"""What the audit log calls the changes of ingestion."""

from enum import StrEnum


class BatchAction(StrEnum):
    """What happened to a batch."""

    INGESTED = "batch:ingest"
    ACCEPTED = "batch:accept"
    FAILED = "batch:fail"
    REJECTED = "batch:reject"
    TAKEN_BACK = "batch:take-back"
