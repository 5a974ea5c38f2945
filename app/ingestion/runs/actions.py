"""What the audit log calls the changes of runs."""

from enum import StrEnum


class RunAction(StrEnum):
    """What happened to a run."""

    STARTED = "ingestion-run:start"
    COMPLETED = "ingestion-run:complete"
    FAILED = "ingestion-run:fail"
    CANCELLED = "ingestion-run:cancel"

    @property
    def entity_type(self) -> str:
        """The kind of thing that the action is done to."""
        return self.partition(":")[0]
