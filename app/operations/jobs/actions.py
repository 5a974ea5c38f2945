"""What the audit log calls what people do to jobs."""

from enum import StrEnum
from typing import Final

ENTITY: Final = "job"
"""What the actions are done to."""


class JobAction(StrEnum):
    """Acts on a job."""

    CANCELLED = "job:cancel"
    """Somebody asked for the job's end; when it came, the job itself says."""
