"""What the audit log calls decisions about joins."""

from enum import StrEnum


class JoinAction(StrEnum):
    """Subject and action."""

    REFRESHED = "join-candidate:refresh"
    REJECTED = "join-candidate:reject"
    ACCEPTED = "join:accept"
    DEPRECATED = "join:deprecate"
    REMEASURED = "join:measure"
