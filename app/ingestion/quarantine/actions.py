"""What the audit log calls changes of refused rows."""

from enum import StrEnum


class QuarantineAction(StrEnum):
    """What happened to refused rows of a batch."""

    RESOLVED = "batch:resolve-rows"
