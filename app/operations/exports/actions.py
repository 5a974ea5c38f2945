"""What the audit log calls what happens to exports."""

from enum import StrEnum
from typing import Final

ENTITY: Final = "export"
"""What the actions are done to."""


class ExportAction(StrEnum):
    """Acts on an export, from the request to the removal of the file."""

    REQUESTED = "export:create"
    DOWNLOADED = "export:download"
    COMPLETED = "export:complete"
    FAILED = "export:fail"
    CANCELLED = "export:cancel"
    REPORTED = "export:report"
    EXPIRED = "export:expire"
