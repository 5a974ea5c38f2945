"""What the audit log calls decisions about drift."""

from enum import StrEnum


class DriftAction(StrEnum):
    """Subject and action."""

    ACCEPTED = "drift:accept"
    REJECTED = "drift:reject"
    NEW_VERSION = "drift:new-version"
    UNDONE = "drift:undo"
