"""What the audit log calls reports of drift, and decisions about them. What a batch shows is audited with the batch."""

from enum import StrEnum


class DriftAction(StrEnum):
    """Subject and action."""

    FOUND = "drift:find"
    CLOSED = "drift:close"
    ACCEPTED = "drift:accept"
    REJECTED = "drift:reject"
    NEW_VERSION = "drift:new-version"
    UNDONE = "drift:undo"
