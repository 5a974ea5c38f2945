"""What the audit log calls what is done to the log itself."""

from enum import StrEnum


class AuditAction(StrEnum):
    """Subject and action."""

    ARCHIVED = "audit-log:archive"
